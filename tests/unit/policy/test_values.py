from __future__ import annotations

from ipaddress import ip_network

import pytest

from plugin.actions import Action, Service
from plugin.policy import values
from plugin.policy.rules import Hours
from plugin.yaml_places import Document


def _read(text: str) -> Document:
    return Document(text, "x")


def test_times_are_spans_within_a_year() -> None:
    document = _read("7d")
    assert values.seconds(document, document.root, "t", 1.0) == 7 * 86_400.0
    assert values.seconds(document, None, "t", 5.0) == 5.0
    zero = _read("0")
    assert values.seconds(zero, zero.root, "t", 5.0, zero=True) == 0.0
    assert not document.problems + zero.problems


@pytest.mark.parametrize("text", ["0", "-1s", "7 parsecs", "366d", "[1h]", "{a: 1h}", "''", "nan"])
def test_times_that_are_none(text: str) -> None:
    document = _read(text)
    assert values.seconds(document, document.root, "t", 5.0) == 5.0
    (problem,) = document.problems
    assert problem.startswith("x:1:1: t: a time span such as 90s")


def test_times_at_their_bounds() -> None:
    year = _read("365d")
    assert values.seconds(year, year.root, "t", 5.0) == values.SPAN_MAX
    assert not year.problems
    for zero, said in ((True, "0 or longer"), (False, "longer than 0")):
        wrong = _read("never")
        values.seconds(wrong, wrong.root, "t", 5.0, zero=zero)
        assert f"is expected, {said}, at most 365d" in wrong.problems[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", 0.5), ("1", 1.0), ("1.01", None), ("0", None), ("-1", None), ("inf", None)],
)
def test_shares(text: str, value: float | None) -> None:
    document = _read(text)
    assert values.share(document, document.root, "s", 1.0) == value
    assert len(document.problems) == (value is None)


def test_macs_and_their_beginnings() -> None:
    assert values.mac("02-00-5E-00-00-01") == "02:00:5e:00:00:01"
    assert values.mac("02:00:5E") == "02:00:5e"
    for wrong in ("02:00:5", "2:0:0:0:0:1", "02:00:00:00:00:01:02", "", "zz", "02:00:5e:"):
        with pytest.raises(ValueError, match="no MAC address"):
            values.mac(wrong)


def test_networks_say_what_was_probably_meant() -> None:
    assert values.network("10.0.0.7") == ip_network("10.0.0.7/32")
    assert values.network("2001:db8::/32") == ip_network("2001:db8::/32")
    with pytest.raises(ValueError, match=r"inside a network: 10\.0\.0\.0/24 is the network"):
        values.network("10.0.0.7/24")
    with pytest.raises(ValueError, match="is no network"):
        values.network("10.0.0.300")


def test_ports_of_switches_with_colons_in_their_names() -> None:
    assert values.port("sw1:3") == ("sw1", 3)
    assert values.port("rack:2:3") == ("rack:2", 3)
    assert values.port(f"sw1:{values.PORT_MAX}") == ("sw1", values.PORT_MAX)
    assert values.port("sw1:1") == ("sw1", 1)
    for wrong in ("sw1", "sw1:", ":3", "sw1:0", "sw1:-1", "sw1:³", "sw1:4294967295"):
        with pytest.raises(ValueError, match="no SWITCH:PORT"):
            values.port(wrong)


def test_vlans() -> None:
    assert (values.vlan("1"), values.vlan("4094")) == (1, 4094)
    for wrong in ("0", "4095", "x", "1.0", "٣"):
        with pytest.raises(ValueError, match="no VLAN's number"):
            values.vlan(wrong)


def test_lists_keep_what_is_right_and_say_where_the_rest_is_wrong() -> None:
    document = _read("[1, 5000, 2, 2]")
    assert values.each(document, document.root, "v", values.vlan) == (1, 2)
    assert [p.split(": ")[0] for p in document.problems] == ["x:1:5"]
    single = _read("7")
    assert values.each(single, single.root, "v", values.vlan) == (7,)


def test_names_of_a_fixed_set_say_the_nearest() -> None:
    with pytest.raises(ValueError, match="no such day 'sta'; did you mean 'sat'"):
        values.one_of(values.DAYS, "day")("sta")
    with pytest.raises(ValueError, match=r"no such tag 'a'$"):
        values.one_of((), "tag")("a")
    document = _read("enforced")
    known = ("simulate", "enforce")
    assert values.choice(document, document.root, "mode", known, "mode") == "simulate"
    assert "did you mean 'enforce'" in document.problems[0]
    assert values.choice(document, None, "mode", known, "mode") == "simulate"


def test_hours_with_all_days_and_over_midnight() -> None:
    document = _read(
        '[{days: [sat, sun], from: "02:00", to: "04:00"}, {from: "22:30", to: "24:00"}]'
    )
    assert values.hours(document, document.root, "h") == (
        Hours(frozenset({5, 6}), 120, 240),
        Hours(frozenset(range(7)), 22 * 60 + 30, 24 * 60),
    )
    assert not document.problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{from: "25:00", to: "04:00"}]', "h[0].from: '25:00' is no time of day"),
        ('[{from: "02:00"}]', "h[0].to: is missing"),
        ('[{days: [], from: "1:00", to: "2:00"}]', "h[0].days: no day at all"),
        ('[{days: [someday], from: "1:00", to: "2:00"}]', "no such day 'someday'"),
        ('[{day: mon, from: "1:00", to: "2:00"}]', "no such field"),
        ('{from: "1:00", to: "2:00"}', "h: a list is expected"),
    ],
)
def test_hours_that_are_none(text: str, said: str) -> None:
    document = _read(text)
    assert values.hours(document, document.root, "h") == ()
    assert any(said in problem for problem in document.problems)


def test_services() -> None:
    document = _read('[dhcp, {dns: 10.0.0.53}, {host: "2001:DB8::1"}, dhcp]')
    assert values.services(document, document.root, "allow") == (
        Service("dhcp"),
        Service("dns", "10.0.0.53"),
        Service("host", "2001:db8::1"),
    )
    assert not document.problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ntp]", "allow[0]: 'ntp' is no service"),
        ("[dns]", "dns needs an IP address"),
        ("[{dns: 10.0.0.300}]", "dns needs an IP address"),
        ("[{host: 224.0.0.1}]", "224.0.0.1 is no host's address"),
        ("[{dhcp: 10.0.0.1}]", "dhcp takes no address"),
        ("dhcp", "a list is expected"),
        ("[[dhcp, [dns]]]", "a text is expected"),
    ],
)
def test_services_that_are_none(text: str, said: str) -> None:
    document = _read(text)
    values.services(document, document.root, "allow")
    assert any(said in problem for problem in document.problems)


def test_actions() -> None:
    document = _read("limit:2M")
    assert document.root is not None
    found = values.action(document, document.root, "action", document.root)
    assert found == Action(kind="limit", rate=2000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quarantaine", "no such action 'quarantaine'; did you mean 'quarantine'"),
        ("limit:0", "limit needs a rate"),
        ("block:now", "block takes nothing after a colon"),
        ("[block]", "a text is expected"),
    ],
)
def test_actions_that_are_none(text: str, said: str) -> None:
    document = _read(text)
    assert document.root is not None
    assert values.action(document, document.root, "action", document.root) is None
    assert said in document.problems[0]


def test_an_action_that_is_missing_is_told_at_its_rule() -> None:
    document = _read("a: 1")
    assert document.root is not None
    assert values.action(document, None, "action", document.root) is None
    assert document.problems[0].startswith("x:1:1: action: is missing: one of notify")


def test_only_a_quarantine_has_services() -> None:
    usual = (Service("dhcp"),)
    quarantine = Action(kind="quarantine")
    assert values.furnished(quarantine, None, usual, away=True) == Action(
        kind="quarantine", allow=usual, redirect=True
    )
    assert values.furnished(quarantine, (), usual, away=False).allow == ()
    block = Action(kind="block")
    assert values.furnished(block, usual, usual, away=True) is block

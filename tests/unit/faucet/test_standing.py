"""What stands in an include file: exactly what was written, and of strangers the worst."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.actions import Action, Isolation, Kind, Place, Service
from plugin.faucet.hook import Stages, watch
from plugin.faucet.isolate import lay, merged
from plugin.faucet.standing import BLOCK, MAC, meter, read
from plugin.faucet.tree import UnreadableError
from tests.grounds import APART, DHCP, DNS, HOST, LAYOUTS, SERVICES, Site, isolation, mac, site

SITES: dict[str, Site] = {
    **{name: site(**more) for name, more in LAYOUTS.items()},
    "two": site(second=True),
    "apart": site(text=APART),
    "suffixes": site(second=True, text=None),
}
ADDRESSES = ("10.0.0.11", "10.0.0.12", "fe80::1", "fe80::2", "2001:db8::11")
services = st.one_of(
    st.sampled_from(SERVICES),
    st.builds(
        Service,
        st.sampled_from(["dns", "host"]),
        st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
    ),
)
actions = st.one_of(
    st.just(Action(kind="block")),
    st.builds(Action, kind=st.just("limit"), rate=st.integers(1, 100_000_000)),
    st.builds(
        Action,
        kind=st.just("quarantine"),
        allow=st.lists(services, max_size=4, unique=True).map(tuple),
        redirect=st.booleans(),
    ),
)
places = st.one_of(
    st.none(),
    st.builds(Place, st.just("sw1"), st.sampled_from([1, 2, 3, 6, 10, 24]), st.just(100)),
)


@st.composite
def isolations(draw: st.DrawFn) -> list[Isolation]:
    numbers = draw(st.lists(st.integers(1, 0x7FFF), max_size=5, unique=True))
    return [
        Isolation(
            cookie=number,
            mac=mac(number),
            action=draw(actions),
            place=draw(places),
            addresses=tuple(draw(st.lists(st.sampled_from(ADDRESSES), max_size=3, unique=True))),
        )
        for number in numbers
    ]


@settings(max_examples=150, deadline=None)
@given(ones=isolations(), where=st.sampled_from(sorted(SITES)), more=st.booleans())
def test_what_is_read_is_what_was_written(ones: list[Isolation], where: str, more: bool) -> None:
    there = SITES[where]
    laid = lay(ones, there.ground)
    stages = laid.stages
    if more:  # the mirror's part of the file is nobody's isolation
        stages = merged(Stages(watches=watch(mac(1), 0x8001), everything=True), stages)
    assert read(there.stages(stages)) == laid.standing
    asked = {one.cookie: one for one in ones}
    assert {one.cookie for one in laid.standing} == asked.keys() - laid.refused.keys()
    for one in laid.standing:
        wanted = asked[one.cookie].action
        assert (one.mac, one.action.kind, one.action.rate) == (
            asked[one.cookie].mac,
            wanted.kind,
            wanted.rate,
        )
        assert set(one.action.allow) <= set(wanted.allow)
        if one.cookie not in laid.left_out:
            assert one.action == wanted
    again = lay(list(reversed(ones)), there.ground)
    assert again == laid


def test_nothing_stands_in_a_file_as_installed() -> None:
    for there in SITES.values():
        assert read(there.include()) == ()
        assert read(there.root) == ()


def written(*ones: Isolation) -> str:
    return SITES["plain"].include(*ones)


def test_an_edited_rule_makes_a_block_of_that_device_only() -> None:
    quarantine = isolation("quarantine", allow=(DHCP, DNS), redirect=True)
    limit, other = isolation("limit", 2), isolation("block", 3)
    text = written(quarantine, limit, other)
    before = read(text)
    assert [one.action.kind for one in before] == ["quarantine", "limit", "block"]
    drop = "description: quarantine, cookie: 1, actions: {allow: 0, mirror"
    edits = [
        ("udp_src: 68, udp_dst: 67", "udp_src: 68, udp_dst: 68"),
        ("udp_src: 68, udp_dst: 67, cookie", "udp_dst: 67, cookie"),
        (
            "tcp_dst: 53, cookie: 1, actions: {allow: 1",
            "tcp_dst: 53, cookie: 1, actions: {allow: 0",
        ),
        ("udp_dst: 53, cookie: 1, actions: {", "udp_dst: 53, cookie: 1, actions: {meter: x, "),
        ("output: {ports: [6]}", "output: {ports: [6, 7]}"),
        ("output: {ports: [6]}", "output: {port: 6}"),
        ("output: {ports: [2]}", "output: {ports: [2], pop_vlans: 1}"),
        ("output: {ports: [6]}", "output: {ports: [6]}, meter: x"),
        ("allow: 0, output: {ports: [2]}", "allow: 1, output: {ports: [2]}"),
        (drop, drop.replace("description: quarantine, ", "")),
        (drop, drop.replace("allow: 0", "allow: 1")),
        (drop, drop.replace("allow: 0, ", "")),  # a copy alone lets pass
    ]
    for old, new in edits:
        assert old in text
        (one, *rest) = read(text.replace(old, new, 1))
        assert one == Isolation(cookie=1, mac=mac(1), action=BLOCK)
        assert tuple(rest) == before[1:]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("halia_m1_r500}", "other}"),
        ("halia_m1_r500}", "halia_m1_r501}"),
        ("halia_m1_r500}", "halia_m2_r500}"),
        ("rate: 500", "rate: 5000"),
        ("meter_id: 1", "meter_id: 2"),
        ("[KBPS]", "[PKTPS]"),
        ("  halia_m1_r500: ", "  halia_m1_r5: "),
        ("actions: {allow: 1, meter", "actions: {allow: 0, meter"),
        ("actions: {allow: 1, meter", "actions: {meter"),  # which denies
        ("cookie: 1, actions: {allow: 1, m", "dl_type: 2048, cookie: 1, actions: {allow: 1, m"),
    ],
)
def test_a_limit_whose_meter_is_not_as_written_is_taken_for_a_block(old: str, new: str) -> None:
    text = written(isolation("limit"))
    assert old in text
    (one,) = read(text.replace(old, new, 1))
    assert one.action == BLOCK


@pytest.mark.parametrize("kind", ["limit", "quarantine"])
def test_a_rule_at_the_remediation_port_that_is_not_of_it_makes_a_block(kind: Kind) -> None:
    text = written(isolation(kind))
    assert read(text)[0].action.kind == kind
    back = "{allow: 0, output: {ports: [2]}}"
    stray = f'    - {{rule: {{dl_dst: "{mac(1)}", cookie: 1, actions: {back}}}}}\n'
    (one,) = read(text.replace("  halia_remed:\n", f"  halia_remed:\n{stray}"))
    assert one.action == BLOCK


def test_drops_are_known_without_saying_so() -> None:
    text = written(isolation("quarantine"))
    bare = text.replace("actions: {allow: 0, mirror: col}", "actions: {}")
    assert bare != text
    assert read(bare) == read(text)
    assert read(text)[0].action.kind == "quarantine"


def test_a_missing_meter_or_rate_out_of_range() -> None:
    text = written(isolation("limit"))
    assert read(text[: text.index("meters:")])[0].action == BLOCK
    name, entry = meter(1, 0)
    low = text.replace("halia_m1_r500", name).replace("rate: 500", "rate: 0")
    assert entry["entry"]["bands"] == [{"type": "DROP", "rate": 0}]
    assert read(low)[0].action == BLOCK


def test_a_rule_in_one_hook_only_is_taken_for_a_block() -> None:
    text = (
        "acls:\n"
        '  halia_hook_a: [{rule: {dl_src: "0e:00:00:00:00:01", cookie: 1, actions: {allow: 1,'
        " meter: halia_m1_r500}}}]\n"
        "  halia_hook_b: []\n"
        "meters:\n"
        "  halia_m1_r500: {meter_id: 1, entry: {flags: [KBPS], bands: [{type: DROP, rate: 500}]}}\n"
    )
    assert read(text)[0].action == BLOCK
    both = text.replace("  halia_hook_b: []\n", "")
    assert read(both)[0].action == Action(kind="limit", rate=500)


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"dl_src": mac(1), "cookie": 9, "actions": {"allow": 0}}, [(9, mac(1))]),
        ({"eth_dst": mac(1).upper(), "cookie": 9}, [(9, mac(1))]),
        ({"dl_src": mac(1), "dl_dst": mac(2), "cookie": 9}, [(9, mac(1)), (9, mac(2))]),
        ({"dl_src": mac(1), "cookie": 0x8000, "actions": {"allow": 0}}, []),
        ({"dl_src": mac(1), "cookie": 0}, []),
        ({"dl_src": mac(1), "cookie": True}, []),
        ({"dl_src": mac(1)}, []),
        ({"dl_src": "01:00:5e:00:00:01", "cookie": 9}, []),
        ({"cookie": 9, "actions": {"allow": 0}}, []),
        ({"dl_src": 5, "cookie": 9}, []),
    ],
)
def test_strangers_with_our_cookies_are_blocks(rule: dict[str, Any], found: list[Any]) -> None:
    text = f"acls: {{halia_hook: [{{rule: {rule!r}}}]}}".replace("True", "true")
    assert [(one.cookie, one.mac) for one in read(text)] == found
    assert all(one.action == BLOCK for one in read(text))
    assert read(text.replace("halia_hook", "operator")) == ()


@pytest.mark.parametrize(
    "text",
    [
        "acls: 3",
        "acls: {halia_hook: 3}",
        "acls: {halia_hook: {rules: 3}}",
        "acls: {halia_hook: [3, [4], {rule: 5}]}",
        "meters: 3",
        "{}",
    ],
)
def test_odd_files_isolate_nobody(text: str) -> None:
    assert read(text) == ()


def test_odd_actions_are_blocks() -> None:
    for odd in ("3", "[]", "{output: 3}", "{allow: {}}", "{allow: 1, meter: [1]}"):
        text = (
            f'acls: {{halia_hook: [{{rule: {{dl_src: "{mac(1)}", cookie: 1, actions: {odd}}}}}]}}'
        )
        assert [one.action for one in read(text)] == [BLOCK]


def test_services_with_addresses_that_are_none_make_a_block() -> None:
    text = written(isolation("quarantine", allow=(HOST,)))
    (one,) = read(text.replace("10.0.0.254", "10.0.0.999"))
    assert one.action == BLOCK


@pytest.mark.parametrize("text", ["", "- 1", "acls: [", "a: 1\na: 2"])
def test_what_is_no_mapping_is_no_file_of_ours(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text)


def test_addresses_of_devices() -> None:
    for name in ("02:00:00:00:00:01", "00:11:22:aa:bb:cc", "fe:00:00:00:00:00"):
        assert MAC.fullmatch(name)
    for name in ("01:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:00:00:00:00", "02:00:00:00:00:0G"):
        assert not MAC.fullmatch(name)


FULL = (
    isolation("quarantine", 1, allow=SERVICES, redirect=True, addresses=("10.0.0.11", "fe80::1")),
    isolation("limit", 2),
    isolation("block", 3),
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_file_that_was_edited_anyhow_is_read_or_refused_and_frees_nobody(
    data: st.DataObject,
) -> None:
    text = written(*FULL)
    pieces = (
        "",
        " ",
        "0",
        "allow: 1",
        "[",
        "}",
        "'",
        "&a ",
        "*a",
        "#",
        "\n",
        "null",
        "1e9",
        "!!x ",
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        end = min(len(text), at + data.draw(st.integers(0, 12)))
        text = text[:at] + data.draw(st.sampled_from(pieces)) + text[end:]
    try:
        found = read(text)
    except UnreadableError:
        return
    expected = {(one.cookie, one.mac): one.action for one in read(written(*FULL))}
    for one in found:
        known = expected.get((one.cookie, one.mac))
        assert isinstance(one, Isolation)
        assert one.cookie in range(1, 0x8000)
        assert MAC.fullmatch(one.mac)
        assert known is None or one.action in {known, BLOCK} or one.action.kind == known.kind

"""From isolations to rules: golden files for each layout, refusals, limits, order."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from plugin.actions import Action, Isolation, Place
from plugin.faucet.ground import ground
from plugin.faucet.hook import PRIMING_MAC, Stages, watch
from plugin.faucet.isolate import HOOK_MAX, lay, merged, read
from plugin.faucet.reach import Spot
from tests.grounds import (
    APART,
    DHCP,
    DNS,
    HOST,
    LAYOUTS,
    SERVICES,
    TEXT,
    isolation,
    mac,
    rules,
    site,
)

WATCHER = 0x8001
CASES: dict[str, tuple[Isolation, ...]] = {
    "nothing": (),
    "block": (isolation("block"),),
    "block, shared port": (isolation("block"), isolation("block", 2)),
    "block, port 1": (isolation("block", port=1),),
    "quarantine": (isolation("quarantine", allow=SERVICES, addresses=("10.0.0.11", "fe80::1234")),),
    "quarantine, port 1": (isolation("quarantine", port=1, allow=(DHCP, DNS)),),
    "redirect": (
        isolation(
            "quarantine", redirect=True, allow=(HOST,), addresses=("10.0.0.11", "2001:db8::9")
        ),
    ),
    "limit": (isolation("limit"),),
    "limit, port 1": (isolation("limit", port=1),),
    "revlan": (isolation("revlan"),),
    "all": (
        isolation("limit", 4),
        isolation("quarantine", 3, redirect=True),
        isolation("quarantine", 2, allow=(DHCP,)),
        isolation("block", 1),
    ),
}


def golden(layout: str) -> str:
    """All cases of one layout, as the golden file has them."""
    where = site(**LAYOUTS[layout])
    parts = []
    for name, ones in CASES.items():
        laid = lay(ones, where.ground)
        parts.append(f"# ==== {name}\n{where.stages(laid.stages)}")
        parts += [f"# refused {c}: {why}\n" for c, why in laid.refused.items()]
        parts += [f"# left out {c}: {why}\n" for c, all_ in laid.left_out.items() for why in all_]
        parts += [f"# revlan {one.dp}:{one.port} to {one.vlan}\n" for one in laid.revlans]
    watches = Stages(watches=watch(mac(9), WATCHER))
    both = merged(lay(CASES["limit"], where.ground).stages, watches)
    parts.append(f"# ==== watch of 9 beside a limit\n{where.stages(both)}")
    return "".join(parts)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_include_of_each_action_in_each_layout(layout: str, root: Path) -> None:
    expected = (root / "tests" / "data" / "isolation" / f"{layout}.txt").read_text()
    assert golden(layout) == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_priming_comes_first_then_blocks_what_is_sent_what_is_received_limits(layout: str) -> None:
    where = site(**LAYOUTS[layout])
    for order in permutations(CASES["all"]):
        text = where.include(*order)
        first, *rest = rules(text)
        assert first == {"dl_src": PRIMING_MAC, "actions": {"allow": 0}}
        assert [rule["cookie"] for rule in rest] == [1] * 2 + ([2] * 4 + [3]) * 2 + [4]
        passes = [rule["actions"]["allow"] for rule in rest]
        assert passes == [0] * 2 + ([1] * 3 + [0] * 2) * 2 + [1]
        assert ["dl_src" in rule for rule in rest[2:12]] == [True] * 5 + [False] * 5
        assert text == where.include(*CASES["all"])


def test_nobody_in_quarantine_reaches_another_by_a_servers_address() -> None:
    where = site()
    ones = [isolation("quarantine", number, allow=(HOST,)) for number in (2, 3)]
    found = rules(where.include(*ones))
    server = next(rule["ipv4_src"] for rule in found if "ipv4_src" in rule)
    for one, other in (ones, ones[::-1]):
        frame = {"dl_src": one.mac, "dl_dst": other.mac, "dl_type": 0x800, "ipv4_src": server}
        beside = {"cookie", "actions", "description"}
        first = next(r for r in found if all(frame.get(k) == r[k] for k in r.keys() - beside))
        assert first["actions"]["allow"] == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_rule_matches_more_than_one_device(layout: str) -> None:
    where = site(**LAYOUTS[layout])
    for ones in CASES.values():
        macs = {one.mac for one in ones} | {PRIMING_MAC}
        for rule in rules(where.include(*ones)):
            assert (rule.get("dl_src") or rule.get("dl_dst")) in macs


def copied(text: str) -> dict[int, set[bool]]:
    """Whether rules that let pass (1) and that do not (0) make a copy."""
    found: dict[int, set[bool]] = {}
    for rule in rules(text)[1:]:
        found.setdefault(rule["actions"]["allow"], set()).add("mirror" in rule["actions"])
    return found


@pytest.mark.parametrize(
    ("layout", "tail"),
    [("plain", False), ("port", False), ("vlan", True), ("both", False), ("none", False)],
)
def test_what_passes_is_copied_by_our_rule_only_where_the_tail_would_have(
    layout: str, tail: bool
) -> None:
    where = site(**LAYOUTS[layout])
    ones = (
        isolation("quarantine", allow=(HOST,), addresses=("10.0.0.11",)),
        isolation("quarantine", 2, redirect=True, addresses=("10.0.0.12",)),
        isolation("limit", 3),
    )
    text = where.include(*ones)
    assert copied(text) == {0: {True}, 1: {tail}}
    *_, asked = rules(text, "halia_remed")
    assert asked["arp_tpa"] == "10.0.0.12"
    assert ("mirror" in asked["actions"]) is tail


def test_a_tail_that_copies_everything_for_a_while_has_our_rules_copy_too() -> None:
    where = site(mode="none")
    laid = lay((isolation("limit"), isolation("quarantine", 2, allow=(DNS,))), where.ground)
    for everything in (Stages(everything=True), Stages(watches=watch(mac(1), WATCHER))):
        for both in (merged(laid.stages, everything), merged(everything, laid.stages)):
            text = where.stages(both)
            by_cookie = {r["cookie"]: "mirror" in r["actions"] for r in rules(text)[1:7]}
            assert by_cookie == {2: everything.everything}
            assert ("mirror" in rules(text)[-1]["actions"]) is True
    plain = merged(laid.stages, Stages(watches=watch(mac(9), WATCHER)))
    assert plain.limits == laid.stages.limits
    assert plain.services == laid.stages.services


def test_a_watch_that_a_rule_of_the_hook_forestalls_is_left_out() -> None:
    where = site(mode="none")
    laid = lay((isolation("limit"), isolation("block", 2)), where.ground)
    watches = tuple(r for number in (1, 2, 3) for r in watch(mac(number), WATCHER + number))
    both = merged(Stages(watches=watches), laid.stages)
    # Of the limited one, what it receives goes by the tail.
    assert [r.match for r in both.watches] == [
        (("dl_dst", mac(1)),),
        (("dl_src", mac(3)),),
        (("dl_dst", mac(3)),),
    ]
    assert both.blocks == laid.stages.blocks
    assert both.meters == laid.stages.meters


REFUSALS: dict[str, tuple[tuple[Isolation, ...], dict[str, Any], dict[int, str]]] = {
    "an action that takes nothing": (
        (isolation("watch"), isolation("notify", 2)),
        {},
        {1: "watch is no isolation", 2: "notify is no isolation"},
    ),
    "a cookie of watches": (
        (isolation(cookie=0x8000), isolation(number=2, cookie=0)),
        {},
        {0x8000: "cookie 32768 cannot be its own", 0: "cookie 0 cannot be its own"},
    ),
    "the same cookie": (
        (isolation(cookie=5), isolation(number=2, cookie=5)),
        {},
        {5: "cookie 5 cannot be its own"},
    ),
    "the same device": (
        (isolation("block"), isolation("limit", 2, mac=mac(1))),
        {},
        dict.fromkeys((1, 2), f"{mac(1)} is to be isolated in two ways at once"),
    ),
    "a rate of nothing": (
        (isolation("limit", rate=0), isolation("limit", 2, rate=None)),
        {},
        {1: "no rate that a meter takes", 2: "no rate that a meter takes"},
    ),
    "a limit behind an ACL": (
        (isolation("limit", port=1),),
        {"port": ", acls_in: [op]"},
        {1: "sw1 port 1 (desk) has ACL op of yours: a limit would let pass what it denies"},
    ),
    "a limit of who is nowhere": (
        (isolation("limit", place=None), isolation("limit", 2, port=99)),
        {},
        dict.fromkeys((1, 2), "it is not known where it is, so an ACL of yours may stand there"),
    ),
    "a redirect to nowhere": (
        (isolation("quarantine", redirect=True),),
        {"remediation": None},
        {1: "no remediation port is installed: halia faucet install --remediation"},
    ),
    "a redirect with two switches": (
        (isolation("quarantine", redirect=True),),
        {"second": True},
        {1: "with several datapaths no rule can send to a port of one of them"},
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_give_their_reason_and_no_rule(case: str) -> None:
    ones, more, refused = REFUSALS[case]
    where = site(**more)
    laid = lay(ones, where.ground)
    assert laid.refused == refused
    assert laid.stages == Stages()
    assert laid.standing == ()
    assert laid.left_out == {}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "02:00:5E:00:00:01",
        "02-00-5e-00-00-01",
        "02:00:5e:00:00:01\n",
        "02:00:00:00:00:01/ff:ff:ff:00:00:00",
        '", actions: {allow: 1}}} #',
        "02:00:00:00:00:01: {",
    ],
)
def test_what_is_no_devices_address_never_comes_into_the_file(name: str) -> None:
    where = site()
    for kind in ("block", "quarantine", "limit"):
        one = isolation(kind, mac=name)
        laid = lay((one,), where.ground)
        assert laid.refused == {1: f"{name!r} is no device's address"}
        assert where.stages(laid.stages) == where.include()


@pytest.mark.parametrize("name", ['x: {y}, #"', "*alias", "yes", "7up\\", "a\u2028b", "- col"])
def test_the_collectors_name_is_quoted(name: str) -> None:
    text = TEXT.format(vlan="", port="").replace("name: col,", f"name: {json.dumps(name)},")
    where = site(text=text)
    for rule in rules(where.include(isolation("block"), isolation("quarantine", 2)))[1:]:
        assert rule["actions"] == {"allow": 0, "mirror": name}


def test_nothing_is_isolated_where_nothing_is_installed() -> None:
    where = site()
    bare = replace(where.ground, installed=False)
    laid = lay((isolation(), isolation("revlan", 2)), bare)
    reason = "the hook is not installed: halia faucet install"
    assert laid.refused == {1: reason, 2: reason}
    assert laid.revlans == ()


def test_a_refused_one_does_not_keep_others_from_isolation() -> None:
    where = site()
    bad = isolation("limit", 3, place=None)
    laid = lay((bad, isolation("block", 2), isolation("block", 1)), where.ground)
    assert set(laid.refused) == {3}
    assert where.stages(laid.stages) == where.include(isolation("block", 1), isolation("block", 2))


def test_a_hook_holds_200_devices_and_who_comes_later_is_refused() -> None:
    where = site()
    macs = {n: mac(800 - n) for n in range(1, HOOK_MAX + 3)}  # later cases sort before
    ones = [isolation("block", n, mac=m) for n, m in macs.items()]
    moved = isolation("revlan", 900, port=2)
    laid = lay([*ones, moved], where.ground)
    assert laid.refused == dict.fromkeys((201, 202), "the hook holds 200 devices already")
    assert {r.cookie for r in laid.stages.blocks} == set(range(1, HOOK_MAX + 1))
    assert len(laid.stages.blocks) == 2 * HOOK_MAX
    assert len(laid.revlans) == 1
    # One that no rule can be made of takes nobody's place.
    full = [isolation("limit", 1, place=None), *ones[1 : HOOK_MAX + 1]]
    assert set(lay(full, where.ground).refused) == {1, HOOK_MAX + 1}
    no_device = isolation("block", 1, mac="nobody")
    assert set(lay([no_device, *ones[1 : HOOK_MAX + 1]], where.ground).refused) == {1}


def test_each_hook_has_the_same_rules_but_for_its_collector() -> None:
    where = site(text=APART)
    text = where.include(isolation(), isolation("limit", 2))
    one, two = (rules(text, f"halia_hook_{dp}") for dp in ("sw1", "sw2"))
    assert [r["actions"].get("mirror") for r in one] == [None, "col", "col", "col"]
    assert [r["actions"].get("mirror") for r in two] == [None, "tap", "tap", "tap"]
    bare = [
        [{**r, "actions": {**r["actions"], "mirror": ""}} for r in found] for found in (one, two)
    ]
    assert bare[0] == bare[1]


def test_each_rate_has_a_meter_of_a_name_of_its_own() -> None:
    where = site()
    names = set()
    for rate in (1, 500, 501, 100_000_000):
        ((name, entry),) = lay((isolation("limit", rate=rate),), where.ground).stages.meters
        assert entry["entry"]["bands"] == [{"type": "DROP", "rate": rate}]
        assert entry["meter_id"] == 1
        names.add(name)
    assert len(names) == 4
    two = lay((isolation("limit"), isolation("limit", 2)), where.ground).stages.meters
    assert [name for name, _ in two] == ["halia_m1_r500", "halia_m2_r500"]


def test_a_limit_names_acls_of_other_ports_that_it_goes_around() -> None:
    where = site(port=", acls_in: [op]")
    assert lay((isolation("limit", port=2),), where.ground).left_out == {
        1: ("sw1 port 1 (desk): your ACL op is not asked about what carries its address",)
    }
    mild = where.root.replace(
        "actions: {allow: 0}}\n    - rule", "actions: {allow: 1}}\n    - rule"
    )
    assert lay((isolation("limit", port=2),), ground(mild, {}, where.journal)).left_out == {}


def test_services_that_an_operators_acl_denies_are_left_out_and_named() -> None:
    acl = (
        "  op:\n"
        "    - rule: {dl_type: 0x800, nw_proto: 6, actions: {allow: 0}}\n"
        "    - rule: {dl_type: 0x86dd, ipv6_dst: 'fd00::/16', ip_dscp: 1, actions: {allow: 0}}\n"
    )
    content = TEXT.format(port=", acls_in: [op]", vlan="").replace("  op:\n", acl)
    content = content.replace("udp_dst: 5007", "udp_src: 5007, udp_dst: 5007")
    where = site(text=content)
    one = isolation("quarantine", allow=SERVICES)
    laid = lay((one,), where.ground)
    first, second = (f"sw1 port 1 (desk): rule {number} of your ACL op" for number in (1, 2))
    assert laid.left_out[1] == (
        f"dhcp over IPv6: {second} is not understood here",
        f"dns 10.0.0.53 over TCP: {first} denies it",
        f"host 10.0.0.254: {first} denies a part of it",
        f"dns 2001:db8::53: {second} is not understood here",
        f"dns 2001:db8::53 over TCP: {second} is not understood here",
        f"host 2001:db8::254: {second} is not understood here",
    )
    (standing,) = laid.standing
    assert standing.action.allow == (DHCP, DNS)
    assert read(where.stages(laid.stages)) == laid.standing
    assert not any("tcp_dst" in r and r["dl_type"] == 0x800 for r in rules(where.include(one)))


def test_a_place_and_addresses_are_no_part_of_what_stands() -> None:
    where = site()
    one = isolation("block", addresses=("10.0.0.1",))
    (standing,) = lay((one,), where.ground).standing
    assert standing == Isolation(cookie=1, mac=mac(1), action=Action(kind="block"))
    assert where.include(one) == where.include(replace(one, place=Place("sw9", 9, 9), addresses=()))


def test_a_redirect_follows_its_device() -> None:
    where = site()
    for port in (1, 2, 10):
        text = where.include(isolation("quarantine", redirect=True, port=port))
        (_, sends, _), (_, back) = rules(text), rules(text, "halia_remed")
        assert sends["actions"]["output"] == {"ports": [6]}
        assert back["actions"] == {"allow": 0, "output": {"ports": [port]}, "mirror": "col"}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"place": None}, "it is not known where the device is"),
        ({"port": 99}, "it is not known where the device is"),
        ({"port": 6}, "sw1 port 6 (remedy) is the remediation port itself"),
        ({"place": Place("sw1", 24, 100)}, "the device speaks with a VLAN tag at sw1 port 24"),
        ({"place": Place("sw1", 2, 200)}, "the device speaks with a VLAN tag at sw1 port 2"),
    ],
)
def test_a_redirect_that_cannot_be_done_is_a_quarantine(more: dict[str, Any], why: str) -> None:
    where = site()
    one = isolation("quarantine", redirect=True, allow=(DNS,), **more)
    laid = lay((one,), where.ground)
    ((said,),) = laid.left_out.values()
    assert said.startswith(f"redirect: {why}")
    plain = isolation("quarantine", allow=(DNS,))
    assert where.stages(laid.stages) == where.include(plain)
    assert laid.standing[0].action.redirect is False


def test_a_port_with_others_is_not_moved() -> None:
    where = site()
    ones = (isolation("revlan", 1), isolation("revlan", 2))
    mine = [Spot(mac(n), "sw1", 2, 100) for n in (1, 2)]
    other = Spot(mac(7), "sw1", 2, 100)
    assert lay(ones, where.ground, mine).refused == {}
    assert lay(ones, where.ground, [other._replace(port=1), *mine]).refused == {}
    refused = lay(ones, where.ground, [*mine, other]).refused
    reason = f"{mac(7)} is at sw1 port 2 too, and would be moved with it"
    assert refused == {1: reason, 2: reason}

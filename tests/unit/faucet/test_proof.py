"""Proof by flows: what is missing anywhere is told, and nothing is proven that is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from plugin.actions import Isolation, Place
from plugin.faucet.flows import Flow
from plugin.faucet.ground import GroundPort, ground
from plugin.faucet.hook import Stages, watch
from plugin.faucet.isolate import lay, merged
from plugin.faucet.proof import Proof, astray, proof
from plugin.faucet.revlan import Revlan, RevlanPlan, plan_revlans
from tests.grounds import (
    APART,
    DHCP,
    DNS,
    DNS6,
    HOOKED,
    HOST6,
    LAYOUTS,
    OPERATOR,
    Site,
    isolation,
    mac,
    site,
)

Flows = dict[int, list[Flow]]
HERE = site()
BLOCK = isolation("block")
QUARANTINE = isolation("quarantine", 2, allow=(DHCP, DNS, DNS6, HOST6), addresses=("fe80::1",))
REDIRECT = isolation("quarantine", 3, redirect=True, addresses=("10.0.0.11", "2001:db8::9"))
LIMIT = isolation("limit", 4)
ALL = (BLOCK, QUARANTINE, REDIRECT, LIMIT)


_filled: dict[tuple[str, tuple[Isolation, ...]], Flows] = {}


def filled(where: Site, *ones: Isolation) -> Flows:
    """The switches when all is well, made once."""
    key = (where.root, ones)
    if key not in _filled:
        _filled[key] = where.flows(where.include(*ones))
    return _filled[key]


def proven(
    *ones: Isolation, flows: Flows | None = None, where: Site = HERE, released: tuple[int, ...] = ()
) -> Proof:
    there = filled(where, *ones) if flows is None else flows
    return proof(ones, where.ground, there, released)


def without(wrong: Callable[[Flow], bool], *ones: Isolation, where: Site = HERE) -> Flows:
    flows = filled(where, *ones)
    left = {dp: [f for f in found if not wrong(f)] for dp, found in flows.items()}
    assert left != flows
    return left


def changed(which: Callable[[Flow], bool], how: Callable[[Flow], Flow], *ones: Isolation) -> Flows:
    flows = filled(HERE, *ones)
    return {dp: [how(f) if which(f) else f for f in found] for dp, found in flows.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_faucet_has_laid_out_is_proven(layout: str) -> None:
    where = site(**LAYOUTS[layout])
    found = proven(*ALL, where=where)
    assert found == Proof(proven=frozenset({1, 2, 3, 4}))


def test_neither_the_order_in_which_flows_are_told_nor_the_first_tables_number_matters() -> None:
    told = {dp: found[::-1] for dp, found in filled(HERE, *ALL).items()}
    assert proven(*ALL, flows=told).proven == {1, 2, 3, 4}
    later = changed(lambda _: True, lambda f: f._replace(table=f.table + 3), *ALL)
    assert proven(*ALL, flows=later).proven == {1, 2, 3, 4}


def test_datapaths_with_hooks_of_their_own_are_proven_each() -> None:
    where = site(text=APART)
    ones = (BLOCK, QUARANTINE, LIMIT)
    assert proven(*ones, where=where).proven == {1, 2, 4}
    lost = without(
        lambda f: f.in_port == 1 and f.cookie == 2 and "eth_src" in f.match, *ones, where=where
    )
    assert set(proven(*ones, flows={**lost, 1: filled(where, *ones)[1]}, where=where).unproven) == {
        2
    }


def test_with_the_mirrors_rules_beside_it() -> None:
    where = site(mode="none")
    watches = Stages(watches=watch(mac(1), 0x8001), everything=True)
    text = where.stages(merged(watches, lay(ALL, where.ground).stages))
    assert proven(*ALL, flows=where.flows(text), where=where).proven == {1, 2, 3, 4}


@pytest.mark.parametrize("port", HOOKED)
@pytest.mark.parametrize("one", ALL)
@pytest.mark.parametrize("end", ["eth_src", "eth_dst"])
def test_one_flow_that_is_gone_at_one_port_is_enough(port: int, one: Isolation, end: str) -> None:
    if one is LIMIT and end == "eth_dst":
        return
    mine = [
        f
        for f in filled(HERE, *ALL)[1]
        if f.in_port == port and f.cookie == one.cookie and end in f.match
    ]
    for lost in mine:
        found = proven(*ALL, flows=without(lambda f, lost=lost: f == lost, *ALL))  # type: ignore[misc]  # of the loop
        assert found.proven == {1, 2, 3, 4} - {one.cookie}
        assert found.unproven.keys() == {one.cookie}
        assert f"sw1 port {port}" in found.unproven[one.cookie]
    assert mine


def test_what_is_missing_is_said_in_words() -> None:
    def lost(one: Isolation, **match: object) -> str:
        flows = without(
            lambda f: (
                f.in_port == 6
                and f.cookie == one.cookie
                and all(f.match.get(k) == v for k, v in match.items())
            ),
            *ALL,
        )
        return proven(*ALL, flows=flows).unproven[one.cookie]

    at = "sw1 port 6 (remedy): no flow that"
    assert lost(BLOCK, eth_src=mac(1)) == f"{at} drops what {mac(1)} sends"
    assert lost(BLOCK) == f"{at} drops what {mac(1)} sends (and 1 more)"
    assert lost(QUARANTINE, udp_dst=67) == f"{at} allows a service that {mac(2)} sends"
    assert lost(REDIRECT, eth_src=mac(3)) == f"{at} redirects what {mac(3)} sends"
    assert lost(LIMIT) == f"{at} limits what {mac(4)} sends"


def test_a_meter_that_was_changed_has_taken_the_flows_along() -> None:
    # As it was measured: Faucet reports success, and the limited device is free.
    flows = without(lambda f: f.meter == 4, *ALL)
    found = proven(*ALL, flows=flows)
    assert found.proven == {1, 2, 3}
    assert found.unproven == {
        4: f"sw1 port 1 (desk): no flow that limits what {mac(4)} sends (and 6 more)"
    }


def ours(cookie: int) -> Callable[[Flow], bool]:
    return lambda f: f.cookie == cookie and f.in_port == 2


@pytest.mark.parametrize(
    ("one", "how", "words"),
    [
        (BLOCK, {"goto": 1}, "lets it go on"),
        (BLOCK, {"outputs": (7, 3)}, "sends it to other ports"),
        (BLOCK, {"meter": 9}, "has not its meter"),
        (REDIRECT, {"outputs": (7,)}, "sends it to other ports"),
        (REDIRECT, {"outputs": (7, 3)}, "sends it to other ports"),
        (LIMIT, {"goto": None}, "ends its way"),
        (LIMIT, {"meter": None}, "has not its meter"),
        (LIMIT, {"meter": 5}, "has not its meter"),
        (LIMIT, {"outputs": (3,)}, "sends it to other ports"),
    ],
)
def test_a_flow_that_does_something_else(
    one: Isolation, how: dict[str, object], words: str
) -> None:
    def mine(flow: Flow) -> bool:
        return ours(one.cookie)(flow) and flow.match.get("eth_src") == one.mac

    flows = changed(mine, lambda f: f._replace(**how), *ALL)  # type: ignore[arg-type]  # its own fields
    found = proven(*ALL, flows=flows)
    assert found.unproven.keys() == {one.cookie}
    assert found.unproven[one.cookie].startswith("sw1 port 2: the flow that")
    assert found.unproven[one.cookie].endswith(words)


def test_copies_to_the_collector_prove_and_disprove_nothing() -> None:
    flows = changed(ours(1), lambda f: f._replace(outputs=()), BLOCK)
    assert proven(BLOCK, flows=flows).proven == {1}


@pytest.mark.parametrize("name", ["ipv4_dst", "ipv6_nd_target"])
def test_addresses_are_known_in_each_spelling(name: str) -> None:
    spelled = {
        "10.0.0.53": "10.0.0.53/255.255.255.255",
        "2001:db8::53": "2001:0DB8:0:0::53/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    }

    def other(flow: Flow) -> Flow:
        match = {k: spelled.get(str(v), v) if k == name else v for k, v in flow.match.items()}
        return flow._replace(match=match)

    flows = changed(lambda f: name in f.match, other, QUARANTINE)
    assert proven(QUARANTINE, flows=flows).proven == {2}
    wider = changed(
        lambda f: name in f.match,
        lambda f: f._replace(match={**f.match, name: f"{f.match[name]}/ffff::"}),
        QUARANTINE,
    )
    assert proven(QUARANTINE, flows=wider).unproven


def test_another_cookie_is_another_ones_flow() -> None:
    flows = changed(ours(1), lambda f: f._replace(cookie=99), BLOCK)
    found = proven(BLOCK, flows=flows)
    assert found.unproven.keys() == {1}
    assert found.strangers == {99}


def test_flows_of_another_table_are_no_proof() -> None:
    flows = changed(ours(1), lambda f: f._replace(table=1), BLOCK)
    assert proven(BLOCK, flows=flows).unproven.keys() == {1}


def test_a_flow_of_a_milder_rule_that_still_stands() -> None:
    # From quarantine to block: the service's flow has stayed.
    old = HERE.flows(HERE.include(QUARANTINE))[1]
    block = replace(QUARANTINE, action=BLOCK.action)
    flows = HERE.flows(HERE.include(block))
    kept = [f for f in old if f.goto is not None and f.cookie == 2 and f.in_port == 2]
    found = proven(block, flows={1: flows[1] + kept[:1]})
    assert found.unproven == {2: "sw1 port 2: a flow of an earlier rule still lets it through"}
    twice = [f for f in flows[1] if f.cookie == 2]
    assert proven(block, flows={1: flows[1] + twice}).proven == {2}
    redirected = [f._replace(outputs=(3,)) for f in twice if f.in_port == 2]
    assert proven(block, flows={1: flows[1] + redirected}).unproven.keys() == {2}


@pytest.mark.parametrize("before", [LIMIT, QUARANTINE])
def test_a_flow_of_an_earlier_isolation_of_the_device_that_still_stands(before: Isolation) -> None:
    # From a limit, or a quarantine, to a block: the earlier case's flows have stayed, above.
    block = replace(before, cookie=9, action=BLOCK.action)
    flows = HERE.flows(HERE.include(block))[1]
    old = [f for f in HERE.flows(HERE.include(before))[1] if f.cookie == before.cookie]
    kept = [f for f in old if f.goto is not None and f.in_port == 2][:1]
    above = [f._replace(priority=f.priority + 9000) for f in kept]
    found = proven(block, flows={1: [*flows, *above]}, released=(before.cookie,))
    assert found.unproven == {9: "sw1 port 2: a flow of an earlier isolation still lets it through"}
    ended = [f._replace(goto=None) for f in above]
    below = [f._replace(priority=1) for f in above]
    of_another = [f._replace(match={**f.match, "eth_src": mac(77)}) for f in above]
    for harmless in (ended, below, of_another):
        assert proven(block, flows={1: [*flows, *harmless]}).proven == {9}


@pytest.mark.parametrize(
    ("match", "meets"),
    [
        ({}, 2 * len(HOOKED)),
        ({"in_port": 2}, 2),
        ({"in_port": 7}, 0),
        ({"in_port": 2, "eth_src": mac(1)}, 2),  # what it sends, and to itself
        ({"in_port": 2, "eth_src": mac(1).upper()}, 2),  # whoever spells it
        ({"in_port": 2, "eth_src": mac(9)}, 1),  # from another to the device
        ({"in_port": 2, "eth_src": mac(9), "eth_dst": mac(8)}, 0),
        ({"in_port": 2, "eth_src": "0e:00:00:00:00:00/ff:ff:ff:ff:ff:00"}, 2),
        ({"in_port": 2, "eth_type": 0x806}, 2),
    ],
)
@pytest.mark.parametrize(("goto", "outputs"), [(1, ()), (None, (3,)), (None, (7, 3))])
def test_a_flow_above_a_drop_that_lets_pass(
    match: dict[str, str | int], meets: int, goto: int | None, outputs: tuple[int, ...]
) -> None:
    above = Flow(0, 9999, 7 << 32, match, 0, 0, goto, outputs, None)
    flows = filled(HERE, BLOCK)
    words = proven(BLOCK, flows={1: [*flows[1], above]}).unproven.get(1, "")
    assert ("a flow above lets pass what should be dropped" in words) == (meets > 0)
    assert words.endswith(f"(and {meets - 1} more)" if meets > 1 else "dropped" if meets else "")
    below = proven(BLOCK, flows={1: [*flows[1], above._replace(priority=1)]})
    assert below.proven == {1}
    for drops in ((7,), ()):
        dropping = above._replace(goto=None, outputs=drops)
        assert proven(BLOCK, flows={1: [*flows[1], dropping]}).proven == {1}


def test_a_switch_that_does_not_answer() -> None:
    where = site(second=True)
    flows = filled(where, BLOCK)
    assert proven(BLOCK, where=where).proven == {1}
    found = proven(BLOCK, flows={1: flows[1]}, where=where)
    assert found.unproven == {1: "sw2 does not tell its flows"}
    assert found.silent == ("sw2",)
    none = proven(BLOCK, flows={}, where=where, released=(5,))
    assert none.proven == frozenset()
    assert none.silent == ("sw1", "sw2")
    assert none.absent == frozenset()
    empty = proven(BLOCK, flows={1: [], 2: []}, where=where)
    assert empty.unproven.keys() == {1}
    assert empty.silent == ()


def test_released_is_proven_too() -> None:
    flows = HERE.flows(HERE.include(BLOCK, LIMIT))
    found = proven(BLOCK, flows=flows, released=(4, 5, 1))
    assert found.absent == {5}
    assert found.strangers == frozenset()
    assert proven(BLOCK, flows=flows).strangers == {4}
    assert proven(BLOCK, flows={1: []}, released=(1, 5)).absent == {5}, "1 is wanted again"
    later = [f._replace(table=3) if f.cookie == 4 else f for f in flows[1]]
    assert proven(BLOCK, flows={1: later}, released=(4,)).absent == frozenset()


def test_a_device_at_a_port_that_is_not_hooked_is_not_isolated() -> None:
    text = HERE.root.replace("2: {acls_in: [halia_hook, halia_tail], ", "2: {")
    there = Site(root=text, journal=HERE.journal, ground=ground(text, {}, HERE.journal))
    assert proven(BLOCK, where=there).unproven == {1: "it is at sw1 port 2, which is not hooked"}
    gone = replace(BLOCK, place=Place("sw1", 77, 100))
    reason = "it is at sw1 port 77, which is not in faucet.yaml"
    assert proven(gone).unproven == {1: reason}
    assert proven(replace(BLOCK, place=None)).proven == {1}


def test_what_is_refused_is_never_proven() -> None:
    where = site(port=OPERATOR)
    one = isolation("limit", 4, port=1)
    flows = HERE.flows(HERE.include(LIMIT))
    found = proof((one,), where.ground, flows)
    assert found.proven == frozenset()
    assert found.unproven[4].startswith("sw1 port 1 (desk) has ACL op of yours")


def moved_here() -> tuple[Isolation, Site]:
    one = isolation("revlan")
    plan = plan_revlans(HERE.root, [Revlan("sw1", 2, "cellar", ((1, mac(1)),))], None)
    assert isinstance(plan, RevlanPlan)
    journal = HERE.journal._replace(revlans=plan.record)
    there = ground(plan.new_text, {}, journal)
    return one, Site(root=plan.new_text, journal=journal, ground=there)


def test_a_port_that_is_not_in_its_files_vlan_is_astray() -> None:
    _, there = moved_here()
    assert astray(HERE.ground, HERE.flows()) == {}
    assert astray(there.ground, there.flows()) == {}, "moved, and so it stands in the file"
    assert astray(HERE.ground, there.flows()) == {
        ("sw1", 2): "sw1 port 2: its frames come into VLAN 300, not 100"
    }
    assert astray(HERE.ground, {}) == {}
    down = [flow for flow in there.flows()[1] if flow.vid is None or flow.in_port != 2]
    assert astray(HERE.ground, {1: down}) == {}
    login = {key: with_dot1x(port) for key, port in HERE.ground.ports.items()}
    assert astray(replace(HERE.ground, ports=login), there.flows()) == {}


def with_dot1x(port: GroundPort) -> GroundPort:
    return port._replace(dot1x=True)


def test_a_moved_port_is_proven_by_the_vlan_its_frames_get() -> None:
    one, there = moved_here()
    assert proven(one, where=there).proven == {1}
    # The file is written, and the switch has not got it yet.
    assert proof((one,), there.ground, HERE.flows()).unproven == {
        1: "sw1 port 2: its frames come into VLAN 100"
    }
    flows = there.flows()[1]
    lost = [f for f in flows if f.vid is None or f.in_port != 2]
    assert proof((one,), there.ground, {1: lost}).unproven == {
        1: "sw1 port 2: its frames come into no VLAN"
    }
    both = [*flows, next(f for f in flows if f.vid == 300)._replace(vid=100)]
    assert proof((one,), there.ground, {1: both}).proven == frozenset()
    assert proof((one,), there.ground, {}).unproven == {1: "sw1 does not tell its flows"}
    tagged = [
        f._replace(match={**f.match, "vlan_vid": 4096}) if f.vid and f.in_port == 2 else f
        for f in flows
    ]
    assert proof((one,), there.ground, {1: tagged}).proven == frozenset()

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from plugin.actions import KINDS, Action, Place
from plugin.policy.cases import DeniedOrder, Ordered
from plugin.policy.guard import Hindrance
from plugin.policy.rules import Caps, Devices, Hours
from plugin.policy.steps import WARNED_MAX, harder, takes
from plugin.policy.subject import RoleSeen
from tests.ledgers import BLOCK, LIMIT, QUARANTINE, START, Site, mac, policy, rule

ALWAYS = Hours(frozenset(range(7)), 0, 24 * 60)
PORT = rule(scope="port", duration=600.0, grace=5.0)


def test_kinds_go_from_the_mildest_to_the_hardest() -> None:
    assert harder(BLOCK, QUARANTINE)
    assert not harder(QUARANTINE, QUARANTINE)
    assert not harder(LIMIT, QUARANTINE)
    assert [kind for kind in KINDS if takes(Action(kind=kind))] == [
        "limit", "quarantine", "revlan", "block",
    ]  # fmt: skip


def test_rules_pause_while_the_site_learns_and_in_maintenance() -> None:
    site = Site(policy(learning=100.0))
    steps = site.ledger._steps
    assert (steps.paused(START + 99) or "").startswith("this site is learning until 1970-01-12T")
    assert steps.paused(START + 100) is None
    steps.policy = policy(maintenance=(ALWAYS,))
    assert (steps.paused(START) or "").startswith("maintenance: every day")


def test_one_that_is_isolated_harder_is_no_further_one() -> None:
    site = Site(policy(rule(), rule("worse"), caps=Caps(devices=1)))
    site.offend(1)
    look = site.look(mac(1))
    other = site.look(site.add(2))
    assert look is not None
    assert other is not None
    assert site.ledger._steps.breach(look, START) is None
    assert (site.ledger._steps.breach(other, START) or "").startswith("caps.devices")


def test_a_refusal_is_told_once_for_a_device_a_rule_and_a_reason() -> None:
    steps = Site(policy()).ledger._steps
    for _ in range(3):
        steps.refuse("a", "bad", Hindrance("spoofed", "t"))
    steps.refuse("a", "bad", Hindrance("protected", "t"))
    steps.refuse("b", "bad", Hindrance("spoofed", "t"))
    assert len(steps.book.take()) == 3
    steps.calmed("b")
    steps.refuse("b", "bad", Hindrance("spoofed", "t"))
    assert len(steps.book.take()) == 1


def test_what_was_told_and_denied_is_forgotten_before_it_fills_the_memory() -> None:
    site = Site(policy())
    steps = site.ledger._steps
    case = site.offend(1)
    for number in range(WARNED_MAX + 10):
        steps.refuse(f"m{number}", "bad", Hindrance("spoofed", "t"))
        steps.remember(replace(case, mac=f"m{number}", until=None, grace=5.0))
    assert len(steps._warned) <= WARNED_MAX
    assert len(steps._denied) <= WARNED_MAX
    assert steps.denied(f"m{WARNED_MAX + 9}", "bad", START)
    assert not steps.denied("m0", "bad", START)


def test_a_no_holds_for_the_grace_and_for_its_rule() -> None:
    site = Site(policy())
    steps = site.ledger._steps
    steps.remember(replace(site.offend(1), until=None, grace=50.0))
    assert steps.denied(mac(1), "bad", START + 49)
    assert not steps.denied(mac(1), "bad", START + 50)
    assert not steps.denied(mac(1), "other", START)


def test_who_comes_to_the_port_later_has_a_parent_and_who_was_there_has_none() -> None:
    site = Site(policy(PORT))
    before = site.add(2, port=1)
    site.offend(1)
    steps = site.ledger._steps
    assert steps.parent(site.devices[before]) is None
    assert steps.parent(site.devices[mac(1)]) is None
    newcomer, elsewhere = site.add(3, port=1), site.add(4)
    assert steps.parent(site.devices[newcomer]) == site.case(1)
    assert steps.parent(site.devices[elsewhere]) is None
    site.change(newcomer, place=Place("sw2", 1, 100))
    assert steps.parent(site.devices[newcomer]) is None


def test_a_port_that_was_moved_as_a_whole_takes_nobody_in_by_mac() -> None:
    site = Site(policy(replace(PORT, action=Action(kind="revlan", vlan="jail"))))
    site.offend(1)
    assert site.ledger._steps.parent(site.devices[site.add(3, port=1)]) is None


def test_those_that_depend_on_a_case_end_with_it() -> None:
    site = Site(policy(PORT))
    site.offend(1)
    site.move(site.add(2), 1)
    assert site.state(2) == "isolating"
    site.release(mac(1))
    assert (site.state(1), site.state(2)) == ("releasing", "releasing")
    assert "depended on case 1" in site.transitions()[-1].why


def test_who_depends_on_a_case_follows_it_to_the_one_that_takes_its_place() -> None:
    site = Site(policy(rule("worse", BLOCK, scope="port"), replace(PORT, action=LIMIT)))
    site.offend(1)
    site.move(site.add(2), 1)
    site.judge(mac(1), "worse")
    assert site.case(1).rule == "worse"
    assert site.case(2).parent == site.case(1).number
    # It outlives a restart.
    site.restart()
    assert site.state(2) == "isolating"
    site.release(mac(1))
    assert site.state(2) == "releasing"


def test_an_isolated_device_that_turns_out_to_be_protected_is_let_go() -> None:
    site = Site(policy(protect=Devices(vlans=(9,))))
    site.offend(1)
    site.change(mac(1), place=Place("sw1", 1, 9))
    site.judge(mac(1), "bad")
    assert site.state(1) == "releasing"
    assert site.warned() == ["protected"]


def test_who_is_isolated_does_not_free_itself_by_what_it_says_of_itself() -> None:
    """One frame with a protected address, or traffic like a protected role's, would be enough."""
    networks, roles = (ip_network("10.9.0.0/24"),), ("Active Directory controller",)
    site = Site(policy(protect=Devices(networks=networks, roles=roles)))
    site.offend(1, addresses=("10.0.0.1",))
    had = site.case(1).addresses
    assert had == ("10.0.0.1",)
    site.change(mac(1), addresses=(*had, "10.9.0.1"))
    site.judge(mac(1), "bad")
    assert site.isolated() == {mac(1)}
    assert site.case(1).addresses == had
    site.judge(mac(1), "bad")  # nor is it believed the second time
    role = RoleSeen("known", "Active Directory controller", 1.0, "m")
    site.change(mac(1), addresses=had, role=role)
    site.judge(mac(1), "bad")
    assert site.isolated() == {mac(1)}
    assert set(site.warned()) == {"protected"}
    # What the operator protects later is let go, be it by an address that it had before.
    site.change(mac(1), addresses=had, role=None)
    own = Devices(networks=tuple(ip_network(one) for one in had))
    site.replace(policy(protect=own))
    assert site.isolated() == set()


def test_what_is_only_found_out_frees_nobody() -> None:
    """A device could make itself a gateway, an uplink or its own double."""
    site = Site(policy())
    site.offend(1)
    site.around[mac(1)] = {"gateway": "it routes", "uplink": "many", "macs_on_port": 99}
    site.change(mac(1), twice=True)
    site.judge(mac(1), "bad")
    site.move(mac(1), 7)
    assert site.isolated() == {mac(1)}


def test_an_isolated_device_that_moves_is_followed() -> None:
    site = Site(policy(PORT))
    site.offend(1)
    resident = site.add(2, port=7)
    site.move(mac(1), 7)
    assert site.wanted()
    assert site.ledger.desired()[0].place == Place("sw1", 7, 100)
    assert site.ledger._steps.parent(site.devices[resident]) is None
    assert site.ledger._steps.parent(site.devices[site.add(3, port=7)]) is not None


def test_nobody_is_called_isolated_where_there_is_no_hook() -> None:
    site = Site(policy())
    site.offend(1)
    site.report()
    assert site.state(1) == "isolated"
    site.around[mac(1)] = {"unhooked": "sw1 port 7 has no hook"}
    site.move(mac(1), 7)
    assert site.warned() == ["proof"]
    assert site.state(1) == "isolating"
    site.report()
    assert site.state(1) == "isolating"
    site.around.clear()
    site.move(mac(1), 1)
    site.report()
    assert site.state(1) == "isolated"
    # Nothing is remembered of where those were whose isolation has ended.
    site.around[mac(1)] = {"unhooked": "sw1 port 7 has no hook"}
    site.move(mac(1), 7)
    assert site.ledger._steps.unhooked
    site.release(mac(1))
    assert not site.ledger._steps.unhooked


def test_who_is_let_go_already_is_not_let_go_again_with_whom_he_came_by() -> None:
    site = Site(policy(PORT))
    site.offend(1)
    site.move(site.add(2), 1)
    site.release(mac(2))
    told = site.case(2)
    site.now += 1.0
    site.release(mac(1))
    assert [one.case.mac for one in site.transitions()] == [mac(1)]
    assert site.case(2) == told


def test_a_denied_order_leaves_no_trace_in_what_comes_next() -> None:
    site = Site(policy(protect=Devices(macs=(mac(1),))))
    site.add(1)
    with pytest.raises(DeniedOrder):
        site.ledger.step(Ordered(mac(1), BLOCK, 60.0, "ann", "r"), START)
    assert site.wait(1.0) == []

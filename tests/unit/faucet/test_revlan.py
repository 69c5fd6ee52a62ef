"""Which ports are moved to another VLAN, what that does to the root file, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from plugin.actions import Action, Isolation, Place
from plugin.faucet.ground import ground
from plugin.faucet.install import Refusal
from plugin.faucet.journal import read_journal, write_journal
from plugin.faucet.moves import Move, RevlanRecord
from plugin.faucet.reach import Spot
from plugin.faucet.revlan import Revlan, RevlanPlan, held, plan_revlans, revlans
from tests.grounds import TEXT, Site, isolation, mac, site

HERE = site()
ONE = Revlan("sw1", 2, "cellar", ((1, mac(1)),))


def wanted(*ones: Isolation, where: Site = HERE) -> tuple[Any, Any]:
    return revlans(ones, where.ground)


def planned(text: str, *ones: Revlan, kept: RevlanRecord | None = None) -> RevlanPlan:
    plan = plan_revlans(text, ones, kept)
    assert isinstance(plan, RevlanPlan), plan
    return plan


def test_a_port_and_its_vlan() -> None:
    assert wanted(isolation("revlan")) == ((ONE,), {})
    assert wanted(isolation("revlan", vlan="300")) == ((ONE,), {})
    assert wanted() == ((), {})


def test_ports_come_in_order_with_all_who_want_them() -> None:
    found, refused = wanted(
        isolation("revlan", 1, port=3),
        isolation("revlan", 2, port=2),
        isolation("revlan", 3, port=3),
    )
    assert found == (
        Revlan("sw1", 2, "cellar", ((2, mac(2)),)),
        Revlan("sw1", 3, "cellar", ((1, mac(1)), (3, mac(3)))),
    )
    assert refused == {}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"place": None}, "it is not known where it is"),
        ({"port": 99}, "sw1 port 99 is not in faucet.yaml"),
        ({"place": Place("sw9", 1, 1)}, "sw9 port 1 is not in faucet.yaml"),
        ({"vlan": "nowhere"}, "VLAN nowhere is not declared in faucet.yaml"),
        ({"vlan": None}, "VLAN None is not declared in faucet.yaml"),
        ({"vlan": "office"}, "sw1 port 2 is in VLAN office already"),
        ({"vlan": "100"}, "sw1 port 2 is in VLAN office already"),
        ({"port": 6, "vlan": "lab"}, "sw1 port 6 (remedy) is the remediation port"),
        ({"port": 24}, "sw1 port 24 (uplink) carries tagged VLANs, so it is not one device's"),
        ({"port": 10}, "sw1 port 10 has its VLAN from a range: give it an entry of its own"),
        ({"port": 7}, "sw1 port 7 (col) is output_only"),
    ],
)
def test_refusals(more: dict[str, Any], why: str) -> None:
    assert wanted(isolation("revlan", **more)) == ((), {1: why})


def test_a_port_that_carries_tagged_vlans_beside_its_own_is_not_moved() -> None:
    text = HERE.root.replace("      2: {", "      2: {tagged_vlans: [lab], ", 1)
    assert text != HERE.root
    there = replace(HERE, ground=ground(text, {}, HERE.journal))
    why = "sw1 port 2 carries tagged VLANs, so it is not one device's"
    assert wanted(isolation("revlan"), where=there) == ((), {1: why})


def test_a_vlan_of_faucets_own_is_none() -> None:
    text = HERE.root.replace("vid: 300}", "vid: 300, reserved_internal_vlan: true}")
    there = replace(HERE, ground=ground(text, {}, HERE.journal))
    assert wanted(isolation("revlan"), where=there)[1] == {
        1: "VLAN cellar is not declared in faucet.yaml"
    }


def test_devices_of_one_port_that_want_different_vlans_are_both_refused() -> None:
    found, refused = wanted(isolation("revlan", 1), isolation("revlan", 2, vlan="lab"))
    assert found == ()
    assert refused == dict.fromkeys(
        (1, 2), "sw1 port 2 is to be in different VLANs for different devices"
    )


def moved_site(*ones: Revlan) -> tuple[Site, RevlanPlan]:
    plan = planned(HERE.root, *ones)
    journal = HERE.journal._replace(revlans=plan.record)
    there = Site(root=plan.new_text, journal=journal, ground=ground(plan.new_text, {}, journal))
    return there, plan


def test_where_one_stands_it_stays_and_who_wants_another_vlan_is_refused() -> None:
    there, _ = moved_site(ONE)
    found, refused = wanted(isolation("revlan", 1), isolation("revlan", 2, vlan="lab"), where=there)
    assert found == (ONE,)
    assert set(refused) == {2}


def test_who_is_isolated_in_the_vlan_it_was_moved_to_stays_moved() -> None:
    there, _ = moved_site(ONE)
    one = isolation("revlan", place=Place("sw1", 2, 300))
    assert wanted(one, where=there) == ((ONE,), {})


def test_a_port_with_others_is_moved_only_if_it_is_moved_already() -> None:
    there, _ = moved_site(ONE)
    other = [Spot(mac(8), "sw1", 2, 100), Spot(mac(9), "sw1", 2, 100)]
    found, refused = revlans([isolation("revlan")], HERE.ground, other)
    assert found == ()
    assert refused == {1: f"{mac(8)} is at sw1 port 2 too, and would be moved with it"}
    assert revlans([isolation("revlan")], HERE.ground, other[::-1])[1] == refused
    assert revlans([isolation("revlan")], there.ground, other) == ((ONE,), {})


def test_the_edit_and_its_inverse() -> None:
    plan = planned(HERE.root, ONE)
    assert [line for line in plan.diff.splitlines() if line[:1] in "+-"][2:] == [
        "-      2: {acls_in: [halia_hook, halia_tail], native_vlan: office}",
        "+      2: {acls_in: [halia_hook, halia_tail], native_vlan: cellar}",
    ]
    assert plan.record is not None
    assert plan.record.moves == (
        Move(("dps", "sw1", "interfaces", 2), "office", "cellar", "sw1", 2, ONE.holders),
    )
    back = planned(plan.new_text, kept=plan.record)
    assert (back.new_text, back.record, back.notes) == (HERE.root, None, ())


def test_twice_is_once() -> None:
    plan = planned(HERE.root, ONE)
    again = planned(plan.new_text, ONE, kept=plan.record)
    assert (again.new_text, again.diff, again.record) == (plan.new_text, "", plan.record)


def test_from_one_set_of_ports_to_another() -> None:
    first = planned(HERE.root, ONE)
    three = Revlan("sw1", 3, "halia_quarantine", ((2, mac(2)),))
    both = planned(first.new_text, ONE, three, kept=first.record)
    assert both.new_text == planned(HERE.root, ONE, three).new_text
    last = planned(both.new_text, three, kept=both.record)
    assert last.new_text == planned(HERE.root, three).new_text
    assert planned(last.new_text, kept=last.record).new_text == HERE.root


def test_another_holder_changes_the_record_and_not_the_file() -> None:
    first = planned(HERE.root, ONE)
    more = ONE._replace(holders=((1, mac(1)), (2, mac(2))))
    plan = planned(first.new_text, more, kept=first.record)
    assert plan.diff == ""
    assert plan.record is not None
    assert plan.record.moves[0].holders == more.holders
    assert planned(plan.new_text, kept=plan.record).new_text == HERE.root


def test_the_record_survives_the_journal() -> None:
    there, plan = moved_site(ONE)
    read = read_journal(write_journal(there.journal))
    assert read == there.journal
    assert read.revlans == plan.record
    assert read_journal(write_journal(HERE.journal)).revlans is None


def test_a_file_that_another_program_rewrote_is_changed_where_it_must_be() -> None:
    plan = planned(HERE.root, ONE)
    rewritten = yaml.safe_dump(yaml.safe_load(plan.new_text))
    again = planned(rewritten, ONE, kept=plan.record)
    assert again.new_text == rewritten
    back = planned(rewritten, kept=plan.record)
    assert yaml.safe_load(back.new_text) == yaml.safe_load(HERE.root)


def test_the_same_in_another_spelling_is_left() -> None:
    plan = planned(HERE.root, ONE)
    quoted = plan.new_text.replace("native_vlan: cellar}", "native_vlan: 'cellar'}", 1)
    assert quoted != plan.new_text
    again = planned(quoted, ONE, kept=plan.record)
    assert (again.new_text, again.record) == (quoted, plan.record)


def test_a_port_that_somebody_else_moved_is_told_and_moved_anew_if_wanted() -> None:
    plan = planned(HERE.root, ONE)
    edited = plan.new_text.replace("native_vlan: cellar}", "native_vlan: lab}", 1)
    back = planned(edited, kept=plan.record)
    assert back.new_text == edited
    assert back.notes == ("sw1 port 2 is not in VLAN cellar any more: not by Halia",)
    anew = planned(edited, ONE, kept=plan.record)
    assert anew.record is not None
    assert anew.record.moves[0].was == "lab"


def test_a_port_that_is_there_already_is_not_edited() -> None:
    text = HERE.root.replace("native_vlan: office}", "native_vlan: cellar}", 2)
    plan = planned(text, ONE)
    assert (plan.new_text, plan.record) == (text, None)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (ONE._replace(port=99), "sw1 port 99 has no entry of its own"),
        (ONE._replace(port=10), "sw1 port 10 has no entry of its own"),
        (ONE._replace(dp="sw9"), "sw9 port 2 has no entry of its own"),
        (ONE._replace(port=24), "sw1 port 24 (uplink) has its VLAN from a range"),
    ],
)
def test_what_cannot_be_edited(one: Revlan, why: str) -> None:
    assert plan_revlans(HERE.root, [one], None) == Refusal(reasons=(why,))


def test_a_file_that_is_none() -> None:
    assert isinstance(plan_revlans("- 1", [ONE], None), Refusal)


def test_hostile_names_are_quoted() -> None:
    name = 'x: {y}, #"'
    text = TEXT.format(vlan="", port="").replace(
        "  cellar: {vid: 300}", f"  '{name}': {{vid: 300}}"
    )
    text = text.replace("native_vlan: cellar", "native_vlan: lab")
    there = site(text=text)
    found, _ = wanted(isolation("revlan", vlan=name), where=there)
    plan = planned(there.root, *found)
    assert yaml.safe_load(plan.new_text)["dps"]["sw1"]["interfaces"][2]["native_vlan"] == name
    assert planned(plan.new_text, kept=plan.record).new_text == there.root


def test_who_holds_moved_ports() -> None:
    three = Revlan("sw1", 3, 200, ((7, mac(1)), (2, mac(9))))
    plan = planned(HERE.root, ONE._replace(holders=((1, mac(5)),)), three)
    assert held(plan.record) == (
        Isolation(cookie=7, mac=mac(1), action=Action(kind="revlan", vlan="200")),
        Isolation(cookie=1, mac=mac(5), action=Action(kind="revlan", vlan="cellar")),
        Isolation(cookie=2, mac=mac(9), action=Action(kind="revlan", vlan="200")),
    )
    assert held(None) == ()

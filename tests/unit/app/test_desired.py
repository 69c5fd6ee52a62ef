"""What must stand, what stands, and what has the form of our file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plugin.actions import Action, Isolation, Place, Service
from plugin.app.desired import Wish, desired, is_form, standing, strangers, that_matter
from plugin.app.looking import Looked, Looking
from plugin.faucet.flows import Query
from plugin.faucet.hook import INCLUDE, NOTHING, Options, Stages, watch
from plugin.faucet.proof import proof
from plugin.faucet.reach import Spot
from plugin.offline.faucet import install
from tests.confrpc import redumped
from tests.fabric import Fabric
from tests.unit.app.test_hooking import BLOCK, JAIL, MAC, OTHER, OTHERS, config, installed
from tests.unit.offline.test_faucet import planned, running

__all__ = ["config"]


@pytest.fixture
def looked(config: Path) -> Looked:
    installed(config)
    return Looking(config).look()


def test_the_same_wish_gives_the_same_bytes(looked: Looked) -> None:
    one = desired(looked, (BLOCK, OTHERS), NOTHING)
    two = desired(looked, (OTHERS, BLOCK), NOTHING)
    assert one.text == two.text
    assert desired(looked, (), NOTHING).text == looked.ours
    assert set(one.isolations) == {7, 8}


def test_what_the_mirror_needs_stands_beside(looked: Looked) -> None:
    both = desired(looked, (BLOCK,), Stages(watches=watch(OTHER, 0x8000)))
    assert OTHER in both.text
    assert both.isolations == {7: BLOCK}
    assert [len(rules) for rules, _ in both.rules.values()] == [2]


def test_what_is_refused_is_not_among_what_stands(looked: Looked) -> None:
    wrong = Isolation(cookie=5, mac="no mac", action=Action(kind="block"))
    nowhere = replace(JAIL, cookie=6, mac="02:00:00:00:00:03", place=Place("sw1", 4711, 1))
    found = desired(looked, (BLOCK, wrong, nowhere), NOTHING)
    assert set(found.isolations) == {7}
    assert set(found.refused) == {5, 6}
    assert set(found.rules) == {7}


def test_a_port_with_others_is_not_moved(looked: Looked) -> None:
    assert desired(looked, (JAIL,), NOTHING, [Spot(MAC, "sw1", 1, 100)]).isolations
    found = desired(looked, (JAIL,), NOTHING, [Spot(OTHER, "sw1", 1, 100)])
    assert OTHER in found.refused[9]
    assert found.moved.root == looked.place.text


def test_only_places_on_which_the_rules_depend_matter() -> None:
    server = Spot(OTHER, "sw1", 2, 100, suspect=True, addresses=("10.0.0.53", "10.0.0.54"))
    spots = (server, Spot(MAC, "sw1", 1, 100, addresses=("10.0.0.1",)))
    action = Action(kind="quarantine", allow=(Service("dhcp"), Service("dns", "10.0.0.53")))
    # Whether it is a suspect changes often, and nothing here.
    assert that_matter([replace(BLOCK, action=action)], spots) == (server._replace(suspect=False),)
    assert that_matter([BLOCK], spots) == ()
    assert len(that_matter([BLOCK, JAIL], spots)) == 2


NO_SSH = """
acls:
  no_ssh:
    - rule: {dl_type: 0x800, nw_proto: 6, tcp_dst: 22, actions: {allow: 0}}
    - rule: {actions: {allow: 1}}
"""


def test_a_service_stands_and_is_proven_by_where_its_server_is(config: Path) -> None:
    ports = config.read_text().replace(
        "      9: {", "      3: {native_vlan: office, acls_in: [no_ssh]}\n      9: {"
    )
    config.write_text(NO_SSH + ports)
    assert install(*planned(config, Options(mode="none")), running()).written
    looked = Looking(config).look()
    action = Action(kind="quarantine", allow=(Service("host", "10.0.0.99"),))
    jailed = replace(BLOCK, action=action)
    nowhere = desired(looked, (jailed,), NOTHING)
    assert [words.partition(":")[0] for words in nowhere.left_out[7]] == ["host 10.0.0.99"]
    known = desired(
        looked, (jailed,), NOTHING, [Spot(OTHER, "sw1", 2, 100, addresses=("10.0.0.99",))]
    )
    assert 7 not in known.left_out
    (config.parent / INCLUDE).write_text(known.text)
    fabric = Fabric(config)
    fabric.load()
    flows = {1: fabric.flows(Query(1))}
    ground = looked.ground
    assert proof((jailed,), ground, flows, spots=known.spots).proven == {7}
    assert proof((jailed,), ground, flows, spots=nowhere.spots).proven == frozenset()


def test_a_proof_is_of_rules_and_of_a_place(looked: Looked) -> None:
    first = desired(looked, (BLOCK,), NOTHING).rules
    same = replace(BLOCK, addresses=("10.0.0.1",))
    assert desired(looked, (same,), NOTHING).rules == first
    moved = replace(BLOCK, place=Place("sw1", 2, 100))
    assert desired(looked, (moved,), NOTHING).rules != first
    limited = replace(BLOCK, action=Action(kind="limit", rate=500))
    assert desired(looked, (limited,), NOTHING).rules != first


def test_strangers_are_what_stands_and_nobody_wants(looked: Looked) -> None:
    there = replace(looked, ours=desired(looked, (BLOCK, OTHERS), NOTHING).text)
    assert [one.cookie for one in standing(there)] == [7, 8]
    assert [one.cookie for one in strangers(there, None)] == [7, 8]
    assert [one.cookie for one in strangers(there, Wish((OTHERS,), frozenset()))] == [7]
    # Another device of the same cookie is somebody else.
    reused = Wish((replace(BLOCK, mac="02:00:00:00:00:05"),), frozenset())
    assert [one.cookie for one in strangers(there, reused)] == [7, 8]
    for text in (None, "", "acls: [", "[]"):
        assert standing(replace(looked, ours=text)) == ()


def test_the_form_of_our_file(looked: Looked, config: Path) -> None:
    ours = (config.parent / INCLUDE).read_text()
    assert is_form(ours)
    assert is_form(desired(looked, (BLOCK,), NOTHING).text)
    assert is_form("")
    assert not is_form(redumped(ours))
    assert is_form(redumped(ours), headed=False)
    assert not is_form("acls: {mine: []}", headed=False)
    assert not is_form("acls: [", headed=False)
    assert is_form(ours[: len(ours) // 2])
    assert not is_form("acls: {mine: [{rule: {actions: {allow: 1}}}]}\n")
    assert not is_form(f"{ours}  mine:\n    - rule: {{actions: {{allow: 1}}}}\n")
    assert not is_form(f"{ours}vlans: {{mine: {{vid: 5}}}}\n")
    assert is_form(desired(looked, (), Stages(watches=watch(OTHER, 0x8000))).text)
    head, _, first = ours.partition("    - ")
    for mine in (
        "{rule: {dl_src: '0e:00:00:00:00:aa', actions: {allow: 0}}}",
        "{rule: {actions: {allow: 1}}}",  # the end of a tail, and of no hook
        "7",
        "{rule: 7}",
    ):
        assert not is_form(f"{head}    - {mine}\n    - {first}")

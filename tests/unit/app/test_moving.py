"""Native VLANs of ports, and the way back, whatever happens between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from plugin.actions import Place
from plugin.app.looking import Looked, Looking
from plugin.app.moving import Moved, moved_devices, moves_ports, plan_moves
from plugin.faucet.journal import read_journal, write_journal
from plugin.faucet.revlan import Revlan
from plugin.offline.faucet import JOURNAL
from tests.unit.app.test_hooking import BLOCK, JAIL, MAC, OTHER, config, installed

__all__ = ["config"]
FIRST = Revlan("sw1", 1, "jail", ((9, MAC),))
SECOND = Revlan("sw1", 2, "jail", ((10, OTHER),))


def look(config: Path) -> Looked:
    return Looking(config).look()


def write(config: Path, moved: Moved, *, until: int = 3) -> None:
    """Write as the writer does: the journal, the root file, the journal; cut short after some."""
    journal = config.parent / JOURNAL
    if until >= 1 and moved.between is not None:
        journal.write_text(write_journal(moved.between))
    if until >= 2:
        config.write_text(moved.root)
    if until >= 3 and moved.journal is not None:
        journal.write_text(write_journal(moved.journal))


def test_nothing_wanted_is_nothing_to_do(config: Path) -> None:
    installed(config)
    looked = look(config)
    moved = plan_moves(looked, ())
    assert (moved.root, moved.journal) == (looked.place.text, looked.place.journal)


def test_no_port_is_moved_where_its_way_back_cannot_be_kept(config: Path) -> None:
    installed(config)
    looked = replace(look(config), recorded=False)
    moved = plan_moves(looked, [FIRST, SECOND])
    assert (moved.root, moved.journal) == (looked.place.text, looked.place.journal)
    assert moved.refused.keys() == {9, 10}
    assert "its way back is kept beside faucet.yaml" in moved.refused[9]
    assert moved.problem is None, "nobody else has to wait for that"
    write(config, plan_moves(look(config), [FIRST]))
    stuck = plan_moves(replace(look(config), recorded=False), [])
    assert stuck.root == config.read_text()
    assert "cannot be moved" in str(stuck.problem)


def test_who_moves_a_port() -> None:
    assert moves_ports([BLOCK, JAIL])
    assert not moves_ports([BLOCK])


def test_there_and_back_to_the_byte(config: Path) -> None:
    installed(config)
    text, journal = config.read_text(), (config.parent / JOURNAL).read_text()
    for wanted in ([FIRST], [FIRST, SECOND], [SECOND], [FIRST]):
        write(config, plan_moves(look(config), wanted))
        again = plan_moves(look(config), wanted)
        assert again.root == config.read_text()
        assert again.journal == look(config).place.journal
        assert config.read_text().count("jail}") == len(wanted)
    write(config, plan_moves(look(config), ()))
    assert config.read_text() == text
    assert (config.parent / JOURNAL).read_text() == journal


def test_whenever_it_is_cut_short_the_way_back_is_known(config: Path) -> None:
    installed(config)
    text = config.read_text()
    for first, then in (([FIRST], [SECOND]), ([FIRST, SECOND], []), ([], [FIRST])):
        for until in (0, 1, 2):
            write(config, plan_moves(look(config), first))
            write(config, plan_moves(look(config), then), until=until)
            write(config, plan_moves(look(config), ()))
            assert config.read_text() == text
            journal = look(config).place.journal
            assert journal is not None
            assert journal.revlans is None


def test_the_devices_are_told_with_their_places(config: Path) -> None:
    installed(config)
    write(config, plan_moves(look(config), [FIRST, SECOND]))
    found = moved_devices(look(config))
    assert [(one.cookie, one.mac, one.place) for one in found] == [
        (9, MAC, Place("sw1", 1, 200)),
        (10, OTHER, Place("sw1", 2, 200)),
    ]
    assert {str(one.action) for one in found} == {"revlan:jail"}


def test_a_port_that_somebody_else_has_moved_stays_there(config: Path) -> None:
    installed(config)
    config.write_text(config.read_text().replace("  jail:", "  other: {vid: 300}\n  jail:"))
    write(config, plan_moves(look(config), [FIRST]))
    theirs = config.read_text().replace("native_vlan: jail}", "native_vlan: other}")
    config.write_text(theirs)
    for _ in range(3):
        moved = plan_moves(look(config), [FIRST])
        assert moved.root == theirs
        assert "not by Halia" in moved.refused[9]
        write(config, moved)
    assert moved_devices(look(config)) == ()
    write(config, plan_moves(look(config), ()))
    assert config.read_text() == theirs


def test_a_port_that_was_set_back_is_moved_again(config: Path) -> None:
    installed(config)
    text = config.read_text()
    write(config, plan_moves(look(config), [FIRST]))
    moved = config.read_text()
    config.write_text(text)
    again = plan_moves(look(config), [FIRST])
    assert not again.refused
    assert again.root == moved


def test_what_cannot_be_done_is_refused_and_nothing_changes(config: Path) -> None:
    installed(config)
    looked = look(config)
    gone = Revlan("sw1", 4711, "jail", ((9, MAC),))
    moved = plan_moves(looked, [gone])
    assert moved.root == looked.place.text
    assert "4711" in moved.refused[9]
    assert moved.problem is None


def test_both_ways_back_are_read_as_written(config: Path) -> None:
    installed(config)
    write(config, plan_moves(look(config), [FIRST]))
    between = plan_moves(look(config), [SECOND]).between
    assert between is not None
    assert between.revlans is not None
    assert len(between.revlans.moves) == 2
    assert read_journal(write_journal(between)) == between

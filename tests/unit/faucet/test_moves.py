"""Ports that are moved, and the way back, whatever has become of the file."""

from __future__ import annotations

import pytest

from plugin.faucet.edits import digest
from plugin.faucet.moves import Move, RevlanRecord, moved, natives, standing, undone
from plugin.faucet.tree import Tree, UnreadableError
from tests.grounds import site

ROOT = site().root
TWO = ("dps", "sw1", "interfaces", 2)
THREE = ("dps", "sw1", "interfaces", 3)
HOLDERS = ((1, "0e:00:00:00:00:01"),)
MOVES = (
    Move(TWO, "office", "cellar", "sw1", 2, HOLDERS),
    Move(THREE, "lab", "halia_quarantine", "sw1", 3, HOLDERS),
)


def done(*moves: Move, text: str = ROOT) -> tuple[str, RevlanRecord]:
    new, record = moved(text, moves or MOVES)
    assert record is not None
    return new, record


def test_there_and_back_to_the_byte() -> None:
    new, record = done()
    lines = zip(ROOT.splitlines(), new.splitlines(), strict=True)
    assert [after.strip() for before, after in lines if before != after] == [
        "2: {acls_in: [halia_hook, halia_tail], native_vlan: cellar}",
        "native_vlan: halia_quarantine",
    ]
    assert (record.original, record.written) == (digest(ROOT), digest(new))
    assert record.moves == MOVES
    assert undone(new, record) == ROOT


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_and_comments_stay(ending: str) -> None:
    text = ROOT.replace("native_vlan: lab", "native_vlan:   lab # not here").replace("\n", ending)
    new, record = done(text=text)
    assert "halia_quarantine # not here" in new
    assert undone(new, record) == text


def test_nothing_to_move() -> None:
    assert moved(ROOT, ()) == (ROOT, None)
    assert undone(ROOT, None) == ROOT
    assert undone(ROOT, RevlanRecord("", "", (), ())) == ROOT
    assert natives(Tree(ROOT), None) == {}


def test_others_edits_stay_while_the_ports_go_back() -> None:
    new, record = done()
    edited = new.replace("name: uplink", "name: core").replace("# 2nd floor", "# 3rd floor")
    assert edited != new
    back = undone(edited, record)
    assert back == ROOT.replace("name: uplink", "name: core").replace("2nd", "3rd")
    # Both orders: an edit of another hand and the way back.
    assert undone(back, record) == back


def test_a_port_that_somebody_else_moved_since_is_his() -> None:
    new, record = done()
    edited = new.replace("native_vlan: cellar}", "native_vlan: lab}", 1)
    assert "2: {acls_in: [halia_hook, halia_tail], native_vlan: lab}" in edited
    assert standing(Tree(edited), record) == [MOVES[1]]
    assert natives(Tree(edited), record) == {THREE: "lab"}
    back = undone(edited, record)
    assert "2: {acls_in: [halia_hook, halia_tail], native_vlan: lab}" in back
    assert "native_vlan: halia_quarantine" not in back


def test_what_was_never_written_does_not_stand() -> None:
    new, record = done()
    assert standing(Tree(new), record) == list(MOVES)
    assert natives(Tree(new), record) == {TWO: "office", THREE: "lab"}
    assert standing(Tree(ROOT), record) == []
    assert undone(ROOT, record) == ROOT


def test_a_port_that_is_gone() -> None:
    new, record = done()
    gone = "".join(
        line for line in new.splitlines(keepends=True) if not line.startswith("      2:")
    )
    assert standing(Tree(gone), record) == [MOVES[1]]
    assert "native_vlan: lab" in undone(gone, record)


def test_a_lying_record_is_found_out() -> None:
    new, record = done()
    false = record._replace(undo=())
    assert undone(new, false) == ROOT  # the same by the second way
    odd = record._replace(moves=(MOVES[0]._replace(path=("dps", "sw1", "nothing")),))
    assert undone(new, odd._replace(written="")) == new


def test_a_vlan_that_is_a_number_stays_one() -> None:
    text = ROOT.replace("native_vlan: lab", "native_vlan: 200")
    new, record = done(Move(THREE, 200, 300, "sw1", 3, HOLDERS), text=text)
    assert "native_vlan: 300\n" in new
    assert natives(Tree(new), record) == {THREE: 200}
    assert undone(new, record) == text


def test_ports_that_are_not_there_cannot_be_moved() -> None:
    for path in (("dps", "sw1", "interfaces", 99), ("dps", "sw1", "interfaces", 7)):
        with pytest.raises(UnreadableError):
            moved(ROOT, [MOVES[0]._replace(path=path)])


def test_an_anchor_that_would_move_others_too_is_refused() -> None:
    text = ROOT.replace("      2: {", "      2: &shared {").replace(
        "      24:", "      4: *shared\n      24:"
    )
    with pytest.raises(UnreadableError, match="cannot be edited safely"):
        moved(text, MOVES[:1])

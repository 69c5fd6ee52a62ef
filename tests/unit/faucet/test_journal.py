"""The journal of an installation survives being written and read."""

from __future__ import annotations

import pytest

from plugin.faucet.edits import Edit
from plugin.faucet.hook import Layout, Target
from plugin.faucet.install import Journal
from plugin.faucet.journal import read_journal, write_journal
from plugin.faucet.moves import Move, RevlanRecord
from plugin.faucet.tree import UnreadableError

JOURNAL = Journal(
    original="aa",
    installed="bb",
    undo=(Edit(1, 5, ""), Edit(9, 9, "ü\n")),
    layout=Layout(
        mode="tail",
        targets=(Target("sw1", "col"), Target("sw2", 7, "_sw2")),
        ignored_vlans=frozenset((7, 9)),
    ),
    remediation=True,
)


def test_there_and_back() -> None:
    assert read_journal(write_journal(JOURNAL)) == JOURNAL


MOVED = JOURNAL._replace(
    revlans=RevlanRecord(
        original="cc",
        written="dd",
        undo=(Edit(3, 4, "office"),),
        moves=(
            Move(("dps", "sw1", "interfaces", 2), "office", 666, "sw1", 2, ((1, "a"), (2, "b"))),
            Move(("dps", "sw1", "interfaces", "p3"), 100, "x", "sw1", 3, ()),
        ),
    )
)


def test_ports_that_are_moved_are_kept_too() -> None:
    assert read_journal(write_journal(MOVED)) == MOVED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"was": "office"', '"was": null'),
        ('"now": 666', '"now": [666]'),
        ('"port": 2', '"port": "x"'),
        ('"moves"', '"others"'),
        ('"original": "cc",', ""),
    ],
)
def test_a_broken_record_of_moves_is_refused(old: str, new: str) -> None:
    text = write_journal(MOVED)
    assert old in text
    with pytest.raises(UnreadableError, match="no journal"):
        read_journal(text.replace(old, new))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', '{"format": 1}'])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="no journal"):
        read_journal(text)


def test_broken_edits_are_refused() -> None:
    with pytest.raises(UnreadableError):
        read_journal(write_journal(JOURNAL).replace("[\n   1,", "[\n"))

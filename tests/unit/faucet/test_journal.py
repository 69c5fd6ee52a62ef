"""The journal of an installation survives being written and read."""

from __future__ import annotations

import pytest

from plugin.faucet.edits import Edit
from plugin.faucet.hook import Layout, Target
from plugin.faucet.install import Journal
from plugin.faucet.journal import read_journal, write_journal
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


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', '{"format": 1}'])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="no journal"):
        read_journal(text)


def test_broken_edits_are_refused() -> None:
    with pytest.raises(UnreadableError):
        read_journal(write_journal(JOURNAL).replace("[\n   1,", "[\n"))

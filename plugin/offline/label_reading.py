"""What comes of reading a file of labels: the labels, and an account of its rows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import NAME_MAX, InputError, nearest, printable
from plugin.flows.label_table import LabelTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.flows.label_mapping import LabelMapping
    from plugin.flows.labels import Labels

PROBLEMS_TOLD = 20
_NAMES_MAX = 1_000
_HINT_MAX = 200


class LabelFile(NamedTuple):
    """What a file of labels says."""

    source: str
    """The file, printable."""
    kind: str
    """What it was found to be: csv, zeek or eve."""
    labels: Labels
    normal: int
    """Rows that say normal."""
    abnormal: int
    """Rows that say abnormal."""
    ignored: int
    """Rows that say neither, such as Unknown."""
    others: int
    """Rows about other protocols than TCP and UDP, or about other things than flows."""
    damaged: int
    """Rows that could not be read."""
    problems: tuple[str, ...]
    """The first of these, each ``file: line N: why``."""


class Reading:
    """What happens to the rows of a file while it is read."""

    def __init__(self, source: str, mapping: LabelMapping) -> None:
        """Begin with a file whose columns are known."""
        self.source = source
        self.table = LabelTable(mapping)
        self.damaged = 0
        self.others = 0
        self._problems: list[str] = []

    def __len__(self) -> int:
        """How many rows were taken that could be read."""
        table = self.table
        return table.normal + table.abnormal + table.ignored + table.others

    def problem(self, line: int, reason: str) -> None:
        """Note a row that could not be read."""
        self.damaged += 1
        if len(self._problems) < PROBLEMS_TOLD:
            self._problems.append(printable(f"{self.source}: line {line}: {reason}"))

    def file(self, kind: str) -> LabelFile:
        """All that was read.

        Raises:
            InputError: that is nothing.
        """
        table = self.table
        found = LabelFile(
            source=self.source,
            kind=kind,
            labels=table.rows.labels(),
            normal=table.normal,
            abnormal=table.abnormal,
            ignored=table.ignored,
            others=table.others + self.others,
            damaged=self.damaged,
            problems=tuple(self._problems),
        )
        if not found.labels.total:
            raise InputError(f"has no label of a flow: {_why_none(found)}", where=self.source)
        return found


def _why_none(file: LabelFile) -> str:
    if file.problems:
        return file.problems[0].removeprefix(printable(f"{file.source}: "))
    counted = (
        (file.ignored, "say neither normal nor abnormal"),
        (file.others, "are about something else than TCP or UDP"),
    )
    return ", ".join(f"{n} rows {what}" for n, what in counted if n) or "it has no rows"


def near(name: str, names: Iterable[str]) -> str:
    """A clause that says which of a file's names may be meant; empty if none is like it."""
    known = [n for n in islice(names, _NAMES_MAX) if n and len(n) <= NAME_MAX and n.isprintable()]
    hint = nearest(name, known) if known else ""
    return hint if "did you mean" in hint or len(hint) <= _HINT_MAX else ""

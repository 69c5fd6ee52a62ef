"""Lists of labelled captures, written: rows are added or replaced, the rest stays.

What reads such a list again is :func:`plugin.ml.dataset.samples_from_rows`. Computes only.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH, MAC = "path", "mac"
COLUMNS = (PATH, "label", MAC, "device", "network", "sha256")
"""Of a list that is made anew: the capture, relative to the list's folder; its class; the device
of the capture that is meant; the physical device, so that no split has it on both sides; the
network that it was recorded in; the file's digest."""


class Table(NamedTuple):
    """A list."""

    columns: tuple[str, ...] = COLUMNS
    rows: tuple[Mapping[str, str], ...] = ()


class Told(NamedTuple):
    """What became of a label."""

    table: Table
    before: str | None
    """The label that stood there; None: none did."""


def parse_table(text: str, where: str) -> Table:
    """Read a list.

    Raises:
        DatasetError: it is none.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = tuple(dict(row) for row in reader)
    except csv.Error as error:
        raise DatasetError(f"cannot be read: {error}", where=where) from error
    columns = tuple(reader.fieldnames or ())
    if not columns:
        return Table()
    for column in (PATH, "label"):
        if column not in columns:
            raise DatasetError(f"no column {column!r}", where=where)
    for number, row in enumerate(rows, 2):  # the header is row 1
        if None in row or None in row.values():
            raise DatasetError("has not the header's cells", where=f"{where}: row {number}")
    return Table(columns, rows)


def labelled(table: Table, row: Mapping[str, str]) -> Told:
    """Add a row; where one of the same capture and device stands, its cells are replaced.

    A row without a device's address is about whichever device is the capture's main one, and so the
    only one of its capture.

    Args:
        table: the list; columns that it lacks are added.
        row: the cells; an empty one takes nothing away from what stands there.
    """
    told = {column: text for column, text in row.items() if text}
    columns = table.columns + tuple(c for c in told if c not in table.columns)
    before, rows = None, []
    for old in table.rows:
        if _same(old, told):
            before = old["label"]
            old = {**old, **told}  # noqa: PLW2901 - it is the row from now on
        rows.append(old)
    if before is None:
        rows.append(told)
    return Told(Table(columns, tuple(rows)), before)


def _same(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    if old[PATH] != new[PATH]:
        return False
    macs = old.get(MAC, "").lower().replace("-", ":"), new.get(MAC, "")
    return macs[0] == macs[1] or not all(macs)


def to_text(table: Table) -> str:
    """The list as CSV."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, table.columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return stream.getvalue()

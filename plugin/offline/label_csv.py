"""Labels in CSV: the columns of CIC-IDS-2017, or those that a mapping file names."""

from __future__ import annotations

import csv
from itertools import chain
from typing import TYPE_CHECKING, Self

from plugin.errors import InputError
from plugin.flows.label_mapping import CIC, CIC_SHORT, COLUMNS, NEEDED, LabelMapping
from plugin.offline.label_reading import LabelFile, Reading, near
from plugin.settings.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_CELL_MAX = 1 << 17
"""Characters of the longest cell that ``csv`` takes."""
_CIC_DATA = (
    "its columns have no addresses, as in the files made for machine learning: take those with "
    "the generated labelled flows"
)


def read_csv(source: str, lines: Iterator[bytes], given: LabelMapping) -> LabelFile:
    """Read a CSV file whose first row that is not blank names its columns.

    Args:
        source: its name.
        lines: all of it.
        given: what its columns mean; what that leaves out is as in CIC-IDS-2017.

    Raises:
        InputError: a column is missing, or it labels nothing.
    """
    # CIC's files hold a byte or two that are no UTF-8, in names of attacks.
    texts = (line.decode("utf-8", "replace") for line in lines)
    rows = _Csv(texts, given.delimiter or ",")
    try:
        header = next((row for row in rows if row), [])
    except csv.Error as error:
        raise InputError(f"line {rows.line_num}: {error}", where=source) from error
    names = [name.strip() for name in header]
    mapping = given.over(_cic(names))
    places = _places(source, names, mapping)
    reading = Reading(source, mapping)
    for line, row in _rows(rows, header, reading):
        try:
            reading.table.add({name: row[at] for name, at in places.items()})
        except ValueError as error:
            reading.problem(line, str(error))
        except IndexError:
            reading.problem(line, f"{len(row)} cells, the header has {len(header)}")
    return reading.file("csv")


class _Csv:
    """What ``csv.reader`` does, sooner: a line without quotes is only parted."""

    def __init__(self, texts: Iterator[str], delimiter: str) -> None:
        self.line_num = 0
        self._texts = texts
        self._delimiter = delimiter

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> list[str]:
        line = next(self._texts)
        text = line.rstrip("\r\n")
        if '"' not in text and "\r" not in text and len(text) < _CELL_MAX:
            self.line_num += 1
            return text.split(self._delimiter) if text else []
        # A cell in quotes may go on in the lines that follow.
        reader = csv.reader(chain([line], self._texts), delimiter=self._delimiter)
        try:
            return next(reader)
        finally:
            self.line_num += reader.line_num


def _rows(rows: _Csv, header: list[str], reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """The rows that say something, each with the number of its (last) line."""
    while True:
        try:
            for row in rows:
                # Files put together, rows of nothing but commas: CIC's have both.
                if row != header and any(row):
                    yield rows.line_num, row
        except csv.Error as error:
            reading.problem(rows.line_num, str(error))
        else:
            return


def _cic(names: list[str]) -> LabelMapping:
    """What CIC's columns are called in this file."""
    short = "Src IP" in names and "Source IP" not in names
    return LabelMapping(columns=CIC_SHORT).over(CIC) if short else CIC


def _places(source: str, names: list[str], mapping: LabelMapping) -> dict[str, int]:
    """Where the columns are that are needed; of two that are called the same, the first.

    Raises:
        InputError: one is missing.
    """
    places: dict[str, int] = {}
    lower = [name.lower() for name in names]
    needed = NEEDED if mapping.every is not None else (*NEEDED, "label")
    for column in COLUMNS:
        name = mapping.columns.get(column)
        if name is None or (column == "label" and column not in needed):
            continue
        if name in names:
            places[column] = names.index(name)
        elif name.lower() in lower:
            places[column] = lower.index(name.lower())
        else:
            raise _missing(source, names, column, name)
    return places


def _missing(source: str, names: list[str], column: str, name: str) -> InputError:
    if {"Label", "Destination Port"} <= set(names) and not any(n.endswith(" IP") for n in names):
        return InputError(f"no column {quoted(name)}: {_CIC_DATA}", where=source)
    return InputError(
        f"no column {quoted(name)} ({column}){near(name, names)}",
        where=source,
        advice="say in a mapping file which column is what, or which delimiter it has",
    )

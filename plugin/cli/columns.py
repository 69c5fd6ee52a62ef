"""A table as wide as the terminal: cells are wrapped, never cut, and can be coloured.

Where the last column has no room beside the others, it stands below them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2
LAST_MIN = 30
"""Columns that a sentence needs to be read with pleasure."""
CELL_MIN = 8
KEPT_CELL_MIN = 4
"""Where others are kept, the rest gives more."""
INDENT = 14
"""Columns of a page's labels."""
_STYLES = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Cell(NamedTuple):
    """A text, and how it looks."""

    text: str
    style: str = ""
    """A colour's name, "dim" or "bold"; empty: as any."""


def lay_out(
    rows: Sequence[Sequence[Cell]],
    header: Sequence[str],
    *,
    width: int | None,
    colour: bool,
    kept: int = 0,
) -> str:
    """Lay out rows; the last column holds sentences.

    Args:
        rows: as many cells each as the header has.
        header: one name for each column.
        width: the terminal's; None: lines may be as long as they like.
        colour: whether styles are shown.
        kept: so many of the first columns are never narrowed, even if lines get too wide.
    """
    clean = [[Cell(printable(c.text), c.style) for c in row] for row in rows]
    heads = [Cell(name, "bold") for name in header]
    widths = [max(len(row[i].text) for row in [heads, *clean]) for i in range(len(header))]
    if width is None:
        return "".join(_lines(row, widths, colour=colour) for row in [heads, *clean])
    _shrink(widths, width, kept)
    room = width - sum(widths[:-1]) - GAP * (len(widths) - 1)
    if widths[-1] <= room or room >= LAST_MIN:
        widths[-1] = max(room, 1)
        return "".join(_lines(row, widths, colour=colour) for row in [heads, *clean])
    below = [_lines(heads[:-1], widths[:-1], colour=colour)]
    for row in clean:
        below.append(_lines(row[:-1], widths[:-1], colour=colour))
        below += [f"    {line}\n" for line in _wrapped(row[-1].text, width - 4)]
    return "".join(below)


def paint(text: str, style: str, *, colour: bool) -> str:
    """Put a text in its style."""
    if not colour or not style:
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def labelled(label: str, text: str, style: str, *, width: int | None, colour: bool) -> list[str]:
    """Lay out one entry of a page: a label with its text beside it, wrapped.

    Args:
        label: what it is about.
        text: foreign text is escaped.
        style: the text's.
        width: the terminal's; None: lines are not wrapped.
        colour: whether styles are shown.
    """
    head = f"  {label:<{INDENT - 2}}" if len(label) < INDENT - 2 else f"  {label}  "
    text = printable(text)
    room = max(20, width - len(head)) if width else None
    parts = textwrap.wrap(text, room) if room else [text]
    first, *others = [paint(part, style, colour=colour) for part in parts or [""]]
    return [head + first, *(" " * len(head) + other for other in others)]


def _shrink(widths: list[int], width: int, kept: int) -> None:
    """Narrow the widest of the columns before the last until they fit."""
    columns = range(len(widths) - 1)
    least = KEPT_CELL_MIN if kept else CELL_MIN
    while sum(widths[i] for i in columns) + GAP * (len(columns) - 1) > width:
        widest = max(columns[kept:], key=lambda i: widths[i], default=0)
        if widest < kept or widths[widest] <= least:
            return
        widths[widest] -= 1


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1)) or [""]


def _lines(row: Sequence[Cell], widths: Sequence[int], *, colour: bool) -> str:
    parts = [_wrapped(cell.text, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, parts))):
        told = []
        for cell, part, width in zip(row, parts, widths, strict=True):
            text = part[number] if number < len(part) else ""
            padding = " " * (width - len(text))
            told.append(paint(text, cell.style if text else "", colour=colour) + padding)
        lines.append((" " * GAP).join(told).rstrip() + "\n")
    return "".join(lines)

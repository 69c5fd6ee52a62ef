"""Curves as SVG, to stand inside a page: no other file, no script. Computes only."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT, EDGE = 380, 300, 46
DIAGONAL = ((0.0, 0.0), (1.0, 1.0))
"""The line on which both numbers are equal."""
_TICKS = tuple((value, f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0))
_LINE = "#1e5ab4"
_MIDDLE = 0.5


class Mark(NamedTuple):
    """A point with words: both numbers 0 to 1."""

    x: float
    y: float
    words: str
    weight: float = 1.0
    """0 to 1: how large it is."""


class Bars(NamedTuple):
    """How many there are in each of some intervals, which lie side by side."""

    name: str
    counts: Sequence[int]
    color: str


def chart(
    title: str,
    axes: tuple[str, str],
    marks: Sequence[Mark],
    *,
    dashed: Sequence[tuple[float, float]] = (),
    line: Sequence[tuple[float, float]] | None = None,
) -> str:
    """Draw points on axes from 0 to 1.

    Args:
        title: above it.
        axes: names of the two.
        marks: from left to right.
        dashed: points of a line to hold them against.
        line: points of the line; by default it joins the marks.
    """
    parts = [*_frame(title, axes), *_ticks(_TICKS, _TICKS)]
    if dashed:
        parts.append(_line(dashed, "stroke:#999;stroke-dasharray:4"))
    joined = [(one.x, one.y) for one in marks] if line is None else line
    if joined:
        parts.append(_line(joined, f"stroke:{_LINE}"))
    parts += [
        f'<circle cx="{_x(one.x):.1f}" cy="{_y(one.y):.1f}" r="{2 + 4 * one.weight**0.5:.1f}"'
        f' fill="{_LINE}"><title>{html.escape(one.words)}</title></circle>'
        for one in marks
    ]
    return "".join([*parts, "</svg>"])


def histogram(
    title: str,
    axis: str,
    kinds: Sequence[Bars],
    names: Sequence[tuple[float, str]],
    mark: tuple[float, str],
) -> str:
    """Draw how many of each kind there are in intervals of equal width, as shares of the kind.

    Args:
        title: above it.
        axis: what lies along it.
        kinds: all with the same number of intervals; none of them empty.
        names: places along the axis, 0 to 1, and what stands below them.
        mark: a place along the axis and its name, for a dashed upright line.
    """
    most = max((max(one.counts) / sum(one.counts) for one in kinds), default=1.0)
    heights = tuple((value, f"{value * most:.0%}") for value, _ in _TICKS)
    parts = [*_frame(title, (axis, "share of each kind")), *_ticks(names, heights)]
    for number, one in enumerate(kinds):
        width = (_x(1) - _x(0)) / len(one.counts)
        for place, count in enumerate(one.counts):
            if count:
                top = _y(count / sum(one.counts) / most)
                parts.append(
                    f'<rect x="{_x(0) + place * width:.1f}" y="{top:.1f}" width="{width:.1f}"'
                    f' height="{_y(0) - top:.1f}" fill="{one.color}" fill-opacity=".55">'
                    f"<title>{html.escape(one.name)}: {count}</title></rect>"
                )
        words = f"{html.escape(one.name)} ({sum(one.counts)})"
        corner = f'x="{_x(1) - 4:.1f}" y="{_y(1) + 12 + 13 * number:.1f}"'
        parts.append(f'<text {corner} text-anchor="end" fill="{one.color}">{words}</text>')
    where, name = mark
    parts.append(_line([(where, 0.0), (where, 1.0)], "stroke:#222;stroke-dasharray:4"))
    anchor = "start" if where < _MIDDLE else "end"  # so that it stays inside
    above = f'x="{_x(where):.1f}" y="{_y(1) - 3:.1f}" text-anchor="{anchor}"'
    parts.append(f"<text {above}>{html.escape(name)}</text>")
    return "".join([*parts, "</svg>"])


def _frame(title: str, axes: tuple[str, str]) -> list[str]:
    """The beginning of a picture: its title and the names of its axes."""
    text = html.escape
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
    turned = f'transform="translate(12 {HEIGHT / 2}) rotate(-90)"'
    middle, bottom = WIDTH / 2, HEIGHT - 8
    return [
        f'<svg {box} role="img" aria-label="{text(title)}">',
        f'<text x="{middle}" y="16" text-anchor="middle" font-weight="bold">{text(title)}</text>',
        f'<text x="{middle}" y="{bottom}" text-anchor="middle">{text(axes[0])}</text>',
        f'<text {turned} text-anchor="middle">{text(axes[1])}</text>',
    ]


def _ticks(
    across: Sequence[tuple[float, str]], upwards: Sequence[tuple[float, str]]
) -> Iterator[str]:
    style = 'style="stroke:#ddd"'
    for value, words in across:
        x = _x(value)
        yield f'<line x1="{x:.1f}" y1="{_y(0):.1f}" x2="{x:.1f}" y2="{_y(1):.1f}" {style}/>'
        yield f'<text x="{x:.1f}" y="{_y(0) + 14:.1f}" text-anchor="middle">{words}</text>'
    for value, words in upwards:
        y = _y(value)
        yield f'<line x1="{_x(0):.1f}" y1="{y:.1f}" x2="{_x(1):.1f}" y2="{y:.1f}" {style}/>'
        yield f'<text x="{_x(0) - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'


def _line(points: Sequence[tuple[float, float]], style: str) -> str:
    joined = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline points="{joined}" style="fill:none;stroke-width:1.5;{style}"/>'


def _x(value: float) -> float:
    return EDGE + value * (WIDTH - EDGE - 14)


def _y(value: float) -> float:
    return HEIGHT - EDGE + 6 - value * (HEIGHT - EDGE - 24)

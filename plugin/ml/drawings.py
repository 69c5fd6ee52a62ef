"""Curves as SVG, to stand inside a page: no other file, no script. Computes only."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 380, 300, 46
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Mark(NamedTuple):
    """A point with words: both numbers 0 to 1."""

    x: float
    y: float
    words: str
    weight: float = 1.0
    """0 to 1: how large it is."""


def chart(
    title: str, axes: tuple[str, str], marks: Sequence[Mark], *, diagonal: bool = False
) -> str:
    """Draw points joined by a line, on axes from 0 to 1.

    Args:
        title: above it.
        axes: names of the two.
        marks: from left to right.
        diagonal: draw the line on which both numbers are equal.
    """
    text = html.escape
    middle, bottom = WIDTH / 2, HEIGHT - 8
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
    turned = f'transform="translate(12 {HEIGHT / 2}) rotate(-90)"'
    parts = [
        f'<svg {box} role="img" aria-label="{text(title)}">',
        f'<text x="{middle}" y="16" text-anchor="middle" font-weight="bold">{text(title)}</text>',
        f'<text x="{middle}" y="{bottom}" text-anchor="middle">{text(axes[0])}</text>',
        f'<text {turned} text-anchor="middle">{text(axes[1])}</text>',
        *(_tick(value) for value in _TICKS),
    ]
    if diagonal:
        parts.append(_line([(0.0, 0.0), (1.0, 1.0)], "stroke:#999;stroke-dasharray:4"))
    if marks:
        parts.append(_line([(one.x, one.y) for one in marks], "stroke:#1e5ab4"))
    parts += [
        f'<circle cx="{_x(one.x):.1f}" cy="{_y(one.y):.1f}" r="{2 + 4 * one.weight**0.5:.1f}"'
        f' fill="#1e5ab4"><title>{text(one.words)}</title></circle>'
        for one in marks
    ]
    return "".join([*parts, "</svg>"])


def _tick(value: float) -> str:
    x, y = _x(value), _y(value)
    style = 'style="stroke:#ddd"'
    return (
        f'<line x1="{x:.1f}" y1="{_y(0):.1f}" x2="{x:.1f}" y2="{_y(1):.1f}" {style}/>'
        f'<line x1="{_x(0):.1f}" y1="{y:.1f}" x2="{_x(1):.1f}" y2="{y:.1f}" {style}/>'
        f'<text x="{x:.1f}" y="{_y(0) + 14:.1f}" text-anchor="middle">{value:g}</text>'
        f'<text x="{_x(0) - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    )


def _line(points: Sequence[tuple[float, float]], style: str) -> str:
    joined = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline points="{joined}" style="fill:none;stroke-width:1.5;{style}"/>'


def _x(value: float) -> float:
    return EDGE + value * (WIDTH - EDGE - 14)


def _y(value: float) -> float:
    return HEIGHT - EDGE + 6 - value * (HEIGHT - EDGE - 24)

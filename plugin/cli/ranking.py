"""A ranking of roles for people: the same lines in ``halia classify`` and ``halia demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin.ml.verdict import Role

BAR = 20
"""Cells of a confidence bar."""


def ranking_lines(role: Role, *, truth: str | None = None) -> list[str]:
    """The ranking, a line a role: confidence, bar, label.

    Args:
        role: what was decided.
        truth: the label that is right, where that is known; it is marked.
    """
    lines = []
    for label, confidence in zip(role.labels, role.confidences, strict=True):
        bar = "#" * round(BAR * confidence)
        mark = "  <- right" if label == truth else ""
        lines.append(f"    {confidence:4.2f} {bar:<{BAR}} {label}{mark}")
    return lines

"""What is said of a device, for people: the same lines in ``halia classify`` and ``halia demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin.ml.verdict import Role, Verdict

BAR = 20
"""Cells of a confidence bar."""
SHOWN = 5
"""Findings of a device that are shown to a person."""
RIGHT = "  <- right"
"""Marks the truth, where that is known (the demo)."""


def anomalies(one: Verdict) -> list[str]:
    """What a device does that is abnormal, a line each; nothing if nothing was found."""
    found = () if one.anomaly is None else one.anomaly.behaviour
    lines = [
        f"    anomalous: {finding.name.replace('-', ' ')}: {'; '.join(finding.reasons)}"
        for finding in found[:SHOWN]
    ]
    more = len(found) - SHOWN
    return [*lines, f"    anomalous: {more} more"] if more > 0 else lines


def told(one: Verdict, *, truth: str | None = None) -> list[str]:
    """The ranking that answers, or that no model knows the device and what each would guess.

    A guess is no headline: where no model knows the device, every model's stands below, the
    surest first.

    Args:
        one: the verdict.
        truth: the label that is right, where that is known; it is marked.
    """
    role = one.role
    ordered = sorted(one.roles, key=lambda said: -said.confidences[0])
    if len(ordered) > 1 and role.decision != "known":
        guesses = [f"      {_guess(said, truth, full=True)}" for said in ordered]
        return [f"    {role.decision}: no model knows this device; what each would guess", *guesses]
    why = f": {role.reason}" if role.reason else ""
    others = [said for said in ordered if said != role]
    return [
        f"    {role.decision} (model {role.model}){why}",
        *ranking_lines(role, truth=truth),
        *(f"    {_guess(r, truth, full=r.decision == 'undetermined')}" for r in others),
    ]


def ranking_lines(role: Role, *, truth: str | None = None) -> list[str]:
    """The ranking, a line a role: confidence, bar, label; nothing near 0.

    Args:
        role: what was decided.
        truth: the label that is right, where that is known; it is marked.
    """
    lines = []
    for label, confidence in role.likely():
        bar = "#" * round(BAR * confidence)
        mark = RIGHT if label == truth else ""
        lines.append(f"    {confidence:4.2f} {bar:<{BAR}} {label}{mark}")
    return lines


def _guess(role: Role, truth: str | None, *, full: bool) -> str:
    """What a model says that does not answer, in a line."""
    said = ", ".join(
        f"{label} {confidence:.2f}{RIGHT[1:] if label == truth else ''}"
        for label, confidence in role.likely()
    )
    why = f" ({role.reason})" if role.reason and full else ""
    return f"model {role.model}, {role.decision}: {said or 'nothing'}{why}"

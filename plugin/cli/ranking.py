"""What is said of a device, for people: the same lines in ``halia classify`` and ``halia demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.cli.output import counted

if TYPE_CHECKING:
    from plugin.ml.verdict import Role, Verdict

BAR = 20
"""Cells of a confidence bar."""
SHOWN = 5
"""Findings of a device that are shown to a person."""
EXPLAINED = 10
"""Features that are shown to a person; --json has all."""
_USUAL = "usual is the middle nine tenths, a spread the standard deviation over all references"
RIGHT = "  <- right"
"""Marks the truth, where that is known (the demo)."""


def anomalies(one: Verdict) -> list[str]:
    """What is abnormal about a device, a line each, or that nothing is; no line: nobody looked."""
    from plugin.ml.verdict import NORMAL, says_yes  # with numpy: not at the start of every command

    anomaly = one.anomaly
    if anomaly is None:
        return []
    found = anomaly.behaviour
    lines = [
        f"    anomalous: {finding.name.replace('-', ' ')}: {'; '.join(finding.reasons)}"
        for finding in found[:SHOWN]
    ]
    more = len(found) - SHOWN
    lines += [f"    anomalous: {more} more"] if more > 0 else []
    for word, finding in (("changed", anomaly.change), ("novel", anomaly.novelty)):
        if finding is not None and says_yes(finding):
            lines.append(f"    {word}: {'; '.join(finding.reasons)}")
    if anomaly.verdict == NORMAL and anomaly.novelty is not None:
        lines.append(f"    normal: {'; '.join(anomaly.novelty.reasons)}")
    return lines


def explained(one: Verdict) -> list[str]:
    """The features farthest from what is usual, a line each; nothing where nothing was compared."""
    from plugin.ml.features import host
    from plugin.ml.novelty.explain import number, readable, values

    told = one.explanation
    if told is None:
        return []
    whom = f"of {told.role}" if told.role else "of all that is known"
    meanings = {**host.definitions(sent_only=True), **host.definitions()}
    some = counted(told.references, "reference")
    lines = [f"    beside {some} {whom}, the strangest features first; {_USUAL}:"]
    for feature in told.features[:EXPLAINED]:
        far, side = number(abs(feature.beyond)), "above" if feature.beyond > 0 else "below"
        away = f", {far} spreads {side} that" if feature.beyond else ""
        plain, meaning, unit = readable(feature, meanings.get(feature.name, ""))
        lines.append(f"      {feature.name}: {values(plain, unit)}{away}")
        lines += [f"        {meaning}"] if meaning else []
    return lines


def told(one: Verdict, *, truth: str | None = None) -> list[str]:
    """The ranking that answers, or that no model knows the device and what each would guess.

    A guess is no headline: where no model knows the device, every model's stands below, the
    surest first. A reason that all of them have is told once.

    Args:
        one: the verdict.
        truth: the label that is right, where that is known; it is marked.
    """
    role = one.role
    ordered = sorted(one.roles, key=lambda said: -said.confidences[0])
    if len(ordered) > 1 and role.decision != "known":
        same = role.reason if len({(said.decision, said.reason) for said in ordered}) == 1 else None
        guesses = [f"      {_guess(said, truth, full=not same)}" for said in ordered]
        why = same or "no model knows this device"
        return [f"    {role.decision}: {why}; what each would guess", *guesses]
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

"""What no rule may do, and what is allowed and probably not meant. Pure.

New is not bad: a rule that isolates in earnest has to ask for more than that a device is new, and
never acts where too little was seen (docs/policy.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from plugin.actions import ISOLATING, KINDS
from plugin.policy.conditions import asks_of_captures
from plugin.policy.rules import Devices, Match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from plugin.actions import Action
    from plugin.policy.rules import Rule

Evidence = Literal["none", "novelty", "enough"]
UNDETERMINED = "undetermined"
SUSPICION = "suspicion"
LADDER_MAX = 8
_BAD = frozenset({"changed", "anomalous"})
_LEAST_CAPTURES = 2
_PAIRS_MAX = 400
"""Longer lists are not compared but whole: a warning less, and no file takes minutes."""
T = TypeVar("T")


def isolates(rule: Rule) -> bool:
    """Whether any step of a rule takes something from a device."""
    return any(step.action.kind in ISOLATING for step in rule.steps)


def evidence(asked: Match) -> Evidence:
    """What a rule's conditions prove about a device: all hold, so the best of them counts.

    Of several alternatives in one condition (``anomalies: [novel, anomalous]``) the weakest counts.
    """
    found = {_role(asked), _anomaly(asked), *_scores(asked)}
    if asked.behaviours:
        found.add("enough")
    return "enough" if "enough" in found else "novelty" if "novelty" in found else "none"


def _role(asked: Match) -> Evidence:
    decisions = set(asked.decisions or (("known",) if asked.roles else ()))
    if decisions == {"known"} and asked.roles:
        return "enough"
    if decisions == {"unknown"} or (asked.roles and decisions <= {"known", "unknown"}):
        return "novelty"
    return "none"


def _anomaly(asked: Match) -> Evidence:
    wanted = set(asked.anomalies)
    if not wanted or not wanted <= _BAD | {"novel"}:
        return "none"
    return "enough" if wanted <= _BAD else "novelty"


def _scores(asked: Match) -> Iterator[Evidence]:
    if asked.novelty is not None:
        yield "novelty"
    if asked.change is not None and asked.change >= 1.0:  # below its threshold: no change
        yield "enough"


def refusals(rule: Rule) -> Iterator[str]:
    """Say why a rule may not be enforced as it stands; nothing about simulated ones."""
    if rule.mode != "enforce":
        return
    asked = rule.match
    if UNDETERMINED in asked.decisions or UNDETERMINED in asked.anomalies:
        yield "asks for 'undetermined': too little was seen to act on; leave it in mode: simulate"
    if asked == Match():
        yield "asks for nothing and would apply to every device"
    elif isolates(rule):
        yield from _unproven(rule)


def _unproven(rule: Rule) -> Iterator[str]:
    found = evidence(rule.match)
    if found == "none":
        yield (
            "would isolate without evidence: ask for behaviours, roles, change or"
            " anomalies: [changed, anomalous] too, or leave it in mode: simulate"
        )
    if found == "novelty" and not rule.accept_novelty_alone:
        yield (
            "would isolate every new device: new is not bad; ask for more, leave it in"
            " mode: simulate, or add accept_novelty_alone: true"
        )
    yield from _soon(rule.match)


def _soon(asked: Match) -> Iterator[str]:
    """Whether it would act on one capture, without a deed that has a name."""
    windows = asked.windows
    once = windows is not None and windows.k < _LEAST_CAPTURES
    if SUSPICION in asked.behaviours and (windows is None or once):
        yield (
            f"would act on one capture with a {SUSPICION}, which is no named deed: add windows:"
            " {at_least: 2, of: 3}, or a rule of its own for it in mode: simulate"
        )
    if not asked.behaviours and once:
        yield "would act on one capture: windows.at_least has to be 2 at least"


def ladder(rule: Rule) -> Iterator[str]:
    """Say what is wrong with the steps of a rule."""
    if len(rule.steps) > LADDER_MAX:
        yield f"more than {LADDER_MAX} steps"
    if rule.escalate and rule.action.kind not in ISOLATING:
        yield f"begins with {rule.action}, which takes nothing: begin with one of limit ... block"
    for before, after in zip(rule.steps, rule.steps[1:], strict=False):
        if _milder(before.action, after.action):
            yield f"{after.action} is milder than {before.action}, the step before"
        elif before.action == after.action and after.duration < before.duration:
            yield f"{after.action} is shorter than the step before"


def _milder(before: Action, after: Action) -> bool:
    if before.kind == after.kind == "limit":
        return (after.rate or 0) > (before.rate or 0)
    return KINDS.index(after.kind) < KINDS.index(before.kind)


def hidden(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Find rules that never get a device, since an earlier one of the same mode takes them all.

    Returns:
        Pairs: the earlier one, the hidden one.
    """
    for number, rule in enumerate(rules):
        for earlier in rules[:number]:
            if earlier.mode == rule.mode and wider(earlier.match, rule.match):
                yield earlier, rule
                break


def wider(one: Match, other: Match) -> bool:
    """Whether a device that is as ``other`` asks is always as ``one`` asks too."""
    return (
        _lists(one, other)
        and _least(one, other)
        and _windows(one, other)
        and (one.randomised is None or one.randomised == other.randomised)
        and (not one.hours or one.hours == other.hours)
        and (one.within is None or _inside(one.within, other.within or Devices()))
    )


def _lists(one: Match, other: Match) -> bool:
    names = ("roles", "decisions", "anomalies", "behaviours", "sources", "os")
    return all(_covers(getattr(one, name), getattr(other, name)) for name in names)


def _covers(one: Sequence[object], other: Sequence[object]) -> bool:
    return not one or (bool(other) and set(other) <= set(one))


def _least(one: Match, other: Match) -> bool:
    names = (
        "min_confidence", "novelty", "change", "min_packets", "min_sessions", "min_captures",
    )  # fmt: skip
    pairs = ((getattr(one, name), getattr(other, name)) for name in names)
    return all(mine is None or (theirs is not None and theirs >= mine) for mine, theirs in pairs)


def _windows(one: Match, other: Match) -> bool:
    if not asks_of_captures(one):
        return True
    mine, theirs = one.windows, other.windows
    if mine is None or theirs is None:
        return mine == theirs
    return mine.n >= theirs.n and mine.k <= theirs.k


def _inside(one: Devices, other: Devices) -> bool:
    """Whether all of ``other`` is in ``one``, kind by kind."""
    names = ("ports", "switches", "vlans", "vendors", "tags")
    if not all(_covers(getattr(one, name), getattr(other, name)) for name in names):
        return False
    return _each(one.macs, other.macs, _same_maker) and _each(one.networks, other.networks, _part)


def _each(one: Sequence[T], other: Sequence[T], inside: Callable[[T, T], bool]) -> bool:
    """Whether each of ``other`` is inside something of ``one``, which names none or more."""
    if not one or not other or set(other) <= set(one):
        return not one or bool(other)
    if len(one) * len(other) > _PAIRS_MAX:
        return False
    return all(any(inside(part, whole) for whole in one) for part in other)


def _same_maker(part: str, whole: str) -> bool:
    return f"{part}:".startswith(f"{whole}:")


def _part(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    same = part.version == whole.version
    return same and part.subnet_of(whole)  # type: ignore[arg-type]  # of one version

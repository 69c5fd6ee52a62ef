"""Which rule applies to a device, and why. Pure.

Rules are tried in order. The first that matches and is enforced decides; the first that matches
and is only simulated is told beside it, so that a rule on trial never shadows one in force.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import printable
from plugin.policy.asks import given
from plugin.policy.look import OF_CAPTURES, WITHIN, Look, asked_by, kinds_of
from plugin.policy.members import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.policy.members import Membership
    from plugin.policy.rules import Devices, Match, Policy, Rule
    from plugin.policy.subject import Subject, Window


class Chosen(NamedTuple):
    """A rule that applies."""

    rule: Rule
    reasons: tuple[str, ...]
    """Why, in words for a help desk: one for each thing that the rule asks."""
    evidence: tuple[str, ...]
    """Ids of messages, names of captures."""


class Evaluation(NamedTuple):
    """What the policy says about a device now."""

    subject: Subject
    enforced: Chosen | None
    simulated: Chosen | None


def evaluate(policy: Policy, subject: Subject, now: float) -> Evaluation:
    """Find the rules that apply to a device.

    Args:
        policy: what the operator wrote.
        subject: the device.
        now: seconds since 1970-01-01 UTC; rules that ask for hours take them in local time.
    """
    look = Look(subject, policy.tags, now)
    found: dict[str, Chosen] = {}
    for ready in _compiled(_Same(policy)):
        rule = ready.rule
        if rule.mode not in found and _applies(ready, look):
            found[rule.mode] = chosen(rule, look)
    return Evaluation(subject, found.get("enforce"), found.get("simulate"))


def missing(rule: Rule, look: Look) -> str | None:
    """Say the first thing that is not as a rule asks; None: it applies."""
    for question in asked_by(rule):
        if not question.holds(rule, look):
            return printable(question.why_not(rule, look))
    return None


def chosen(rule: Rule, look: Look) -> Chosen:
    """Say why a rule applies that does."""
    reasons = tuple(printable(why) for one in asked_by(rule) for why in one.why(rule, look))
    return Chosen(rule, reasons, look.evidence(rule.match))


class _Same:
    """A policy that equals itself only: comparing two, or hashing one, would read all its rules."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.policy is other.policy

    def __hash__(self) -> int:
        return id(self.policy)


class _Ready(NamedTuple):
    """A rule, and only that of the table which it asks: most ask little."""

    rule: Rule
    of_captures: tuple[Callable[[Match, Window], bool], ...]
    kinds: tuple[Callable[[Membership, Devices], str | None], ...]
    """Of devices."""
    questions: tuple[Callable[[Rule, Look], bool], ...]
    """All others."""


_TAKEN_APART = (OF_CAPTURES, WITHIN)
"""Questions that are many."""


@lru_cache(maxsize=2)
def _compiled(same: _Same) -> tuple[_Ready, ...]:
    return tuple(
        _Ready(
            rule,
            tuple(ask.holds for ask in given(rule.match)),
            tuple(KINDS[kind] for kind in kinds_of(rule.match.within)),
            tuple(one.holds for one in asked_by(rule) if one not in _TAKEN_APART),
        )
        for rule in same.policy.rules
    )


def _applies(ready: _Ready, look: Look) -> bool:
    """Whether a rule applies: what :func:`missing` says, without a word."""
    if not _as_captured(ready, look):
        return False
    rule, within = ready.rule, ready.rule.match.within
    for holds in ready.questions:
        if not holds(rule, look):
            return False
    if within is not None:
        for found in ready.kinds:
            if found(look.member, within) is None:
                return False
    return True


def _as_captured(ready: _Ready, look: Look) -> bool:
    asked = ready.rule.match
    if asked.windows is None:
        return not ready.of_captures or _every(ready.of_captures, asked, look.present)
    left = asked.windows.k
    for window in look.subject.windows[: asked.windows.n]:
        if _every(ready.of_captures, asked, window):
            left -= 1
            if not left:
                return True
    return False


def _every(
    questions: tuple[Callable[[Match, Window], bool], ...], asked: Match, window: Window
) -> bool:
    for holds in questions:  # a generator would cost as much as the questions
        if not holds(asked, window):
            break
    else:
        return True
    return False

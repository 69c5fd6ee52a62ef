"""All that a rule asks of a device: one table, for deciding and for explaining. Pure."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from plugin.policy import hours
from plugin.policy.asks import failing, given, present, short
from plugin.policy.conditions import asks_of_captures
from plugin.policy.members import KINDS, Membership
from plugin.policy.rules import Devices, Match
from plugin.policy.safety import UNDETERMINED, isolates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from plugin.policy.rules import AtLeast, Rule
    from plugin.policy.subject import Seen, Subject, Window

_NOTHING = Match()
PERSONS = {
    "macs": "one of the rule's MAC addresses",
    "networks": "an address in one of the rule's networks",
    "ports": "one of the rule's ports",
    "switches": "one of the rule's switches",
    "vlans": "one of the rule's VLANs",
    "vendors": "one of the rule's vendors",
    "tags": "one of the rule's tags",
}


_OF_ROLE = frozenset({"roles", "decisions", "min_confidence"})


class Look:
    """One device at one moment, for many rules: what is dear is worked out once, if at all.

    Args:
        subject: the device.
        tags: the policy's.
        now: seconds since 1970-01-01 UTC.
    """

    def __init__(self, subject: Subject, tags: Mapping[str, Devices], now: float) -> None:
        self.subject = subject
        self.now = now
        self.member = Membership(subject, tags)

    @cached_property
    def minute(self) -> tuple[int, int]:
        """The day and the minute of the week, in local time."""
        return hours.minute_of_week(self.now)

    @cached_property
    def present(self) -> Window:
        """What is known of it now, as one capture."""
        return present(self.subject)

    def good(self, asked: Match) -> list[Window]:
        """Give the captures that are as a rule with ``windows`` asks, the last first."""
        number = asked.windows.n if asked.windows else 0
        return [w for w in self.subject.windows[:number] if failing(asked, w) is None]

    def seen(self, asked: Match) -> list[Seen]:
        """Give the behaviours that were found lately and that a rule asks for."""
        return [seen for seen in self.subject.behaviours if seen.name in asked.behaviours]

    def evidence(self, asked: Match) -> tuple[str, ...]:
        """Name the messages and captures on which a rule that applies rests."""
        if asked.windows is not None:
            found = [window.evidence or window.capture for window in self.good(asked)]
        else:
            found = [seen.evidence for seen in self.seen(asked)]
            found += self._capture(asked)
        return tuple(dict.fromkeys(filter(None, found)))

    def _capture(self, asked: Match) -> list[str]:
        """Name the captures that told what is known of the device now, as far as it is asked."""
        fields = {ask.field for ask in given(asked)}
        windows, role = self.subject.windows, self.subject.role
        found = list(windows[:1]) if fields - _OF_ROLE - {"behaviours"} else []
        if fields & _OF_ROLE and role is not None:
            said = (role.decision, role.label)
            found += [w for w in windows if (w.decision, w.label) == said][:1]
        return [window.evidence or window.capture for window in found]


class Question(NamedTuple):
    """One thing that a rule can ask of a device."""

    asked: Callable[[Rule], bool]
    """Whether a rule asks it."""
    holds: Callable[[Rule, Look], bool]
    why: Callable[[Rule, Look], Iterator[str]]
    """What there is, where it is asked and holds."""
    why_not: Callable[[Rule, Look], str]
    """What is not as it is asked, where it does not hold."""


def _nothing(_rule: Rule, _look: Look) -> Iterator[str]:
    yield from ()


def _may_isolate(_rule: Rule, look: Look) -> bool:
    return not look.subject.twice and look.subject.ignored is None


def _why_spared(_rule: Rule, look: Look) -> str:
    if look.subject.ignored is not None:
        return f"nothing is done about it, as somebody said: {short(look.subject.ignored)}"
    return (
        "it was heard on two ports in turn: somebody may pretend to be it, and an innocent device"
        " must not be cut off for that"
    )


def _captures(rule: Rule, look: Look) -> bool:
    asked = rule.match
    if asked.windows is None:
        return failing(asked, look.present) is None
    return len(look.good(asked)) >= asked.windows.k


def _why_captures(rule: Rule, look: Look) -> Iterator[str]:
    asked = rule.match
    if asked.windows is not None:
        good = look.good(asked)
        has = ", ".join(dict.fromkeys(ask.has(good[0]) for ask in given(asked)))
        yield f"{_count(asked.windows, look, len(good))}: in the last of them {has}"
        return
    for seen in look.seen(asked):
        said = "; ".join(seen.reasons) or f"score {seen.score:g}, threshold {seen.threshold:g}"
        yield f"it did {short(seen.name)}: {said}"
    others = (ask.has(look.present) for ask in given(asked) if ask.field != "behaviours")
    yield from dict.fromkeys(others)


def _why_not_captures(rule: Rule, look: Look) -> str:
    asked = rule.match
    if asked.windows is None:
        return _lack(asked, look.present)
    judged = look.subject.windows[: asked.windows.n]
    worst = next((w for w in judged if failing(asked, w) is not None), None)
    said = _count(asked.windows, look, len(look.good(asked)))
    return said if worst is None else f"{said}; in the last of the others: {_lack(asked, worst)}"


def _lack(asked: Match, window: Window) -> str:
    ask = failing(asked, window)
    return "" if ask is None else f"the rule asks for {ask.wants(asked)}; {ask.has(window)}"


def _count(windows: AtLeast, look: Look, good: int) -> str:
    judged = len(look.subject.windows[: windows.n])
    wanted = f"the rule asks for {windows.k} of {windows.n}"
    return f"{good} of its last {judged} judged captures are as the rule asks ({wanted})"


def _enough(rule: Rule, look: Look) -> bool:
    return look.subject.captures >= (rule.match.min_captures or 0)


def _within(rule: Rule, look: Look) -> bool:
    return _outside(rule.match.within or Devices(), look) is None


def _outside(within: Devices, look: Look) -> str | None:
    """Find the first kind by which a device is not one of those that a rule names."""
    return next(
        (kind for kind in kinds_of(within) if KINDS[kind](look.member, within) is None), None
    )


def kinds_of(within: Devices | None) -> Iterator[str]:
    """Give the kinds of a set of devices that a rule names: each must hold."""
    return (kind for kind in PERSONS if within is not None and getattr(within, kind))


def _why_within(rule: Rule, look: Look) -> Iterator[str]:
    within = rule.match.within or Devices()
    yield from (f"it has {KINDS[kind](look.member, within)}" for kind in kinds_of(within))


def _why_not_within(rule: Rule, look: Look) -> str:
    kind = _outside(rule.match.within or Devices(), look) or ""
    if kind in {"ports", "switches", "vlans"} and look.subject.place is None:
        return f"the rule asks for {PERSONS[kind]}; nobody has told where it is"
    return f"the rule asks for {PERSONS[kind]}; it has none of them"


def _has_os(wanted: tuple[str, ...], os: str | None) -> bool:
    return os is not None and os.casefold() in {one.casefold() for one in wanted}


def _random_words(*, randomised: bool) -> str:
    return "made up by the device" if randomised else "its manufacturer's"


def _says_too_little(rule: Rule) -> bool:
    """Whether a rule may not be enforced at all: the reader refuses it, but who made this one?"""
    asked = rule.match
    too_little = UNDETERMINED in asked.decisions or UNDETERMINED in asked.anomalies
    return rule.mode == "enforce" and (too_little or asked == _NOTHING)


def _one(text: str) -> Iterator[str]:
    yield text


OF_CAPTURES = Question(
    lambda rule: asks_of_captures(rule.match), _captures, _why_captures, _why_not_captures
)
"""The question that most devices fail."""
WITHIN = Question(lambda rule: rule.match.within is not None, _within, _why_within, _why_not_within)
QUESTIONS: tuple[Question, ...] = (
    Question(
        _says_too_little,
        lambda _rule, _look: False,
        _nothing,
        lambda _rule, _look: "the rule asks for too little to be enforced",
    ),
    Question(isolates, _may_isolate, _nothing, _why_spared),
    OF_CAPTURES,
    Question(
        lambda rule: rule.match.min_captures is not None,
        _enough,
        lambda _, look: _one(f"{look.subject.captures} of its captures were judged"),
        lambda rule, look: (
            f"the rule asks for {rule.match.min_captures} judged captures;"
            f" there are {look.subject.captures}"
        ),
    ),
    WITHIN,
    Question(
        lambda rule: bool(rule.match.hours),
        lambda rule, look: hours.holds(rule.match.hours, *look.minute),
        lambda rule, _: _one(f"it is {hours.words(rule.match.hours)}"),
        lambda rule, _: f"the rule is for {hours.words(rule.match.hours)} only",
    ),
    Question(
        lambda rule: bool(rule.match.sources),
        lambda rule, look: look.subject.source in rule.match.sources,
        lambda _, look: _one(f"{short(look.subject.source)} judged it"),
        lambda rule, look: (
            f"the rule asks for what {' or '.join(rule.match.sources)} judged;"
            f" {short(look.subject.source)} did"
        ),
    ),
    Question(
        lambda rule: bool(rule.match.os),
        lambda rule, look: _has_os(rule.match.os, look.subject.os),
        lambda _, look: _one(f"its operating system is {short(look.subject.os or '')}"),
        lambda rule, look: (
            f"the rule asks for the operating system {' or '.join(map(short, rule.match.os))};"
            + (f" it has {short(look.subject.os)}" if look.subject.os else " nobody has told its")
        ),
    ),
    Question(
        lambda rule: rule.match.randomised is not None,
        lambda rule, look: look.subject.randomised == rule.match.randomised,
        lambda _, look: _one(
            f"its MAC address is {_random_words(randomised=look.subject.randomised)}"
        ),
        lambda _, look: (
            "the rule asks for another kind of MAC address; this one is"
            f" {_random_words(randomised=look.subject.randomised)}"
        ),
    ),
)
"""In the order in which they are told."""


def asked_by(rule: Rule) -> Iterator[Question]:
    """Give what a rule asks."""
    return (question for question in QUESTIONS if question.asked(rule))

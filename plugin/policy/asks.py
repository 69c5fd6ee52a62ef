"""What a rule can ask of one judged capture, each with its words for a help desk. Pure.

What is known of a device at this moment is looked at as if it were a capture too
(:func:`present`), so that there is one table of questions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from plugin.policy.members import KNOWN
from plugin.policy.safety import UNDETERMINED
from plugin.policy.subject import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugin.policy.rules import Match
    from plugin.policy.subject import Subject

_ANOMALOUS = "anomalous"
NAME_MAX = 80
"""Letters of a foreign name that are shown."""


class Ask(NamedTuple):
    """One thing that a rule can ask of a capture."""

    field: str
    """Of :class:`plugin.policy.rules.Match`."""
    holds: Callable[[Match, Window], bool]
    wants: Callable[[Match], str]
    """What the rule asks, in words."""
    has: Callable[[Window], str]
    """What there is, in words."""


def short(text: str) -> str:
    """Cut a foreign text to what a line can show."""
    return text if len(text) <= NAME_MAX else text[: NAME_MAX - 1] + "…"


def present(subject: Subject) -> Window:
    """What is known of a device now, as one capture: its role, and behaviours that live on."""
    last = subject.windows[0] if subject.windows else _NOTHING
    role = subject.role
    return Window(
        last.capture,
        last.evidence,
        last.time,
        last.packets,
        last.sessions,
        role.decision if role else UNDETERMINED,
        role.label if role else "",
        role.confidence if role else 0.0,
        last.anomaly,
        last.novelty,
        last.change,
        tuple(seen.name for seen in subject.behaviours),
    )


_NOTHING = Window("", "", 0.0, 0, 0, UNDETERMINED, "", 0.0, UNDETERMINED, None, None, ())


def failing(asked: Match, window: Window) -> Ask | None:
    """Find the first thing that a capture is not as a rule asks; None: it is as asked."""
    return next((ask for ask in given(asked) if not ask.holds(asked, window)), None)


def given(asked: Match) -> Iterator[Ask]:
    """Give what a rule asks of a capture."""
    return (ask for ask in ASKS if getattr(asked, ask.field) not in _UNASKED)


_UNASKED: tuple[object, ...] = (None, ())


def _behaviours(asked: Match, window: Window) -> bool:
    return not set(window.behaviours).isdisjoint(asked.behaviours)


def _roles(asked: Match, window: Window) -> bool:
    if window.decision != KNOWN and not asked.decisions:
        return False
    return window.label.casefold() in _folded(asked.roles)


@lru_cache(maxsize=1024)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _anomalies(asked: Match, window: Window) -> bool:
    # A behaviour that was found just now makes it anomalous before its capture is judged.
    bad = bool(window.behaviours) and _ANOMALOUS in asked.anomalies
    return bad or window.anomaly in asked.anomalies


def _reaches(score: float | None, least: float | None) -> bool:
    return score is not None and least is not None and score >= least


def _names(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _role_words(window: Window) -> str:
    if window.decision == UNDETERMINED:
        return "too little was seen to tell its role"
    share = f"{window.confidence:.0%}"
    if window.decision == KNOWN:
        return f"its role is {short(window.label)}, {share} sure"
    return f"its role is not known (likeliest {short(window.label)}, {share})"


def _score_words(kind: str, score: float | None) -> str:
    if score is None:
        return f"nothing has measured its {kind}"
    return f"its {kind} is {score:.2f} (1 and more counts)"


def _behaviour_words(window: Window) -> str:
    if not window.behaviours:
        return "it did nothing that is known to be bad"
    return f"it did: {', '.join(map(short, window.behaviours))}"


ASKS: tuple[Ask, ...] = (
    Ask(
        "behaviours",
        _behaviours,
        lambda asked: f"the behaviour {_names(asked.behaviours)}",
        _behaviour_words,
    ),
    Ask(
        "decisions",
        lambda asked, window: window.decision in asked.decisions,
        lambda asked: f"a role that is {_names(asked.decisions)}",
        _role_words,
    ),
    Ask("roles", _roles, lambda asked: f"the role {_names(asked.roles)}", _role_words),
    Ask(
        "min_confidence",
        lambda asked, window: _reaches(window.confidence, asked.min_confidence),
        lambda asked: f"a role that is {asked.min_confidence or 0:.0%} sure",
        _role_words,
    ),
    Ask(
        "anomalies",
        _anomalies,
        lambda asked: f"traffic that is {_names(asked.anomalies)}",
        lambda window: f"its traffic is {window.anomaly}",
    ),
    Ask(
        "novelty",
        lambda asked, window: _reaches(window.novelty, asked.novelty),
        lambda asked: f"a novelty of {asked.novelty:g} or more",
        lambda window: _score_words("novelty", window.novelty),
    ),
    Ask(
        "change",
        lambda asked, window: _reaches(window.change, asked.change),
        lambda asked: f"a change of {asked.change:g} or more",
        lambda window: _score_words("change", window.change),
    ),
    Ask(
        "min_packets",
        lambda asked, window: window.packets >= (asked.min_packets or 0),
        lambda asked: f"{asked.min_packets} packets or more in a capture",
        lambda window: f"its last judged capture has {window.packets}",
    ),
    Ask(
        "min_sessions",
        lambda asked, window: window.sessions >= (asked.min_sessions or 0),
        lambda asked: f"{asked.min_sessions} sessions or more in a capture",
        lambda window: f"its last judged capture has {window.sessions}",
    ),
)
"""In the order in which a person would ask."""

"""What is told: decisions and alarms as notices, and which of them are worth one. Pure."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from plugin.broker.message import decision_message
from plugin.errors import printable
from plugin.policy.decision import decision_document, decision_words
from plugin.records import iso_time

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from plugin.policy.cases import Transition

REFUSED = "refused"
"""Not a state: a case that is over before anything was isolated, though it was to be."""
_REFUSED_FROM = frozenset({"pending", "isolating"})
_GRAVE = frozenset({"pending", "isolating", "isolated"})
_CASES_KEPT = 4_096
ERROR, WARNING, NOTICE = 3, 4, 5
"""Severities, as syslog has them (RFC 5424, table 2)."""


class Notice(NamedTuple):
    """One thing to tell. Its texts are printable, each in one line."""

    id: str
    """The same at each try."""
    time: float
    """Seconds since 1970-01-01 UTC."""
    kind: str
    """``decision`` or ``alarm``."""
    severity: int
    title: str
    text: str
    fields: Mapping[str, str]
    """The most important things by name, for a line that programs read."""
    document: Mapping[str, Any]


class ChannelError(Exception):
    """A channel could not deliver.

    Args:
        reason: in words.
        vain: it will never take these notices; else trying again may help.
        after: seconds that the receiver asks to wait.
    """

    def __init__(self, reason: str, *, vain: bool = False, after: float | None = None) -> None:
        super().__init__(printable(reason))
        self.vain, self.after = vain, after


class Channel(Protocol):
    """A way to tell. Used by one thread."""

    name: str
    at_once: int
    """Notices that are delivered together at most."""
    every: float
    """Seconds between two deliveries at least."""

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver all of them, or raise.

        Raises:
            ChannelError: it was not possible.
        """

    def close(self) -> None:
        """Let go of what is open."""


class Choice:
    """Which decisions are told: those that lead to a state that is asked for, each once.

    Args:
        states: states, and :data:`REFUSED`.
    """

    def __init__(self, states: Collection[str]) -> None:
        self._states = frozenset(states)
        self._told: OrderedDict[int, tuple[object, ...]] = OrderedDict()

    def wants(self, transition: Transition) -> bool:
        """Whether to tell of a step.

        Steps within a state count only if action or end are others than was told: what is proven
        again and again is no news.
        """
        case = transition.case
        if case.state not in self._states and not (
            REFUSED in self._states and is_refusal(transition)
        ):
            return False
        news = (case.state, str(case.action), case.until)
        if self._told.get(case.number) == news:
            return False
        self._told[case.number] = news
        self._told.move_to_end(case.number)
        if len(self._told) > _CASES_KEPT:
            self._told.popitem(last=False)
        return True


def is_refusal(transition: Transition) -> bool:
    """Whether nothing comes of it: not approved in time, denied, or it cannot be done."""
    return transition.case.state == "over" and transition.before in _REFUSED_FROM


def decision_notice(transition: Transition) -> Notice:
    """The notice of a decision; its id is that of the message at the broker."""
    case, document = transition.case, decision_document(transition)
    state = REFUSED if is_refusal(transition) else case.state
    fields = {
        "case": str(case.number),
        "state": state,
        "mac": case.mac,
        "addresses": ",".join(document["addresses"][:4]),
        "place": "" if case.place is None else f"{case.place.dp}:{case.place.port}",
        "vid": "" if case.place is None else str(case.place.vid),
        "action": document["action"],
        "rule": case.rule or "",
        "actor": case.actor,
        "until": document["until"] or "",
        "proof": case.proof,
    }
    return Notice(
        id=decision_message(document).message_id,
        time=case.changed,
        kind="decision",
        severity=WARNING if state in _GRAVE else NOTICE,
        title=printable(f"{case.mac}: {case.action} {state} (case {case.number})"),
        text=printable(decision_words(document)),
        fields={name: printable(value) for name, value in fields.items() if value},
        document=document,
    )


def alarm_notice(time: float, kind: str, mac: str | None, text: str) -> Notice:
    """The notice of an alarm."""
    document = {
        "schema": 1,
        "kind": "alarm",
        "time": iso_time(round(time * 1e6) * 1000),
        "alarm": kind,
        "mac": mac,
        "text": text,
    }
    about = {} if mac is None else {"mac": mac}
    key = f"alarm\0{kind}\0{mac}\0{time!r}\0{text}"
    return Notice(
        id=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        time=time,
        kind="alarm",
        severity=ERROR,
        title=printable(f"alarm {kind}" + (f" about {mac}" if mac is not None else "")),
        text=printable(text),
        fields={name: printable(value) for name, value in {"alarm": kind, **about}.items()},
        document=document,
    )

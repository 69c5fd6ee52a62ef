"""What is said over the control socket: one line of JSON each way. Pure.

A request names what is asked. It is answered by any number of documents and an end, or by a
problem; docs/control.md has examples. Whatever bytes come, nothing here raises but for documents
of our own that JSON cannot hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from plugin.control.asks import ASKS, NUMBER_MAX, Right

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.control.asks import Ask

VERSION = 1
LINE_MAX = 1 << 20
"""Bytes of a line, its end included."""
ID_MAX = NUMBER_MAX
_QUOTED = 60
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


OPERATOR = frozenset({Right.READ, Right.ACT})
"""The rights of root, of the daemon's own user, and of the members of ``control.group``."""


class Kind(StrEnum):
    """What a problem is about."""

    SYNTAX = "syntax"
    """The line is no request; the connection ends."""
    VERSION = "version"
    UNKNOWN = "unknown"
    """There is no such ask."""
    ARGUMENTS = "arguments"
    REFUSED = "refused"
    """Whoever asks may not."""
    BUSY = "busy"
    """Too many ask at once."""
    SLOW = "slow"
    """The watcher did not keep up; it may ask again."""
    DENIED = "denied"
    """What is ordered will not be done, and why."""
    FAILED = "failed"
    """What was asked for could not be told or done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    ask: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: int = 1
    """Chosen by whoever asks; replies carry it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One document of the answer."""

    id: int
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """There is no more to the answer."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why there is no answer, or no more of it."""

    id: int | None
    """None: the request had none that could be read."""
    kind: Kind
    reason: str
    advice: str | None = None


Reply = Answer | End | Problem


class UntoldError(ValueError):
    """What was to be said is longer than a line may be, or no JSON."""


def parse_request(line: bytes) -> Request | Problem:
    """Read a request; whatever is wrong with it is told."""
    try:
        found = _object(line)
    except ValueError as error:
        return Problem(id=None, kind=Kind.SYNTAX, reason=f"no request: {error}")
    number = _id(found)
    if number is None:
        return Problem(
            id=None, kind=Kind.SYNTAX, reason=f"no request: id is no number from 0 to {ID_MAX}"
        )
    if found.get("halia") != VERSION or isinstance(found.get("halia"), bool):
        return Problem(
            id=number,
            kind=Kind.VERSION,
            reason=f"this daemon speaks version {VERSION}, not {_shown(found.get('halia'))}",
            advice="use the halia that was installed with it",
        )
    ask, arguments = found.get("ask"), found.get("arguments", {})
    if not isinstance(ask, str) or ask not in ASKS:
        known = ", ".join(ASKS)
        return Problem(
            id=number, kind=Kind.UNKNOWN, reason=f"no such ask: {_shown(ask)}; known: {known}"
        )
    wrong = _wrong_arguments(ASKS[ask], arguments)
    if wrong is not None:
        return Problem(id=number, kind=Kind.ARGUMENTS, reason=f"{ask}: {wrong}")
    return Request(id=number, ask=ask, arguments=arguments)


def request_line(request: Request) -> bytes:
    """A request as a line.

    Raises:
        UntoldError: it is longer than a line may be, or no JSON.
    """
    return _line(
        {"id": request.id, "ask": request.ask, "arguments": dict(request.arguments)},
    )


def parse_reply(line: bytes) -> Reply:
    """Read a reply.

    Raises:
        ValueError: it is none.
    """
    found = _object(line)
    number = _id(found)
    if found.get("halia") != VERSION:
        raise ValueError(f"version {_shown(found.get('halia'))}, not {VERSION}")
    problem, document = found.get("problem"), found.get("answer")
    if isinstance(problem, dict):
        advice = problem.get("advice")
        return Problem(
            id=number,
            kind=Kind(str(problem.get("kind"))),
            reason=str(problem.get("reason")),
            advice=None if advice is None else str(advice),
        )
    if number is not None and found.get("end") is True:
        return End(id=number)
    if number is not None and isinstance(document, dict):
        return Answer(id=number, document=document)
    raise ValueError("neither an answer, an end nor a problem")


def reply_line(reply: Reply) -> bytes:
    """A reply as a line.

    Raises:
        UntoldError: it is longer than a line may be, or no JSON.
    """
    if isinstance(reply, Answer):
        return _line({"id": reply.id, "answer": reply.document})
    if isinstance(reply, End):
        return _line({"id": reply.id, "end": True})
    said = {"kind": reply.kind.value, "reason": reply.reason, "advice": reply.advice}
    return _line({"id": reply.id, "problem": said})


def rights(uid: int, gids: frozenset[int], *, own: int, group: int | None) -> frozenset[Right]:
    """Tell what somebody may ask for.

    Args:
        uid: who asks.
        gids: all groups of the process that asks.
        own: the daemon's uid.
        group: gid of ``control.group``, if that is set.
    """
    if uid in {0, own} or (group is not None and group in gids):
        return OPERATOR
    return frozenset()


def _line(document: Mapping[str, Any]) -> bytes:
    try:
        line = _encode({"halia": VERSION, **document}).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise UntoldError(f"no JSON: {error}") from error
    if len(line) > LINE_MAX:
        raise UntoldError(f"longer than {LINE_MAX} bytes")
    return line


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_MAX:
        raise ValueError(f"longer than {LINE_MAX} bytes")
    try:
        found = json.loads(line.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError("no UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg}") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  # the bytes are wrong, not a call
    return found


def _id(found: Mapping[str, Any]) -> int | None:
    number = found.get("id")
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= ID_MAX:
        return number
    return None


def _wrong_arguments(ask: Ask, arguments: object) -> str | None:
    if not isinstance(arguments, dict):
        return "arguments are no JSON object"
    for name in arguments:
        if name not in ask.arguments:
            return f"no such argument: {_shown(name)}"
    for name, argument in ask.arguments.items():
        if name not in arguments:
            if argument.needed:
                return f"{name} is missing"
        elif not argument.takes(arguments[name]):
            return f"{name} is no {argument.words}"
    return None


def _shown(found: object) -> str:
    """Foreign text, short."""
    text = ascii(found)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."

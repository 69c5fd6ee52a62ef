"""Logs on standard error: a line of text or of JSON for each record, fit for systemd's journal.

What is given as ``extra={"mac": …, "capture": …}`` becomes fields. Passwords do not get out, and
what is said again and again is said some times a minute and then counted.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from plugin.errors import printable
from plugin.records import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "halia"
"""Under which all loggers of ours stand: ``logging.getLogger("halia.metrics")``."""
KINDS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
MOST = 20
"""Records of one kind in a minute; the kind is ``extra={"kind": …}``, else the line of code."""
_SECONDS = 60.0
_KINDS_MOST = 1_000
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "kind"}
_SECRET = re.compile(r"(?i)passw|secret|token|credential|cookie")
_SAID = re.compile(r"(?i)((?:passw\w*|secret|token)[\"']?\s*[=:]\s*)[^\s,;]+")
_IN_URL = re.compile(r"(\w://[^\s/@:]*):[^\s/]*@")
_SYSLOG = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


def configure(kind: str, level: str, stream: TextIO | None = None) -> logging.Handler:
    """Set logging up, or anew after a reload; the handler of before goes.

    Other libraries' records come through from warnings on.

    Args:
        kind: ``text`` or ``json``.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        stream: Where to; standard error by default.
    """
    stream = sys.stderr if stream is None else stream
    line = _Json() if kind == "json" else _Text(stamped=not _is_journal(stream))
    handler = Limited(stream, priorities=_is_journal(stream))
    handler.setFormatter(line)
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, Limited)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, getattr(logging, level.upper())))
    logging.getLogger(NAME).setLevel(level.upper())
    return handler


class Limited(logging.StreamHandler[TextIO]):
    """Writes records, of each kind so many a minute; those left out are counted and told."""

    def __init__(self, stream: TextIO, *, most: int = MOST, priorities: bool = False) -> None:
        """Write to a stream, which stays open.

        Args:
            stream: Where to.
            most: Records of one kind in a minute.
            priorities: Begin each line with ``<N>``, as systemd's journal takes it.
        """
        super().__init__(stream)
        self._most = most
        self._priorities = priorities
        self._kinds: OrderedDict[object, _Minute] = OrderedDict()
        """The one that began first stands first."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it. The time is the record's own."""
        self._tell_left_out(record.created)
        kind = getattr(record, "kind", None) or (record.pathname, record.lineno)
        minute = self._kinds.get(kind)
        if minute is None:
            if len(self._kinds) == _KINDS_MOST:
                self._tell(self._kinds.popitem(last=False)[1])
            minute = self._kinds[kind] = _Minute(record, record.created)
        minute.count += 1
        minute.last = record.created
        if minute.count <= self._most:
            self._write(record)

    def close(self) -> None:
        """Tell what was left out; the stream stays open."""
        self.acquire()
        try:
            while self._kinds:
                self._tell(self._kinds.popitem(last=False)[1])
        finally:
            self.release()
        super().close()

    def _tell_left_out(self, now: float) -> None:
        while self._kinds:
            kind, minute = next(iter(self._kinds.items()))
            if 0 <= now - minute.first.created < _SECONDS:
                break
            del self._kinds[kind]
            self._tell(minute)

    def _tell(self, minute: _Minute) -> None:
        more = minute.count - self._most
        if more > 0:
            first = minute.first
            changed = {"msg": "%s (and %d more)", "args": (first.getMessage(), more)}
            plain = {"exc_info": None, "exc_text": None, "stack_info": None}
            last = {"created": minute.last}
            self._write(logging.makeLogRecord(vars(first) | changed | plain | last))

    def _write(self, record: logging.LogRecord) -> None:
        try:
            lines = self.format(record).split("\n")
            if self._priorities:
                lines = [f"<{_SYSLOG.get(record.levelname, 6)}>{line}" for line in lines]
            self.stream.write("".join(f"{line}\n" for line in lines))
            self.flush()
        except (OSError, ValueError, TypeError, KeyError):  # nobody reads it, or it is our mistake
            self.handleError(record)


@dataclass(slots=True)
class _Minute:
    """Records of one kind, from the first of them on."""

    first: logging.LogRecord
    last: float
    count: int = 0


class _Text(logging.Formatter):
    """``TIME LEVEL LOGGER: MESSAGE KEY=VALUE …``; a traceback follows, indented."""

    def __init__(self, *, stamped: bool) -> None:
        super().__init__()
        self._stamped = stamped
        """With time and level, which systemd's journal has of itself."""

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line, and its traceback."""
        fields = [f"{key}={printable(str(value))}" for key, value in _fields(record)]
        words = [f"{record.name}:", printable(_clean(record.getMessage())), *fields]
        if self._stamped:
            words = [_time(record), record.levelname.lower(), *words]
        lines = [f"    {printable(line)}" for line in _traceback(self, record).splitlines()]
        return "\n".join([" ".join(words), *lines])


class _Json(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line."""
        document: dict[str, Any] = dict(_fields(record))
        document |= {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _clean(record.getMessage()),
        }
        traceback = _traceback(self, record)
        if traceback:
            document["traceback"] = traceback
        return json.dumps(document)


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    for key, value in vars(record).items():
        if key in _OWN:
            continue
        plain = value is None or isinstance(value, bool | int)
        if isinstance(value, float):
            plain = math.isfinite(value)
        yield key, "***" if _SECRET.search(key) else value if plain else _clean(str(value))


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return _clean(formatter.formatException(record.exc_info)) if record.exc_info else ""


def _clean(text: str) -> str:
    """A text without the passwords that it may hold."""
    return _SAID.sub(r"\1***", _IN_URL.sub(r"\1:***@", text))


def _time(record: logging.LogRecord) -> str:
    return str(iso_time(round(record.created * 1000) * 1_000_000))


def _is_journal(stream: TextIO) -> bool:
    """Whether a stream leads to systemd's journal (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"

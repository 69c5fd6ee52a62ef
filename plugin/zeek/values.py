"""Values of Zeek's logs: what a cell holds, by the type that its column has.

========================== =======================================================
Zeek's type                ours
========================== =======================================================
time                       int, nanoseconds since 1970 UTC
interval                   float, seconds
count, int, port           int
double                     float
bool                       bool
set[…], vector[…], table[…] tuple of the values
addr, string, enum, …      str, escapes undone
========================== =======================================================
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.settings.units import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN = {
    "ts": "time",
    "duration": "interval",
    "id.orig_p": "port",
    "id.resp_p": "port",
}
"""Types of fields in logs that do not tell: JSON, and text without ``#types``."""

_ESCAPED = re.compile(r"\\\\|(?:\\x[0-9a-fA-F]{2})+")
_CONTAINER = re.compile(r"(?:set|vector|table|list)\[(\w+)\]")
_BOOLS = {"T": True, "F": False, "true": True, "false": False}
_PORT_MAX = 65_535
_SECONDS_MAX = 4_000_000_000
"""Times end in 2096: within 64 bits of nanoseconds, and within what datetime knows."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NANO = 10**9
_DIGITS = 9


class Marks(NamedTuple):
    """What a log writes for what is not there, and between several."""

    unset: str = "-"
    empty: str = "(empty)"
    between: str = ","


def unescape(text: str) -> str:
    r"""Undo Zeek's escapes: ``\x09`` is a byte, ``\\`` a backslash; bytes in a row are UTF-8."""
    return _ESCAPED.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    found = match.group()
    if found == "\\\\":
        return "\\"
    return bytes.fromhex(found.replace("\\x", "")).decode("utf-8", "backslashreplace")


def converter(kind: str, marks: Marks) -> Callable[[str], Any]:
    """What makes values of a column's cells, None of unset ones.

    Args:
        kind: Zeek's type; what is not known is text; empty: cells stay as they are written.
        marks: of this log.

    Returns:
        A function that raises ValueError for a cell that is not of the type.
    """
    unset, empty = marks.unset, marks.empty
    if not kind:
        return lambda cell: None if cell == unset else "" if cell == empty else cell
    container = _CONTAINER.fullmatch(kind)
    if container is None:
        one = _ONE.get(kind)
        if one is None:
            return lambda cell: None if cell == unset else "" if cell == empty else unescape(cell)
        return lambda cell: None if cell == unset else one(cell)
    each, between = converter(container[1], marks), marks.between

    def several(cell: str) -> tuple[Any, ...] | None:
        if cell == unset:
            return None
        return () if cell in {empty, ""} else tuple(each(part) for part in cell.split(between))

    return several


def json_value(kind: str, value: object) -> Any:
    """A value of a JSON log as the type of its field has it; null is None.

    Raises:
        ValueError: it is not of the type.
    """
    if value is None:
        return None
    if kind == "time" and isinstance(value, str) and not value[:1].isspace():
        try:
            return time_ns(value)
        except ValueError:
            return _iso_ns(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{quoted(str(value))} is no number")  # noqa: TRY004 - it is the file's
    # repr is the shortest text that gives the number again: the digits that stood in the file.
    return _ONE[kind](repr(value))


def time_ns(text: str) -> int:
    """Seconds since 1970, as decimal text, in whole nanoseconds, exactly.

    Raises:
        ValueError: it is none, or not between 1970 and 2096.
    """
    # Nearly all are like this; Decimal takes three times as long.
    whole, point, part = text.partition(".")
    plain = point and len(part) <= _DIGITS and len(whole) <= _DIGITS + 1
    if plain and whole.isdecimal() and part.isdecimal():
        number = int(whole) * _NANO + int(part.ljust(_DIGITS, "0"))
    else:
        try:
            value = Decimal(text)
            number = int(value * _NANO) if 0 <= value <= _SECONDS_MAX else -1
        except ArithmeticError:
            raise ValueError(f"{quoted(text)} is no time") from None
    if not 0 <= number <= _SECONDS_MAX * _NANO:
        raise ValueError(f"{quoted(text)} is no time between 1970 and 2096")
    return number


def _iso_ns(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no time") from None
    if moment.tzinfo is None:  # Zeek's are UTC
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * 1_000


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{quoted(text)} is no finite number")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no whole number") from None


def _port(text: str) -> int:
    number = _whole(text)
    if not 0 <= number <= _PORT_MAX:
        raise ValueError(f"{number} is no port")
    return number


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError(f"{quoted(text)} is not T or F")
    return _BOOLS[text]


_ONE: dict[str, Callable[[str], Any]] = {
    "time": time_ns,
    "interval": _number,
    "double": _number,
    "count": _whole,
    "int": _whole,
    "port": _port,
    "bool": _bool,
}

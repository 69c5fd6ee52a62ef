"""Times, sizes and rates as people write them: ``15m``, ``100M``, ``800M`` bits a second."""

from __future__ import annotations

LONGEST = 1e9
"""Seconds of a time span: thirty years."""
NUMBER_MAX = 2**63 - 1
DIGITS_MAX = 18
"""Of a number before its unit; Python itself refuses to read very long ones."""
QUOTED_MAX = 60
_UNIT_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_UNIT_BITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def quoted(text: str) -> str:
    """Give a wrong text for a message: in quotes, and not longer than a line."""
    return repr(text if len(text) <= QUOTED_MAX else text[: QUOTED_MAX - 1] + "…")


def whole(text: str) -> int | None:
    """Read a whole number that is not negative, with or without ``_``; None: it is none."""
    digits = text.replace("_", "")
    good = digits.isascii() and digits.isdigit()
    # What is too long is cut, and still above NUMBER_MAX.
    return int(digits.lstrip("0")[: DIGITS_MAX + 2] or "0") if good else None


def span(text: str) -> float:
    """Read a time span such as ``90``, ``90s``, ``15m``, ``2h`` or ``1d`` as seconds.

    Raises:
        ValueError: it is none, or longer than `LONGEST`.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNIT_SECONDS else (text, "s")
    if not (number.isascii() and number.replace(".", "", 1).isdigit()):
        raise ValueError(f"{quoted(text)} is no time span such as 90s, 15m, 2h, 1d")
    seconds = float(number) * _UNIT_SECONDS[unit]
    if seconds > LONGEST:
        raise ValueError(f"{quoted(text)} is longer than any capture")
    return seconds


def size(text: str) -> int:
    """Read a size such as ``4096``, ``64K``, ``100M`` or ``10G`` (1,024 each) as bytes.

    Raises:
        ValueError: it is none.
    """
    return _scaled(text, _UNIT_BYTES, "size such as 4096, 64K, 100M, 10G")


def rate(text: str) -> int:
    """Read bits a second such as ``800M`` or ``10G`` (1,000 each).

    Raises:
        ValueError: it is none.
    """
    return _scaled(text, _UNIT_BITS, "number of bits a second such as 800M, 10G")


def _scaled(text: str, units: dict[str, int], what: str) -> int:
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if unit not in units or not (number.isascii() and number.isdigit()):
        raise ValueError(f"{quoted(text)} is no {what}")
    if len(number) > DIGITS_MAX or int(number) * units[unit] > NUMBER_MAX:
        raise ValueError(f"{quoted(text)} is too large")
    return int(number) * units[unit]


def span_text(seconds: float) -> str:
    """Write a time span as :func:`span` reads it, in the largest unit that leaves no rest."""
    for unit in reversed(_UNIT_SECONDS):
        if seconds and seconds % _UNIT_SECONDS[unit] == 0:
            return f"{seconds / _UNIT_SECONDS[unit]:.0f}{unit}"
    return f"{seconds}s" if seconds else "0"


def size_text(number: int) -> str:
    """Write a size as :func:`size` reads it."""
    return _unscaled(number, _UNIT_BYTES)


def rate_text(number: int) -> str:
    """Write bits a second as :func:`rate` reads it."""
    return _unscaled(number, _UNIT_BITS)


def _unscaled(number: int, units: dict[str, int]) -> str:
    unit = next(u for u in reversed(units) if number % units[u] == 0) if number else ""
    return f"{number // units[unit]}{unit}"

"""Which rows of arrays lie in windows with enough of their kind. Computes only.

Keys are 64-bit hashes of numbers that belong together: two that fall together look like one with
more rows, so that a condition that needs many is never missed, and now and then seen in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.matrix import distinct
from plugin.sessions.watch import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Keys = NDArray[np.uint64]

_ROOM, _LEAST_BITS = 1, 8
"""Of a table of hashes: bits beyond those that its rows need, and bits at least."""
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing


class Window(NamedTuple):
    """So many events within so long."""

    least: int
    time: NDArray[np.int64]
    """(n,) when, ns."""
    span: float
    """Seconds."""


def member(keys: Keys, some: Keys) -> Mask:
    """(n,) which of the keys are among some."""
    ordered = np.sort(some)
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: Mask = ordered[at] == keys
    return found


def among(numbers: NDArray[np.generic], some: Iterable[int]) -> Mask:
    """(n,) which are one of some small numbers (numpy's isin imports masked arrays: 7 ms)."""
    table = np.zeros(1 << 16, np.bool_)
    table[list(some)] = True
    found: Mask = table[numbers]
    return found


def frequent(key: Keys, least: float, amount: NDArray[np.generic] | None = None) -> Mask:
    """(n,) rows whose key has so many rows (or so much), or is thought to have: without sorting.

    Args:
        key: (n,) of the rows.
        least: rows, or what they add up to.
        amount: (n,) of each row; nothing: each counts as one.
    """
    places = max(len(key).bit_length() + _ROOM, _LEAST_BITS)
    place = (key >> np.uint64(64 - places)).astype(np.int64)
    found: Mask = (np.bincount(place, amount, 1 << places) >= least)[place]
    return found


def many(some: Mask, key: Keys, item: NDArray[np.generic], least: int) -> Mask:
    """(n,) which of ``some`` have a key with so many different items.

    Keys are hashes: two that fall together have more items, so nothing is missed.
    """
    found = np.zeros(len(some), np.bool_)
    at = _frequent_among(some, key, least)
    if len(at) < least:
        return found
    keys = distinct(key[at])
    enough = keys.counts[keys.number] >= least
    at, number = at[enough], keys.number[enough]
    if not len(at):
        return found
    pairs = distinct(key_of(number, item[at])).first
    different = np.bincount(number[pairs], minlength=len(keys.counts))
    found[at] = different[number] >= least
    return found


def _frequent_among(some: Mask, key: Keys, least: int) -> NDArray[np.int64]:
    """Numbers of rows among ``some`` that have a chance to be many."""
    at = np.flatnonzero(some)
    return at if len(at) < least else at[frequent(key[at], least)]


def crowded(some: Mask, key: Keys, window: Window) -> Mask:
    """(n,) which of ``some`` lie in a window with enough of the same key."""
    found = np.zeros(len(some), np.bool_)
    least = window.least
    at = _frequent_among(some, key, least)
    if len(at) < least:
        return found
    at = at[np.lexsort((window.time[at], key[at]))]
    time, keys = window.time[at], key[at]
    last = slice(least - 1, None)
    first = slice(0, len(at) - least + 1)
    full = (keys[last] == keys[first]) & (time[last] - time[first] <= window.span * SECOND)
    begins = np.zeros(len(at) + 1, np.int64)
    begins[first] += full
    begins[least : least + len(full)] -= full
    found[at] = begins[:-1].cumsum() > 0
    return found


def key_of(*parts: NDArray[np.generic]) -> Keys:
    """(n,) a 64-bit hash of numbers that belong together."""
    found = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        found = (found ^ (found >> np.uint64(29)) ^ part.astype(np.uint64)) * _MIX
    return found


def sliding(
    keys: Keys, part: NDArray[np.int64], span: int, amounts: Iterable[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """What the rows of the same key add up to, in the window that ends with each row.

    Args:
        keys: (n,) of the rows, which are in order of time.
        part: (n,) number of the part of time in which each lies.
        span: parts of a window, the one that is under way included.
        amounts: (n,) each.

    Returns:
        (n,) sums of each amount, that of the row itself included.
    """
    number = distinct(keys).number.astype(np.int64)
    order = np.lexsort((part, number))
    since = part - (part.min() if len(part) else 0)
    far = int(since.max() if len(part) else 0) + span + 1
    place = (number * far + since)[order]
    first = np.searchsorted(place, np.maximum(place - span + 1, number[order] * far))
    found = []
    for amount in amounts:
        total = np.concatenate([[0], np.cumsum(amount[order])])
        sums = np.empty(len(amount), np.int64)
        sums[order] = total[1:] - total[first]
        found.append(sums)
    return found

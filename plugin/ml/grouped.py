"""Counting by groups on arrays: how many different items, in the largest group, of each row.

Every item belongs to a row (of a result) and to a group within it. Groups and items are told apart
by 64-bit hashes: two that fall together would be counted as one, which happens once in 10**13 pairs
of a million. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.matrix import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Floats = NDArray[np.float64]

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_SHIFT = np.uint64(29)
SECOND = 1_000_000_000


def key_of(*parts: NDArray[Any]) -> Keys:
    """(n,) a hash of numbers that belong together; (n, 16) addresses count as two."""
    found = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        columns = np.ascontiguousarray(part).view(np.uint64).T if part.ndim > 1 else (part,)
        for column in columns:
            found = (found ^ (found >> _SHIFT) ^ column.astype(np.uint64)) * _MIX
    return found ^ (found >> _SHIFT)


def different(row: Index, item: Keys, n_rows: int) -> Floats:
    """(n_rows,) different items of each row.

    Args:
        row: (n,) the row of each item.
        item: (n,) what it is.
        n_rows: rows of the result.
    """
    first = distinct(key_of(row, item)).first
    return np.bincount(row[first], minlength=n_rows).astype(np.float64)


def most_different(row: Index, group: Keys, item: Keys, n_rows: int) -> Floats:
    """(n_rows,) different items in the group of each row that has most of them; 0 without any."""
    first = distinct(key_of(row, group, item)).first
    return most(row[first], group[first], n_rows)


def most(row: Index, group: Keys, n_rows: int, value: NDArray[Any] | None = None) -> Floats:
    """(n_rows,) size of the largest group of each row, or largest sum of values; 0 without any."""
    groups = distinct(key_of(row, group))
    sums = groups.counts if value is None else np.bincount(groups.number, value)
    return highest(row[groups.first], sums, n_rows)


def highest(row: Index, value: NDArray[Any], n_rows: int) -> Floats:
    """(n_rows,) the highest value of each row; 0 without any, or if none is above 0."""
    found = np.zeros(n_rows)
    np.maximum.at(found, row, value)
    return found


def member(keys: Keys, some: Keys) -> NDArray[np.bool_]:
    """(n,) which of the keys are among some."""
    if not len(some):
        return np.zeros(len(keys), np.bool_)
    ordered = np.sort(some)
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[at] == keys
    return found


class Beat(NamedTuple):
    """What counts as a rhythm."""

    least: int
    """Gaps that there must be."""
    slack: float
    """A gap agrees when it deviates from the median by at most this share of it."""
    lasting: float
    """Seconds from the first event to the last that there must be."""


def regular(row: Index, group: Keys, time: Index, n_rows: int, beat: Beat) -> Floats:
    """(n_rows,) gaps of one length between the events of a group, as many as agree.

    Counted are the gaps that agree in the group with most, above half of its gaps (so that gaps
    without any order count near 0).

    Args:
        row: (n,) the row of each event.
        group: (n,) its group.
        time: (n,) when, ns.
        n_rows: rows of the result.
        beat: what a rhythm is.
    """
    key = key_of(row, group)
    order = np.lexsort((time, key))
    within = key[order][1:] == key[order][:-1]
    gap = np.diff(time[order])[within]
    at = order[1:][within]
    found = np.zeros(n_rows)
    if not len(gap):
        return found
    groups = distinct(key[at])
    number = groups.number
    ranked = np.lexsort((gap, number))
    begins = np.concatenate([[0], np.cumsum(groups.counts)[:-1]])
    median = gap[ranked][begins + groups.counts // 2]
    agrees = np.abs(gap - median[number]) <= beat.slack * median[number]
    excess = 2 * np.bincount(number, agrees) - groups.counts
    lasted = np.bincount(number, gap) >= beat.lasting * SECOND
    excess[(groups.counts < beat.least) | (median <= 0) | ~lasted] = 0
    np.maximum.at(found, row[at[groups.first]], excess)
    return found

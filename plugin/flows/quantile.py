"""Quantiles of more numbers than fit in memory: exactly those that numpy gives. Computes only.

Numbers that are not negative stand in the order of their bits, read as whole numbers. So one of
them is found by its place among all, 16 bits at a time: count how many have each value of the
highest bits, keep those where it must be, go on with the next bits. Four passes over the numbers,
65,536 counters. (Radix selection: Knuth, The Art of Computer Programming, vol. 3, section 5.2.2,
exercise on exchange by radix.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

Blocks: TypeAlias = "Callable[[], Iterable[NDArray[Any]]]"
"""Gives all numbers, a block at a time, as often as it is called."""

_DIGIT_BITS, _WORD_BITS = 16, 64


def quantile(blocks: Blocks, q: float) -> float:
    """What ``numpy.quantile`` gives for all numbers together.

    Args:
        blocks: float64 or int64, none of them negative or NaN.
        q: from 0 to 1.

    Raises:
        ValueError: there are no numbers.
    """
    n = sum(len(block) for block in blocks())
    if not n:
        raise ValueError("no numbers have no quantile")
    place = (n - 1) * q
    first = int(np.floor(place))
    ends = [_nth(blocks, min(k, n - 1)) for k in (first, first + 1)]
    return float(np.quantile(np.array(ends), place - first))


def _nth(blocks: Blocks, k: int) -> Any:
    """The number at a place in rising order, counted from 0."""
    found, kind = 0, np.dtype(np.float64)
    for shift in range(_WORD_BITS - _DIGIT_BITS, -1, -_DIGIT_BITS):
        counts = np.zeros(1 << _DIGIT_BITS, np.int64)
        for block in blocks():
            kind = block.dtype
            digits = np.ascontiguousarray(block).view(np.uint64) >> np.uint64(shift)
            inside = digits >> np.uint64(_DIGIT_BITS) == found
            low = digits[inside] & np.uint64((1 << _DIGIT_BITS) - 1)
            counts += np.bincount(low.astype(np.int64), minlength=1 << _DIGIT_BITS)
        upto = np.cumsum(counts)
        digit = int(np.searchsorted(upto, k, "right"))
        k -= int(upto[digit] - counts[digit])
        found = found << _DIGIT_BITS | digit
    return np.array([found], np.uint64).view(kind)[0]

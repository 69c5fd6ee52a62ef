"""The exact interval of a proportion (Clopper and Pearson 1934): where a bootstrap has no width.

Of 12 right answers out of 12 every bootstrap sample is all right too, and its interval is 1 to 1:
it says nothing of what twelve cannot show. Computes only, without scipy.
"""

from __future__ import annotations

import math

_STEPS = 60  # of a bisection: more than a float holds


def exact(right: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a proportion.

    Clopper and Pearson, Biometrika 26 (1934): the shares of which ``right`` or more, and ``right``
    or fewer, out of ``n`` come up with probability (1 - level) / 2. For 0 and all of n that is
    solved by a root: n of n gives from ((1 - level) / 2) ** (1 / n) to 1.

    Args:
        right: how many, 0 to n.
        n: out of how many, at least 1.
        level: what the interval is to cover.

    Returns:
        Low and high.
    """
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else _least(right, n, tail)
    high = 1.0 if right == n else 1 - _least(n - right, n, tail)
    return low, high


def _least(right: int, n: int, tail: float) -> float:
    """The share of which ``right`` or more of ``n`` come up with probability ``tail``."""
    if right == n:
        return float(tail ** (1 / n))
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        few = sum(math.comb(n, k) * middle**k * (1 - middle) ** (n - k) for k in range(right))
        low, high = (middle, high) if 1 - few < tail else (low, middle)
    return low


def of_groups(share: float, groups: int) -> tuple[float, float]:
    """The interval of a share that came out the same in every group.

    Args:
        share: 0 to 1; what is no whole number of groups is rounded outwards.
        groups: what was drawn together; each counts once, however many captures it has.
    """
    count = share * groups
    below = math.floor(count + _ROUNDING)
    above = math.ceil(count - _ROUNDING)
    return exact(below, groups)[0], exact(above, groups)[1]


_ROUNDING = 1e-9

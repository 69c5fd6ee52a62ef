"""Which point of a grid is taken: the smallest within one standard error of the best.

Breiman, Friedman, Olshen, Stone, Classification and Regression Trees (1984), section 3.4.3:
what lies within one standard error of the best is not worse as far as the folds can tell, and
the smallest of those is least fitted to them. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Score(NamedTuple):
    """How a point of the grid did on validation captures."""

    recall: float
    """Macro recall: rare classes count as much as common ones."""
    error: float
    """Its standard error."""
    loss: float
    """Log loss, nats."""
    size: float
    """Numbers that its model rests on, mean over the folds."""


def macro_recall(right: NDArray[np.bool_], y: NDArray[np.int64]) -> tuple[float, float]:
    """Mean over classes of the share of right answers, and its standard error.

    The error is that of a mean of C independent shares r_c of n_c draws each:
    sqrt(sum_c r_c (1 - r_c) / n_c) / C. Captures of one device are not independent, so it is
    rather too small than too large.

    Args:
        right: (n,) whether each answer is right.
        y: (n,) true class numbers.
    """
    counts = np.bincount(y)
    present = counts > 0
    of_class = np.bincount(y, right)[present] / counts[present]
    spread = (of_class * (1 - of_class) / counts[present]).sum()
    return float(of_class.mean()), float(np.sqrt(spread) / present.sum())


def smallest_within(scores: Sequence[Score]) -> int:
    """The place of the score to take.

    The best has the largest recall, among equals the least loss. Among all that come within its
    standard error, the smallest; among equally small ones the better.
    """
    best = max(scores, key=lambda s: (s.recall, -s.loss))
    near = [k for k, s in enumerate(scores) if s.recall >= best.recall - best.error]
    return min(near, key=lambda k: (scores[k].size, -scores[k].recall, scores[k].loss))

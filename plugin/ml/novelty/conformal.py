"""Thresholds and p-values that hold for any score: split conformal prediction.

Scores of *calibration* rows, which had no part in fitting the detector, say how large the score
of one more row of the same kind is. If the n calibration rows and the new one are exchangeable
(any order of them equally likely), the new row's score is above the k-th smallest of theirs,
``k = ceil((n + 1)(1 - alpha))``, with probability at most alpha: a false alarm rate that holds for
n as it is, whatever the detector and the distribution. V. Vovk, A. Gammerman, G. Shafer,
*Algorithmic Learning in a Random World* (2005), chapter 2; H. Papadopoulos et al., "Inductive
Confidence Machines for Regression", ECML 2002. For each role by itself (its own calibration rows):
their Mondrian form.

The rate is a mean over calibration sets; given one of n rows it is spread as Beta(n + 1 - k, k)
(V. Vovk, "Conditional validity of inductive conformal predictors", ACML 2012), see :func:`spread`.
Windows of one device, or devices of one lab, are not exchangeable with those of another network:
there the promise ends, and only measurement tells. Computes only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
_SLACK = 1e-9
"""(n + 1)(1 - alpha) is a whole number in spite of rounding."""


def rank(n: int, alpha: float = ALPHA) -> int:
    """Which of n calibration scores, the smallest being 1, is the threshold; n + 1 = none is.

    Args:
        n: calibration scores.
        alpha: largest share of false alarms, between 0 and 1.

    Raises:
        ValueError: alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha = {alpha}, not between 0 and 1")
    return max(1, math.ceil((n + 1) * (1 - alpha) - _SLACK))


def needed(alpha: float = ALPHA) -> int:
    """The least number of calibration scores that have a threshold at all: 19 at 5 %.

    Args:
        alpha: largest share of false alarms, between 0 and 1.

    Raises:
        ValueError: alpha is not between 0 and 1.
    """
    rank(0, alpha)
    return math.ceil(1 / alpha - _SLACK) - 1


def threshold(calibration: ArrayLike, alpha: float = ALPHA) -> float:
    """The score above which a row is called new; infinite with too few calibration scores.

    Args:
        calibration: (n,) scores, larger = less usual.
        alpha: largest share of false alarms, between 0 and 1.

    Raises:
        ValueError: a score is no number, or alpha is not between 0 and 1.
    """
    known = _sorted(calibration)
    at = rank(len(known), alpha)
    return float(known[at - 1]) if at <= len(known) else math.inf


def p_values(calibration: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """(m,) share of rows at least as unusual, the row itself among them.

    ``(1 + number of calibration scores >= score) / (n + 1)``. A row of the same kind has a value of
    alpha or less with probability at most alpha; the least possible value is ``1 / (n + 1)``.

    Args:
        calibration: (n,) scores, larger = less usual.
        scores: (m,) scores of new rows.

    Raises:
        ValueError: a score is no number.
    """
    known, asked = _sorted(calibration), np.atleast_1d(np.asarray(scores, np.float64))
    if np.isnan(asked).any():
        raise ValueError("a score is no number")
    below = np.searchsorted(known, asked, side="left")
    return np.asarray((1.0 + len(known) - below) / (len(known) + 1.0))


def spread(n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Mean and standard deviation of the false alarm rate over calibration sets of n rows.

    Of Beta(n + 1 - k, k), where k is :func:`rank`, for scores without ties; (0, 0) with too few.

    Args:
        n: calibration scores.
        alpha: largest share of false alarms, between 0 and 1.

    Raises:
        ValueError: alpha is not between 0 and 1.
    """
    k = rank(n, alpha)
    above, whole = n + 1 - k, n + 1
    if above <= 0:
        return 0.0, 0.0
    return above / whole, math.sqrt(above * k / (whole**2 * (whole + 1)))


def _sorted(calibration: ArrayLike) -> NDArray[np.float64]:
    known = np.sort(np.asarray(calibration, np.float64), axis=None)
    if np.isnan(known).any():
        raise ValueError("a score is no number")
    return known

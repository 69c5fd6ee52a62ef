"""How well scores tell abnormal from normal: ROC and precision-recall curves. Computes only.

*ROC* (Fawcett 2006, "An introduction to ROC analysis"): the share of the abnormal rows that are at
or above a threshold against the share of the normal ones that are, for all thresholds. Its area
(AUC) is the chance that an abnormal row scores above a normal one, half of equal scores counted
(Hanley and McNeil 1982); 0.5 is chance, whatever the share of abnormal rows.

*Precision-recall* (Davis and Goadrich 2006, "The relationship between precision-recall and ROC
curves"): of the rows at or above a threshold the share that is abnormal. The average precision is
the mean of it over the steps of recall, without interpolation, as scikit-learn has it; chance is
the share of abnormal rows.

Rows of the same score are taken together: nobody could alarm on some of them only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from plugin.ml.evaluate import Interval

NORMAL, ABNORMAL, UNLABELLED = 0, 1, -1
"""What a label is."""
RESAMPLES = 300
"""Bootstrap samples."""


class Curve(NamedTuple):
    """What each threshold gives, from the highest on."""

    threshold: NDArray[np.float64]
    """(k,) distinct scores, falling."""
    found: NDArray[np.float64]
    """(k,) weight of the abnormal rows at or above it."""
    alarms: NDArray[np.float64]
    """(k,) weight of the normal rows at or above it."""

    @property
    def recall(self) -> NDArray[np.float64]:
        """(k,) share of the abnormal rows that are found; also called true positive rate."""
        return np.asarray(self.found / self.found[-1])

    @property
    def alarm_rate(self) -> NDArray[np.float64]:
        """(k,) share of the normal rows that are called abnormal; false positive rate."""
        return np.asarray(self.alarms / self.alarms[-1])

    @property
    def precision(self) -> NDArray[np.float64]:
        """(k,) share of the abnormal among the rows at or above the threshold."""
        with np.errstate(invalid="ignore"):  # nothing of any weight is above it yet
            return np.where(self.found > 0, self.found / (self.found + self.alarms), 0.0)

    @property
    def auc(self) -> float:
        """Area under the ROC curve, by trapezoids."""
        x = np.concatenate([[0.0], self.alarm_rate])
        y = np.concatenate([[0.0], self.recall])
        return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))

    @property
    def average_precision(self) -> float:
        """Precision, averaged over the steps of recall."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    @property
    def base_rate(self) -> float:
        """Share of abnormal rows: the average precision of chance."""
        return float(self.found[-1] / (self.found[-1] + self.alarms[-1]))


def curve(labels: ArrayLike, scores: ArrayLike) -> Curve | None:
    """Hold scores against labels.

    Args:
        labels: (n,) 1 = abnormal, 0 = normal, -1 = not known (left out).
        scores: (n,) higher = more abnormal.

    Returns:
        None if there is not at least one row of each kind.

    Raises:
        InputError: a score is no number.
    """
    label, score = np.asarray(labels), np.asarray(scores, np.float64)
    kept = label != UNLABELLED
    label, score = label[kept], score[kept]
    if np.isnan(score).any():
        raise InputError("a score is no number (NaN)")
    abnormal = label == ABNORMAL
    if not abnormal.any() or abnormal.all():
        return None
    return _weighted(*_sorted(abnormal, score), np.ones(len(score)))


def intervals(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[Interval, Interval] | None:
    """AUC and average precision, each with a percentile bootstrap over groups.

    Args:
        labels: (n,) as for :func:`curve`.
        scores: (n,) likewise.
        groups: (n,) numbers or names of what is drawn together: flows of one pair of machines are
            not independent of each other.
        seed: of the draws.
        resamples: how many.

    Returns:
        None where :func:`curve` gives none. Draws without a row of each kind are left out; with
        fewer than half of the draws left, the ends of the intervals are NaN.
    """
    from plugin.ml.evaluate import LEVEL, Interval  # a command that needs none starts sooner

    whole = curve(labels, scores)
    if whole is None:
        return None
    kept = np.asarray(labels) != UNLABELLED
    abnormal = np.asarray(labels)[kept] == ABNORMAL
    score = np.asarray(scores, np.float64)[kept]
    _, group = np.unique(np.asarray(groups)[kept], return_inverse=True)
    order = np.argsort(-score, kind="stable")
    abnormal, score, group = abnormal[order], score[order], group.reshape(-1)[order]
    n_groups, random = int(group.max()) + 1, np.random.default_rng(seed)
    figures = []
    for _ in range(resamples):
        times = np.bincount(random.integers(0, n_groups, n_groups), minlength=n_groups)
        drawn = _weighted(abnormal, score, times[group].astype(np.float64))
        if drawn.found[-1] and drawn.alarms[-1]:
            figures.append((drawn.auc, drawn.average_precision))
    ends = np.full((2, 2), np.nan)
    if len(figures) > resamples / 2:
        ends = np.quantile(figures, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return (
        Interval(whole.auc, float(ends[0, 0]), float(ends[1, 0])),
        Interval(whole.average_precision, float(ends[0, 1]), float(ends[1, 1])),
    )


def _sorted(
    abnormal: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    order = np.argsort(-score, kind="stable")
    return abnormal[order], score[order]


def _weighted(
    abnormal: NDArray[np.bool_], score: NDArray[np.float64], weight: NDArray[np.float64]
) -> Curve:
    """The curve of rows in falling order of their scores, each counted so many times."""
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    found, alarms = np.cumsum(weight * abnormal), np.cumsum(weight * ~abnormal)
    return Curve(score[last], found[last], alarms[last])

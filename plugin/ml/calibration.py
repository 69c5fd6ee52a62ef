"""What is learned on validation folds only: temperature, threshold of "known", least evidence.

Computes only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.role import calibrate, dispersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

TEMPERATURES = np.geomspace(0.4, 2.5, 61)
"""Tried for calibration; the bounds keep a handful of captures from going to extremes."""
THRESHOLDS = np.linspace(0.2, 0.99, 80)
"""Confidences tried as the threshold of "known"."""
ACCEPTED_RIGHT = 0.9
"""So large a share of the accepted answers on whole captures must be right."""
KNOWN_REJECTED = 0.05
"""So large a share of validation captures may be rejected as like none of the classes."""
TOLERANCE = 0.05
"""By how much accepted answers on a capture's first sessions may be worse."""
_FLOOR = 0.01
"""Least probability that counts in a loss: a forest's 0 must not outweigh all other captures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was learned on validation folds only."""

    temperature: float
    threshold: float
    rejection: float
    min_packets: int
    min_sessions: int


def soften(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities to the power 1/T, normalised again: temperature scaling as in prediction.

    Guo et al., On Calibration of Modern Neural Networks (ICML 2017), applied to the mean over
    a device's sessions, whose logarithm stands in for the logits.
    """
    return calibrate(probabilities, temperature)


def log_loss(probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood, in nats."""
    p = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(p, _FLOOR)).mean())


def fit_temperature(probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """The temperature of least log loss on validation predictions (a fixed, fine grid)."""
    losses = [log_loss(soften(probabilities, t), y) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


class Validated(NamedTuple):
    """Validation answers of samples, whole or cut to their first sessions."""

    top: NDArray[np.float64]
    """(n,) highest calibrated confidence; 0 where the device is rejected."""
    right: NDArray[np.bool_]
    """(n,) whether that class is the true one."""


def fit_rejection(confidences: NDArray[np.float64], temperature: float) -> float:
    """The dispersion beyond which a device is like none of the classes.

    The least that rejects no more than :data:`KNOWN_REJECTED` of the captures given.

    Args:
        confidences: (n, n_classes) calibrated, of validation captures of the classes.
        temperature: that they were calibrated with.
    """
    return limit_of(dispersion(confidences, temperature), KNOWN_REJECTED)


def limit_of(dispersions: NDArray[np.float64], rejected: float) -> float:
    """The least limit beyond which at most this share of (n > 0,) dispersions lies."""
    found = np.sort(dispersions)
    return float(min(found[-1 - int(rejected * len(found))], 1.0))


def fit_decision(
    whole: Validated, sessions: NDArray[np.int64], cut: Mapping[int, Validated]
) -> tuple[float, int]:
    """Choose when a role counts as known: from which confidence on, on how many sessions.

    Among all pairs for which :data:`ACCEPTED_RIGHT` of the accepted whole captures are right,
    and nearly as many (:data:`TOLERANCE`) of the answers accepted on any prefix that long or
    longer, the one that accepts most right answers. Where no pair does: the threshold that
    best separates right from wrong (Youden's J), on the longest prefix.

    Args:
        whole: answers on whole captures.
        sessions: (n,) sessions of each.
        cut: number of first sessions -> answers on captures cut to them.

    Returns:
        Threshold and least sessions.
    """
    best: tuple[int, int, float] | None = None
    for count in sorted(cut) or [1]:
        enough = sessions >= count
        for threshold in THRESHOLDS:
            accepted = (whole.top >= threshold) & enough
            gain = int((whole.right & accepted).sum())
            longer = [cut[k] for k in cut if k >= count]
            if (
                gain
                and _share_right(whole, accepted) >= ACCEPTED_RIGHT
                and all(
                    _share_right(v, (v.top >= threshold)) >= ACCEPTED_RIGHT - TOLERANCE
                    for v in longer
                )
            ):
                candidate = (gain, -count, float(threshold))
                best = candidate if best is None else max(best, candidate)
    if best is None:
        wrong = ~whole.right
        gains = [
            (whole.top[whole.right] >= t).mean() - (whole.top[wrong] >= t).mean()
            if whole.right.any() and wrong.any()
            else t
            for t in THRESHOLDS
        ]
        return float(THRESHOLDS[int(np.argmax(gains))]), max(cut, default=1)
    return best[2], -best[1]


def least_packets(packets: NDArray[np.int64], right: NDArray[np.bool_]) -> int:
    """The fewest packets with which any validation capture was right; fewer never sufficed."""
    return max(int(packets[right].min()), 1) if right.any() else int(packets.max(initial=1))


def _share_right(answers: Validated, accepted: NDArray[np.bool_]) -> float:
    return float(answers.right[accepted].mean()) if accepted.any() else 1.0

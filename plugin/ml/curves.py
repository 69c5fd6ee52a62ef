"""How far confidences can be believed: calibration, and accuracy against coverage. Computes only.

*Calibration* (a reliability diagram; Niculescu-Mizil and Caruana 2005, "Predicting good
probabilities with supervised learning"): of the answers given with about the same confidence, the
share that is right. Its error is the mean distance of the two, weighted by captures (the expected
calibration error of Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities
using Bayesian binning").

*Coverage* (El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification"):
of the surest answers, so many that they are a given share of all, the share that is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

BINS = 10


class Asked(NamedTuple):
    """What was said about one capture of a test."""

    name: str
    """The capture."""
    truth: str
    labels: tuple[str, ...]
    """The likeliest three, best first; empty: no answer."""
    confidences: tuple[float, ...]
    """One a label."""
    known: bool
    """Whether the role was called known."""
    of_truth: float = 0.0
    """The confidence of the true class."""
    rank: int = 0
    """The place of the true class in the ranking, from 1 on; 0: no answer."""

    @property
    def right(self) -> bool:
        """Whether the likeliest class is the true one."""
        return self.rank == 1

    @property
    def confidence(self) -> float:
        """Of the likeliest class; 0 of no answer."""
        return self.confidences[0] if self.confidences else 0.0


class Bin(NamedTuple):
    """Answers of about the same confidence."""

    low: float
    high: float
    captures: int
    confidence: float
    """Mean."""
    right: float
    """Share."""


class Point(NamedTuple):
    """The surest answers."""

    coverage: float
    """Their share of all."""
    right: float
    """Share of them that is right."""
    confidence: float
    """Of the least sure among them."""


def calibration(asked: Sequence[Asked], bins: int = BINS) -> tuple[Bin, ...]:
    """Answers by confidence, in bins of equal width; those without any are left out."""
    answered = [one for one in asked if one.labels]
    confidence = np.array([one.confidence for one in answered])
    right = np.array([one.right for one in answered], np.float64)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for number in range(bins):
        mine = place == number
        if mine.any():
            mean, share = float(confidence[mine].mean()), float(right[mine].mean())
            low, high = number / bins, (number + 1) / bins
            found.append(Bin(low, high, int(mine.sum()), mean, share))
    return tuple(found)


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and share of right answers, weighted by captures; 0 of none."""
    captures = sum(one.captures for one in bins)
    away = sum(one.captures * abs(one.confidence - one.right) for one in bins)
    return away / captures if captures else 0.0


def coverage(asked: Sequence[Asked]) -> tuple[Point, ...]:
    """The share of right answers among the surest ones, from few to all.

    Answers of the same confidence count together: nobody could take some of them only.
    """
    order = sorted(asked, key=lambda one: -one.confidence)
    found, right = [], 0
    for number, one in enumerate(order, 1):
        right += one.right
        if number == len(order) or order[number].confidence < one.confidence:
            found.append(Point(number / len(order), right / number, one.confidence))
    return tuple(found)


def mistakes(asked: Sequence[Asked]) -> tuple[tuple[Asked, tuple[str, ...]], ...]:
    """The wrong answers, the surest first, each with what is to be said of it."""
    pairs = [(one.truth, one.labels[0] if one.labels else "") for one in asked if not one.right]
    wrong = sorted((one for one in asked if not one.right), key=lambda one: -one.confidence)
    return tuple((one, tuple(_reasons(one, asked, pairs))) for one in wrong)


def _reasons(one: Asked, asked: Sequence[Asked], pairs: list[tuple[str, str]]) -> list[str]:
    """Why an answer may be wrong, as far as the test itself can tell."""
    told = []
    if not one.labels:
        told.append("there was nothing to predict from")
    elif one.rank == _SECOND:
        told.append(f"the truth is second, {one.confidence - one.of_truth:.2f} behind")
    else:
        told.append(f"the truth is number {one.rank} of the ranking, at {one.of_truth:.2f}")
    if one.labels:
        told.append("called known" if one.known else "not called known")
    same = sum(other.truth == one.truth for other in asked)
    pair = pairs.count((one.truth, one.labels[0] if one.labels else ""))
    if same == 1:
        told.append("the only tested capture of its class")
    elif pair > 1:
        told.append(f"{pair} of {same} captures of this class are taken for the same")
    return told


_SECOND = 2

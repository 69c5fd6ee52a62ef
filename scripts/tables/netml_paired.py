"""Paired differences of two methods over the same splits of the same rows. Computes only.

The splits draw their tests from the same few rows, so the differences are not independent and a
plain t interval is far too narrow. Taken is the corrected resampled one of C. Nadeau and Y. Bengio,
"Inference for the generalization error", Machine Learning 52, 2003: the variance of the mean is
(1/k + n_tested/n_learned) times the variance of the k differences. It tells what other splits of
*these* rows would give, nothing of other networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95


class Score(NamedTuple):
    """One method on one split."""

    auc: float
    precision: float
    """Average precision."""


class Paired(NamedTuple):
    """A mean difference, ours less theirs, with its interval."""

    theirs: float
    ours: float
    difference: float
    low: float
    high: float
    splits: int

    def __str__(self) -> str:
        """``+.031 [-.004, +.066]``; ``0`` where all splits are equal."""
        if self.difference == self.low == self.high == 0:
            return "0"
        return f"{signed(self.difference)} [{signed(self.low)}, {signed(self.high)}]"

    @property
    def word(self) -> str:
        """On which side of 0 the interval lies."""
        if self.difference == self.low == self.high == 0:
            return "equal"
        return "above" if self.low > 0 else "below" if self.high < 0 else "around"


class Trial(NamedTuple):
    """One algorithm on one kind of features."""

    feature: str
    fft: bool
    header: bool
    columns: int
    algorithm: str
    theirs: tuple[Score | None, ...]
    """A split each; None where it failed."""
    ours: tuple[Score | None, ...]
    their_errors: tuple[str, ...] = ()
    our_errors: tuple[str, ...] = ()

    @property
    def variant(self) -> str:
        """``IAT``, ``IAT fft header``."""
        marks = (" fft" if self.fft else "") + (" header" if self.header else "")
        return f"`{self.feature}`{marks}"

    @property
    def theirs_ran(self) -> bool:
        """Whether the other method ran on every split."""
        return bool(self.theirs) and None not in self.theirs


def paired(theirs: Sequence[float], ours: Sequence[float], tested: int, learned: int) -> Paired:
    """Compare two methods.

    Args:
        theirs: a figure a split, two splits or more.
        ours: of the same splits, in the same order.
        tested: rows tested in each split.
        learned: rows learned.
    """
    from scipy import stats

    away = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    k, mean = len(away), float(away.mean())
    spread = np.sqrt((1 / k + tested / learned) * float(away.var(ddof=1)))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, k - 1) * spread)
    return Paired(float(np.mean(theirs)), float(np.mean(ours)), mean, mean - reach, mean + reach, k)


def of_trial(trial: Trial, which: str, tested: int, learned: int) -> Paired | None:
    """The difference of a trial in ``auc`` or ``precision``, over the splits that both ran."""
    both = [
        (getattr(one, which), getattr(other, which))
        for one, other in zip(trial.theirs, trial.ours, strict=True)
        if one is not None and other is not None
    ]
    if len(both) < 2:  # noqa: PLR2004 - there is no variance of one
        return None
    theirs, ours = zip(*both, strict=True)
    return paired(theirs, ours, tested, learned)


def mean(scores: Sequence[Score | None], which: str) -> float | None:
    """The mean over the splits that ran; None if none did."""
    found = [getattr(one, which) for one in scores if one is not None]
    return float(np.mean(found)) if found else None


def short(value: float | None) -> str:
    """``.763``; a dash for nothing."""
    return "–" if value is None else f"{value:.3f}".removeprefix("0")


def signed(value: float) -> str:
    """``+.031``; ``.000`` has no sign."""
    text = f"{value:+.3f}".replace("0.", ".", 1)
    return text[1:] if text in {"+.000", "-.000"} else text

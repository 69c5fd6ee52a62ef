"""Figures with intervals from the matrices of :mod:`scripts.tables.anomaly_trials`.

Few sources and few families stand behind many captures, so the interval is a bootstrap that draws
whole sources (of attacks) and whole families (of harmless devices), 95 %, percentiles. Every mean
is told twice: *by case* (each capture counts the same, so the many small gadgets weigh most) and
*by family* (each family counts the same). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scripts.tables.anomaly_captures import Table
    from scripts.tables.anomaly_trials import Outcome

DRAWS = 2000
LEVEL = 0.95


class Figure(NamedTuple):
    """A mean and its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """``.76 [.70, .81]``."""
        return f"{_short(self.value)} [{_short(self.low)}, {_short(self.high)}]"


class Figures(NamedTuple):
    """The figures of one detector; AUC unless it says otherwise."""

    seen: Figure
    """Attacks against harmless captures of seen families."""
    left: Figure
    """Attacks against harmless captures of families left out, by case."""
    left_by_family: Figure
    left_office: Figure
    """Attacks against office machines of roles left out, by family."""
    news: Figure
    """Harmless captures of families left out against seen ones: 0.5 would be no difference."""
    found: Figure
    """Share of attack captures at or above the threshold."""
    alarms: Figure
    """Share of harmless captures of families left out at or above it, by case."""
    alarms_by_family: Figure
    """The same, each family counting the same."""


def figures_of(table: Table, outcome: Outcome, *, seed: int = 1, draws: int = DRAWS) -> Figures:
    """All figures of a trial."""
    attack = table.attack
    source = _numbers(table.column("source")[attack])
    family = _numbers(table.column("family")[~attack])
    office = np.array([case.kind == "office" for case in table.cases if not case.attack])
    by_case, by_family = np.ones(len(family)), 1.0 / np.bincount(family)[family]
    ones = np.ones(len(source))
    drawn = Drawn(source, family, seed, draws)
    found = outcome.found.mean(axis=1)[:, None]
    alarms = outcome.alarms[None, :]
    one = np.ones(1)
    return Figures(
        seen=drawn.mean(outcome.seen, ones, by_case),
        left=drawn.mean(outcome.left, ones, by_case),
        left_by_family=drawn.mean(outcome.left, ones, by_family),
        left_office=drawn.mean(outcome.left, ones, by_family * office),
        news=drawn.of_news(outcome.news, by_case),
        found=drawn.mean(found, ones, one),
        alarms=drawn.mean(alarms, one, by_case),
        alarms_by_family=drawn.mean(alarms, one, by_family),
    )


class Drawn:
    """Weighted means of matrices, with bootstrap weights of sources and families."""

    def __init__(
        self, source: NDArray[np.int64], family: NDArray[np.int64], seed: int, draws: int
    ) -> None:
        """Draw.

        Args:
            source: (n_attacks,) number of each attack's source.
            family: (n_harmless,) number of each harmless case's family.
            seed: of the draws.
            draws: how many.
        """
        rng = np.random.default_rng(seed)
        self._attacks = _weights(rng, source, draws)
        self._harmless = _weights(rng, family, draws)

    def mean(
        self, matrix: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
    ) -> Figure:
        """The mean of a matrix with weights of rows (attacks, or one) and columns."""
        w_rows = self._attacks if len(rows) > 1 else np.ones((len(self._attacks), 1))
        w_columns = self._harmless if len(columns) > 1 else np.ones((len(self._attacks), 1))
        return _figure(matrix, w_rows * rows, w_columns * columns)

    def of_news(self, matrix: NDArray[np.float64], weights: NDArray[np.float64]) -> Figure:
        """The same of a matrix of harmless cases by harmless cases."""
        both = self._harmless * weights
        return _figure(matrix, both, both)


def _figure(
    matrix: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> Figure:
    """Weighted means; the first draw is no draw but the cases themselves."""
    there = ~np.isnan(matrix)
    values = np.where(there, matrix, 0.0)
    upper = np.einsum("di,ij,dj->d", rows, values, columns, optimize=True)
    lower = np.einsum("di,ij,dj->d", rows, there.astype(float), columns, optimize=True)
    means = upper[lower > 0] / lower[lower > 0]
    if not len(means):
        return Figure(float("nan"), float("nan"), float("nan"))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means[1:], [tail, 1 - tail]) if len(means) > 1 else (np.nan, np.nan)
    return Figure(float(means[0]), float(low), float(high))


def _weights(rng: np.random.Generator, group: NDArray[np.int64], draws: int) -> NDArray[np.float64]:
    """(1 + draws, n) how often each case's group was drawn; 1 in the first row."""
    n_groups = int(group.max(initial=-1)) + 1
    drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), draws)
    return np.concatenate([np.ones((1, len(group))), drawn[:, group]]).astype(np.float64)


def _numbers(names: NDArray[np.str_]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
    return found


def _short(value: float) -> str:
    """``.76``; ``1.00``."""
    return f"{value:.2f}".removeprefix("0")

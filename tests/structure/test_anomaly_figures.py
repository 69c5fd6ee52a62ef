"""Means and intervals of trials."""

from __future__ import annotations

import numpy as np

from scripts.tables.anomaly_figures import Drawn, Figure, figures_of
from scripts.tables.anomaly_trials import Outcome
from tests.anomalies import table


def outcome(left: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Outcome:
    n_bad, n_good = left.shape
    news = np.full((n_good, n_good), 0.5)
    families = ("family0", "family1", "family2")
    return Outcome(left, left, news, np.ones((n_bad, 3)), np.zeros(n_good), families)


def test_families_and_cases_are_weighed_apart() -> None:
    cases = table(badness=0)
    cases = cases._replace(cases=cases.cases[:24] + cases.cases[24:30] + cases.cases[-12:])
    left = np.concatenate([np.ones((12, 24)), np.zeros((12, 6))], axis=1)
    found = figures_of(cases, outcome(left), draws=200)
    assert found.left.value == 24 / 30
    assert abs(found.left_by_family.value - 0.5) < 1e-9
    assert found.left_office.value == 1.0
    assert found.left.low < found.left.value < found.left.high
    assert found.found.value == 1.0
    assert found.alarms.value == 0.0
    assert found.news.value == 0.5


def test_the_interval_is_that_of_few_sources() -> None:
    matrix = np.concatenate([np.ones((50, 10)), np.zeros((50, 10))])
    ones = np.ones(100)
    few = Drawn(np.repeat([0, 1], 50), np.zeros(10, np.int64), 1, 500)
    many = Drawn(np.arange(100), np.zeros(10, np.int64), 1, 500)
    wide, narrow = (d.mean(matrix, ones, np.ones(10)) for d in (few, many))
    assert (wide.low, wide.value, wide.high) == (0.0, 0.5, 1.0)
    assert 0.35 < narrow.low < 0.45
    assert 0.55 < narrow.high < 0.65


def test_what_was_never_compared_counts_nothing() -> None:
    matrix = np.array([[1.0, np.nan], [np.nan, 0.0], [1.0, np.nan]])
    drawn = Drawn(np.arange(3), np.arange(2), 1, 0)
    assert drawn.mean(matrix, np.ones(3), np.ones(2)).value == 2 / 3


def test_a_figure_reads_well() -> None:
    assert str(Figure(0.756, 0.7, 1.0)) == ".76 [.70, 1.00]"

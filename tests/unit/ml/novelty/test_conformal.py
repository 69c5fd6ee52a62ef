from __future__ import annotations

import math

import numpy as np
import pytest

from plugin.ml.novelty.conformal import needed, p_values, rank, spread, threshold


@pytest.mark.parametrize(
    ("n", "alpha", "k"),
    [
        (19, 0.05, 19),
        (18, 0.05, 19),
        (39, 0.05, 38),
        (99, 0.01, 99),
        (9, 0.1, 9),
        (20, 0.05, 20),
        (0, 0.05, 1),
        (999, 0.9, 100),
        (149, 0.18, 123),  # 150 * 0.82 is a little above 123 in floating point
        (3, 0.999999, 1),
    ],
)
def test_the_rank_of_the_threshold(n: int, alpha: float, k: int) -> None:
    assert rank(n, alpha) == k


@pytest.mark.parametrize(("alpha", "n"), [(0.05, 19), (0.01, 99), (0.1, 9), (0.5, 1), (0.3, 3)])
def test_how_many_are_needed(alpha: float, n: int) -> None:
    assert needed(alpha) == n
    assert threshold(range(n), alpha) == n - 1
    assert threshold(range(n - 1), alpha) == math.inf


def test_the_threshold_is_one_of_the_scores() -> None:
    scores = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert threshold(scores, 0.5) == 3
    assert threshold(scores, 0.2) == 5


def test_false_alarms_keep_to_the_promise() -> None:
    random = np.random.default_rng(1)
    for n in (19, 25, 100):
        above = [
            random.exponential() > threshold(random.exponential(size=n), 0.05)
            for _ in range(20_000)
        ]
        mean, _ = spread(n, 0.05)
        assert mean <= 0.05 + 1e-12
        assert np.mean(above) == pytest.approx(mean, abs=0.005)


def test_how_the_rate_is_spread_over_calibration_sets() -> None:
    random = np.random.default_rng(2)
    # For scores even between 0 and 1 the rate of a threshold t is 1 - t.
    rates = [1 - threshold(random.random(99), 0.05) for _ in range(20_000)]
    mean, deviation = spread(99, 0.05)
    assert mean == pytest.approx(0.05)
    assert np.mean(rates) == pytest.approx(mean, abs=1e-3)
    assert np.std(rates) == pytest.approx(deviation, rel=0.03)
    assert spread(18, 0.05) == (0, 0)


def test_p_values_count_the_row_itself() -> None:
    found = p_values([1.0, 2.0, 2.0, 3.0], [0.0, 2.0, 2.5, 3.0, 9.0])
    assert found.tolist() == [1, 4 / 5, 2 / 5, 2 / 5, 1 / 5]
    assert p_values([], 7.0).tolist() == [1]


def test_a_p_value_of_at_most_alpha_is_a_score_above_the_threshold() -> None:
    random = np.random.default_rng(3)
    for n in range(60):
        scores, asked = random.random(n), random.random(200)
        above = asked > threshold(scores, 0.05)
        assert (above == (p_values(scores, asked) <= 0.05 + 1e-12)).all()


@pytest.mark.parametrize("alpha", [0, 1, -0.1, math.nan])
def test_alpha_out_of_range(alpha: float) -> None:
    for ask in (lambda: rank(9, alpha), lambda: needed(alpha), lambda: threshold([1.0], alpha)):
        with pytest.raises(ValueError, match="alpha"):
            ask()


def test_a_score_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="no number"):
        threshold([1.0, math.nan])
    with pytest.raises(ValueError, match="no number"):
        p_values([1.0], [math.nan])

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.selection import Score, macro_recall, smallest_within


def test_rare_classes_count_as_much() -> None:
    right = np.array([True, True, True, False, False])
    recall, error = macro_recall(right, np.array([0, 0, 0, 0, 2]))
    assert recall == pytest.approx(0.375)
    assert error == pytest.approx(np.sqrt(0.75 * 0.25 / 4) / 2)


def test_the_error_is_how_far_draws_go() -> None:
    random = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [10, 40, 20])
    shares = np.array([0.5, 0.9, 0.7])
    drawn = [macro_recall(random.random(70) < shares[y], y)[0] for _ in range(4000)]
    expected = np.sqrt((shares * (1 - shares) / [10, 40, 20]).sum()) / 3
    assert np.std(drawn) == pytest.approx(expected, rel=0.05)


def test_the_smallest_that_is_as_good_as_can_be_told() -> None:
    best, near, far = Score(0.9, 0.02, 1, 500), Score(0.88, 0.02, 2, 40), Score(0.87, 0.05, 0, 5)
    assert smallest_within([best, near, far]) == 1
    assert smallest_within([near, best]) == 0
    assert smallest_within([best, far]) == 0


def test_among_equally_small_ones_the_better() -> None:
    scores = [Score(0.9, 0.1, 0.5, 40), Score(0.9, 0.1, 0.4, 40), Score(0.85, 0.1, 0.1, 40)]
    assert smallest_within(scores) == 1
    # The error that counts is the best one's: of equal recall, that with less loss.
    assert smallest_within([Score(0.9, 0.0, 0.4, 9), Score(0.89, 0.5, 0.1, 1)]) == 0

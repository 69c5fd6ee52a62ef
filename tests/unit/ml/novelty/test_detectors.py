"""Every detector of a model of normal: nearer is less, farther is more, of one row and of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.novelty import detectors
from plugin.ml.novelty.detectors import DETECTORS

if TYPE_CHECKING:
    from plugin.ml.novelty.detectors import Detector

RANDOM = np.random.default_rng(1)
KNOWN = RANDOM.normal(0, 1, (40, 6))


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))
def test_what_is_farther_scores_higher(detector: Detector) -> None:
    away = np.linspace(0, 30, 7)[:, None] * np.array([1, -1, 1, -1, 1, -1.0])
    found = detector(KNOWN, away)
    assert found.shape == (7,)
    assert np.isfinite(found).all()
    assert (np.diff(found[1:]) > 0).all()
    assert found[0] < found[2]


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))
def test_rows_are_judged_each_by_itself(detector: Detector) -> None:
    rows = RANDOM.normal(0, 2, (5, 6))
    together = detector(KNOWN, rows)
    for number, row in enumerate(rows):
        assert detector(KNOWN, row[None, :])[0] == pytest.approx(together[number])


def test_nearest_is_the_mean_of_three_distances() -> None:
    known = np.array([[1.0, 0], [2, 0], [0, 3], [9, 9]])
    assert detectors.nearest(known, np.zeros((1, 2)))[0] == pytest.approx(2.0)
    assert detectors.nearest(known[:2], np.zeros((1, 2)))[0] == pytest.approx(1.5)


def test_apart_adds_differences_without_squaring_them() -> None:
    known = np.array([[1.0, 1], [2, 0], [0, 3], [9, 9]])
    assert detectors.apart(known, np.zeros((1, 2)))[0] == pytest.approx((2 + 2 + 3) / 3)
    shares = np.array([[0.5, 0.5, 0, 0]])
    assert detectors.apart(shares, np.array([[0, 0, 0.5, 0.5]]))[0] == 2.0


def test_a_detector_can_do_with_so_many_references() -> None:
    """One is left out in turn, and repetitions tell a distance nothing."""
    for name, least in (("apart", 2), ("nearest", 2), ("spread", 2), ("pca", 3), ("sos", 7)):
        assert detectors.can(name, KNOWN[:least]), name
        assert not detectors.can(name, KNOWN[: least - 1]), name
    assert not detectors.can("sos", KNOWN[[0, 1, 2, 3, 4, 5, 5, 5]])
    assert detectors.can("apart", KNOWN[[0, 0]])


def test_spread_counts_deviations_and_a_column_without_any_as_well() -> None:
    known = np.array([[0.0, 1], [1, 1], [2, 1], [3, 1], [4, 1]])
    z = 4 / 1.4826, 0.1 / 0.05
    expected = np.sqrt((z[0] ** 2 + z[1] ** 2) / 2)
    assert detectors.spread(known, np.array([[6, 1.1]]))[0] == pytest.approx(expected)

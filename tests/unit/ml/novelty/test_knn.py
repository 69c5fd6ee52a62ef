from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.novelty.knn import score_against, scores

LINE = np.array([[0.0], [1.0], [3.0], [7.0]])


def test_the_distance_to_the_kth_nearest() -> None:
    asked = [[1.0], [10.0], [-2.0]]
    assert score_against(LINE, asked, 1).tolist() == [0, 3, 2]
    assert score_against(LINE, asked, 2).tolist() == [1, 7, 3]
    assert score_against(LINE, asked, 4).tolist() == [6, 10, 9]


def test_the_mean_distance_to_the_k_nearest() -> None:
    assert score_against(LINE, [[1.0], [10.0]], 3, mean=True).tolist() == [1, 19 / 3]


def test_a_reference_is_not_its_own_neighbour_but_its_twin_is() -> None:
    assert scores(LINE, 1).tolist() == [1, 1, 2, 4]
    assert scores(LINE, 2, mean=True).tolist() == [2, 1.5, 2.5, 5]
    assert scores([[1.0], [1.0], [2.0]], 1).tolist() == [0, 0, 1]


def test_city_block_distances() -> None:
    known = [[0.0, 0.0], [3.0, 4.0], [-1.0, 0.0]]
    assert score_against(known, [[1.0, 1.0]], 3, city=True).tolist() == [5]
    assert score_against(known, [[1.0, 1.0]], 2, mean=True, city=True).tolist() == [2.5]
    assert scores(known, 1, city=True).tolist() == [1, 7, 1]


def test_many_columns_agree_with_the_definition() -> None:
    random = np.random.default_rng(1)
    known, asked = random.normal(size=(50, 7)), random.normal(size=(9, 7))
    apart = np.sort([[np.linalg.norm(a - b) for b in known] for a in asked], axis=1)
    assert np.allclose(score_against(known, asked, 5), apart[:, 4])
    assert np.allclose(score_against(known, asked, 5, mean=True), apart[:, :5].mean(axis=1))


@pytest.mark.parametrize("factor", [1e-300, 1e-3, 1e200])
def test_any_unit(factor: float) -> None:
    assert np.allclose(score_against(LINE * factor, [[10 * factor]], 2), 7 * factor, atol=0)


def test_farther_than_a_number_tells_is_infinite() -> None:
    assert score_against(LINE, [[1e300]], 1).tolist() == [np.inf]


@pytest.mark.parametrize("k", [0, 5])
def test_too_few_references(k: int) -> None:
    with pytest.raises(ValueError, match=f"4 references, but k = {k}"):
        score_against(LINE, [[1.0]], k)


def test_a_reference_has_one_neighbour_less() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        scores(LINE, 4)

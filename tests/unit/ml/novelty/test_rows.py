from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty import rows
from plugin.ml.novelty.rows import checked, distances, per_row, unit


@pytest.mark.parametrize("wrong", [[1.0, 2.0], [[[1.0]]], np.ones((3, 0)), 4.0])
def test_rows_have_two_dimensions_and_columns(wrong: Any) -> None:
    with pytest.raises(ValueError, match="rows of shape"):
        checked(wrong)


def test_rows_have_the_columns_asked_for() -> None:
    assert checked([[1, 2]], 2).dtype == np.float64
    with pytest.raises(ValueError, match=r"not \(n, 3\)"):
        checked([[1, 2]], 3)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_are_finite(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        checked([[1.0, number]])


@pytest.mark.parametrize("largest", [1e-300, 1e-5, 0.5, 1.0, 3.0, 1e9, 1.7e308])
def test_the_unit_brings_the_largest_number_near_one_and_loses_no_digit(largest: float) -> None:
    found = unit(np.array([[0.0, -largest], [largest / 3, 0.0]]))
    assert 0.5 <= largest * found <= 1
    assert largest * found / found == largest


@pytest.mark.parametrize("values", [[[0.0]], [[5e-324]], np.empty((0, 3))])
def test_the_unit_is_finite_for_any_rows(values: Any) -> None:
    assert 0 < unit(np.array(values)) < np.inf


def test_distances_come_in_blocks_that_cover_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_BLOCK_VALUES", 12)
    random = np.random.default_rng(1)
    some, others = random.normal(size=(7, 2)), random.normal(size=(3, 2))
    parts = list(distances(some, others))
    assert [len(squares) for _, squares in parts] == [2, 2, 2, 1]
    expected = [[((a - b) ** 2).sum() for b in others] for a in some]
    assert np.allclose(np.concatenate([squares for _, squares in parts]), expected)
    assert np.allclose(per_row(some, others, lambda d: d.min(axis=1)), np.min(expected, axis=1))


def test_city_block_distances_are_sums_of_differences() -> None:
    some, others = np.array([[1.0, -2.0], [0.0, 5.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    _, found = next(distances(some, others, city=True))
    assert found.tolist() == [[3, 3], [5, 5]]
    assert per_row(some, others, lambda d: d[:, 0], city=True).tolist() == [3, 5]


def test_near_rows_keep_their_digits() -> None:
    _, found = next(distances(np.array([[1e8 + 1]]), np.array([[1e8]])))
    assert found.item() == 1

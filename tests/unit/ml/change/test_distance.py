"""Distances by group: what counts as one, what is nearest, what is loneliest."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.change.distance import between, layout, loneliest, nearest

HOW = layout("s", ("a", "b", "c"), {"shares": [0, 1], "counts": [2]}, np.array([1.0, 1.0, 10.0]))


def test_a_distance_is_summed_by_group_in_units_of_its_columns() -> None:
    rows = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 20.0]], np.float32)
    found = between(np.array([0.5, 0.0, 5.0], np.float32), rows, HOW)
    assert found.tolist() == [[0.5, 0.5], [1.5, 1.5]]


def test_each_group_has_a_nearest_row_of_its_own() -> None:
    rows = np.array([[0.0, 0.0, 100.0], [1.0, 1.0, 0.0]], np.float32)
    assert nearest(np.zeros(3, np.float32), rows, HOW).tolist() == [0.0, 0.0]


def test_the_loneliest_row_gives_the_level_of_each_group() -> None:
    rows = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.9, 50.0]], np.float32)
    assert loneliest(rows, HOW) == pytest.approx([0.9, 5.0])


@pytest.mark.parametrize("count", [0, 1])
def test_a_row_alone_is_not_lonely(count: int) -> None:
    assert loneliest(np.ones((count, 3), np.float32), HOW).tolist() == [0.0, 0.0]


def test_empty_groups_are_left_out_and_columns_in_none_do_not_count() -> None:
    how = layout("s", ("a", "b"), {"empty": [], "one": [1]})
    assert how.groups == ("one",)
    assert between(np.array([9.0, 1.0]), np.zeros((1, 2)), how).tolist() == [[1.0]]


@pytest.mark.parametrize("columns", [[2], [-1]])
def test_a_column_that_is_not_there_is_refused(columns: list[int]) -> None:
    with pytest.raises(ValueError, match="not there"):
        layout("s", ("a", "b"), {"group": columns})


@pytest.mark.parametrize("units", [[1.0], [1.0, 0.0], [1.0, float("nan")]])
def test_units_are_above_zero_and_one_for_each_column(units: list[float]) -> None:
    with pytest.raises(ValueError, match="unit"):
        layout("s", ("a", "b"), {"group": [0]}, np.array(units))


def test_a_group_may_have_a_lower_floor() -> None:
    how = layout("s", ("a", "b"), {"one": [0], "two": [1]}, floors={"two": 0.5})
    assert how.floors.tolist() == [1.0, 0.5]
    for wrong in (0.0, 1.5, -1.0):
        with pytest.raises(ValueError, match="floor"):
            layout("s", ("a",), {"one": [0]}, floors={"one": wrong})

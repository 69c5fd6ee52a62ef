from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml import inference
from plugin.ml.matrix import from_dense
from tests.models import random_rows

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray

N_COLUMNS = 40


def net_arrays(hidden: int = 9, classes: int = 5) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(4)
    shapes: dict[str, tuple[int, ...]] = {
        "W0": (N_COLUMNS, hidden),
        "b0": (hidden,),
        "W1": (hidden, classes),
        "b1": (classes,),
    }
    return {name: random.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def forest_arrays() -> dict[str, NDArray[Any]]:
    """Two trees: one split of a split, and a leaf alone."""
    return {
        "feature": np.array([3, -1, 7, -1, -1, -1], np.int32),
        "threshold": np.array([0.5, 0, 0.25, 0, 0, 0]),
        "left": np.array([1, -1, 3, -1, -1, -1], np.int32),
        "right": np.array([2, -1, 4, -1, -1, -1], np.int32),
        "value": np.array([[0, 1], [1, 0], [0, 1], [0.5, 0.5], [0, 1], [0.25, 0.75]], np.float32),
        "roots": np.array([0, 5], np.int32),
    }


def test_a_net_is_its_two_layers() -> None:
    arrays, rows = net_arrays(), random_rows(30, N_COLUMNS, 1)
    hidden = np.maximum(rows.to_dense() @ arrays["W0"] + arrays["b0"], 0)
    odds = np.exp(hidden @ arrays["W1"] + arrays["b1"])
    expected = odds / odds.sum(axis=1, keepdims=True)
    assert np.abs(inference.net(arrays, rows) - expected).max() <= 1e-6


def test_a_net_takes_more_rows_than_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays, rows = net_arrays(), random_rows(200, N_COLUMNS, 1)
    whole = inference.net(arrays, rows)
    monkeypatch.setattr(inference, "_BLOCK_VALUES", 500)
    assert np.allclose(whole, inference.net(arrays, rows), atol=1e-7)


def test_a_forest_goes_left_at_the_threshold_and_averages_its_leaves() -> None:
    dense = np.zeros((4, N_COLUMNS), np.float32)
    dense[:, 3] = (0.5, 0.75, 0.75, 0)
    dense[:, 7] = (0.9, 0.25, 0.3, 0)
    found = inference.forest(forest_arrays(), from_dense(dense))
    assert found.tolist() == [[0.625, 0.375], [0.375, 0.625], [0.125, 0.875], [0.625, 0.375]]


def test_a_forest_takes_more_rows_than_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_rows(200, N_COLUMNS, 1)
    whole = inference.forest(forest_arrays(), rows)
    monkeypatch.setattr(inference, "_BLOCK_VALUES", 10)
    assert np.array_equal(whole, inference.forest(forest_arrays(), rows))

from __future__ import annotations

import warnings
from typing import Any, get_args

import numpy as np
import pytest

from plugin.ml import algorithms
from plugin.ml.model import ALGORITHMS, Algorithm


def test_every_algorithm_has_a_grid_and_auto_has_points_of_all() -> None:
    assert set(algorithms.GRIDS) == {*ALGORITHMS, algorithms.AUTO}
    of = {algorithms.algorithm_of(point, "auto") for point in algorithms.GRIDS["auto"]}
    assert of == set(get_args(Algorithm))
    for name, grid in algorithms.GRIDS.items():
        assert len(set(grid)) == len(grid)
        assert all(algorithms.sound(dict(point), name) for point in grid)


@pytest.mark.parametrize(
    ("point", "algorithm"),
    [
        ({"hidden": 16}, "net"),
        ({"hidden": 16, "alpha": 1, "trees": 3}, "net"),
        ({"algorithm": "net", "hidden": 16, "alpha": 1}, "net"),
        ({"algorithm": "exec", "hidden": 16, "alpha": 1}, "auto"),
        ({"algorithm": 3}, "auto"),
        ({"hidden": 16, "alpha": 1}, "auto"),
        ({"trees": 3, "leaf": 1, "share": 1}, "boosting"),
        ({}, "nothing"),
    ],
)
def test_foreign_points_are_refused(point: dict[str, object], algorithm: str) -> None:
    assert not algorithms.sound(point, algorithm)


def fitted(name: str) -> list[Any]:
    random = np.random.default_rng(0)
    rows, labels = random.random((30, 4)), np.arange(30) % 3
    point = algorithms.GRIDS[name][0]
    made = algorithms.estimators_of(point, name, 1)
    with warnings.catch_warnings():  # a net need not converge to have its size
        warnings.filterwarnings("ignore", message="lbfgs failed to converge")
        return [estimator.fit(rows, labels) for _, estimator in made]


def test_a_net_is_as_large_as_its_weights() -> None:
    (net,) = fitted("net")
    assert algorithms.size_of(net) == 4 * 16 + 16 + 16 * 3 + 3


@pytest.mark.parametrize(("name", "trees"), [("forest", 100), ("trees", 100), ("boosting", 60)])
def test_trees_are_as_large_as_their_nodes(name: str, trees: int) -> None:
    (one,) = fitted(name)
    flat = algorithms.flat_trees(one)
    assert len(flat) == trees
    assert algorithms.size_of(one) == 4 * sum(tree.tree_.node_count for tree in flat)


def test_an_ensemble_is_a_net_and_trees() -> None:
    made = algorithms.estimators_of(algorithms.GRIDS["ensemble"][0], "ensemble", 1)
    assert [name for name, _ in made] == ["net", "trees"]
    assert algorithms.size_of(object()) == 1

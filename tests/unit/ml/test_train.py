from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from plugin.ml import algorithms, train
from plugin.ml.algorithms import GRIDS
from plugin.ml.dataset import Cases
from plugin.ml.fitted_arrays import to_arrays
from plugin.ml.matrix import from_dense
from plugin.ml.role import predict_proba
from tests import labelled, models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.ml.algorithms import Options

NET = train.Recipe(algorithm="net", features="service-ports", grid=GRIDS["net"][:1])
FOREST = train.Recipe(
    algorithm="forest",
    features="service-ports",
    grid=((("trees", 10.0), ("leaf", 1.0), ("share", 0.1)),),
)
SMALL: dict[str, Options] = {
    "trees": FOREST.grid[0],
    "boosting": (("stages", 8.0), ("rate", 0.3), ("share", 0.5)),
    "ensemble": (("hidden", 8.0), ("alpha", 0.1), *FOREST.grid[0]),
}
RECIPES = [
    NET,
    FOREST,
    *(dataclasses.replace(FOREST, algorithm=name, grid=(SMALL[name],)) for name in SMALL),
]
every_algorithm = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.algorithm)


@given(st.lists(st.integers(1, 6), min_size=2, max_size=12), st.integers(0, 99))
def test_every_capture_counts_equally_and_classes_are_balanced(
    rows_each: list[int], seed: int
) -> None:
    y = np.random.default_rng(seed).integers(0, 3, len(rows_each))
    owner = np.repeat(np.arange(len(rows_each)), rows_each)
    weights = train.row_weights(owner, y, len(rows_each))
    of_sample = np.bincount(owner, weights)
    for c in np.unique(y):
        assert np.allclose(of_sample[y == c], of_sample[y == c][0])
        assert of_sample[y == c].sum() == pytest.approx(weights.sum() / len(np.unique(y)))
    assert weights.mean() == pytest.approx(1)


def test_equal_rows_of_a_class_become_one() -> None:
    rows = from_dense(np.array([[1, 0], [0, 2], [1, 0], [1, 0]], np.float32))
    merged, y, weights = train.merge_equal(rows, np.array([0, 0, 0, 1]), np.array([1.0, 2, 3, 4]))
    assert merged.to_dense().tolist() == [[1, 0], [0, 2], [1, 0]]
    assert y.tolist() == [0, 0, 1]
    assert weights.tolist() == [4, 2, 4]


@every_algorithm
@pytest.mark.parametrize("labels", ["ab", "abc"])
def test_the_arrays_predict_what_scikit_learn_does(recipe: train.Recipe, labels: str) -> None:
    material = labelled.material(list(labels) * 6, signal=0.7)
    cases = labelled.cases(material)
    fitted = train.fit(recipe.grid[0], recipe, cases)
    expected = train.predict(
        fitted, material.rows, material.owner, (len(material), cases.n_classes)
    )
    model = models.model(recipe.algorithm, labels)._replace(
        arrays=to_arrays(fitted, cases.n_classes)
    )
    found = predict_proba(model, material.rows)
    assert np.abs(found - expected).max() < 1e-5
    assert found.argmax(axis=1).tolist() != [0] * len(material)


@every_algorithm
def test_a_device_like_the_background_has_no_likely_class(recipe: train.Recipe) -> None:
    material = labelled.material(["a", "b", "x"] * 8, signal=1.0)
    cases = Cases(material, np.array([0, 1, 2] * 8), 2)
    fitted = train.fit(recipe.grid[0], recipe, cases)
    found = train.predict(fitted, material.rows, material.owner, (len(material), 2))
    assert found[2::3].max() < 0.7
    assert found[::3, 0].min() > 0.7
    arrays = to_arrays(fitted, 2)
    model = models.model(recipe.algorithm, ["a", "b"])._replace(arrays=arrays)
    assert np.abs(predict_proba(model, material.rows) - found).max() < 1e-5


@every_algorithm
def test_a_seed_gives_the_same_model_again(recipe: train.Recipe) -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=0.5))
    first, second = (to_arrays(train.fit(recipe.grid[0], recipe, cases), 2) for _ in "12")
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_sample_without_rows_has_no_answer() -> None:
    material = labelled.material(["a", "b"] * 4)
    cases = labelled.cases(material)
    fitted = train.fit(FOREST.grid[0], FOREST, cases)
    found = train.predict(
        fitted, material.rows.rows(np.array([0])), np.array([1]), (2, cases.n_classes)
    )
    assert found[0].tolist() == [0, 0]
    assert found[1].sum() == pytest.approx(1)


@every_algorithm
def test_training_rows_of_one_class_answer_that_class(recipe: train.Recipe) -> None:
    material = labelled.material(["a", "b"] * 4)
    fitted = train.fit(recipe.grid[0], recipe, Cases(material, np.ones(8, np.int64), 2))
    found = train.predict(fitted, material.rows, material.owner, (8, 2))
    assert found.tolist() == [[0, 1]] * 8


@every_algorithm
def test_a_class_that_training_lacks_gets_nothing(recipe: train.Recipe) -> None:
    cases = labelled.cases(labelled.material(["a", "b", "c"] * 4, signal=1.0))
    learn = cases.take(np.flatnonzero(cases.y != 1))
    fitted = train.fit(recipe.grid[0], recipe, learn)
    found = train.predict(fitted, cases.material.rows, cases.material.owner, (12, 3))
    assert not found[:, 1].any()
    model = models.model(recipe.algorithm, "abc")._replace(arrays=to_arrays(fitted, 3))
    assert np.abs(predict_proba(model, cases.material.rows) - found).max() < 1e-5
    assert found[cases.y != 1].argmax(axis=1).tolist() == [0, 2] * 4
    assert np.allclose(found.sum(axis=1), 1)


def test_a_net_is_shown_only_columns_with_values_and_the_shape_comes_back() -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=1.0))
    fitted = train.fit(NET.grid[0], NET, cases)
    assert fitted.columns.tolist() == list(range(6))
    assert fitted.estimator.n_features_in_ == 6
    arrays = to_arrays(fitted, 2)
    assert arrays["W0"].shape == (cases.material.rows.n_columns, NET.grid[0][0][1])
    assert not arrays["W0"][6:].any()
    assert arrays["W0"][:6].any(axis=1).all()


def test_full_rows_are_handed_over_dense_and_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=0.5))
    rows = cases.material.rows
    sparse = train.fit(FOREST.grid[0], FOREST, cases)
    monkeypatch.setattr(train, "_DENSE_SHARE", 0.0)
    dense = train.fit(FOREST.grid[0], FOREST, cases)
    assert isinstance(train._shown(rows, dense), np.ndarray)
    found, wanted = (train.predict(one, rows, np.arange(12), (12, 2)) for one in (dense, sparse))
    assert np.array_equal(found.argmax(axis=1), wanted.argmax(axis=1))


def test_an_ensemble_is_the_mean_of_its_members() -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=0.5))
    recipe = RECIPES[-1]
    both = train.fit(recipe.grid[0], recipe, cases)
    assert both.beside is not None
    shape = (12, 2)
    rows, owner = cases.material.rows, cases.material.owner
    members = [
        train.predict(one, rows, owner, shape) for one in (both._replace(beside=None), both.beside)
    ]
    assert np.abs(members[0] - members[1]).max() > 0.01
    assert np.allclose(train.predict(both, rows, owner, shape), sum(members) / 2)
    assert both.size == both._replace(beside=None).size + both.beside.size


def test_large_rows_stay_sparse_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=0.5))
    shape = (12, 2)
    dense = train.fit(NET.grid[0], NET, cases)
    wanted = train.predict(dense, cases.material.rows, cases.material.owner, shape)
    monkeypatch.setattr(train, "_DENSE_CELLS", 0)
    sparse = train.fit(NET.grid[0], NET, cases)
    found = train.predict(sparse, cases.material.rows, cases.material.owner, shape)
    assert np.abs(found - wanted).max() < 1e-3


def test_one_thread_of_linear_algebra(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    plain = algorithms._net

    def watched(chosen: Mapping[str, float | str], seed: int) -> Any:
        estimator = plain(chosen, seed)
        fit = estimator.fit

        def fit_and_look(*args: Any, **options: Any) -> None:
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            fit(*args, **options)

        estimator.fit = fit_and_look
        return estimator

    monkeypatch.setitem(algorithms._MAKERS, "net", watched)
    train.fit(NET.grid[0], NET, labelled.cases(labelled.material(["a", "b"] * 6)))
    assert set(seen) == {1}


def test_the_recipe_as_json() -> None:
    document = FOREST.document()
    assert document["grid"] == [{"trees": 10.0, "leaf": 1.0, "share": 0.1}]
    assert document["features"] == "service-ports"

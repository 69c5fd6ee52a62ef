from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from plugin.errors import DatasetError
from plugin.ml import train
from plugin.ml.dataset import Cases
from plugin.ml.matrix import from_dense
from plugin.ml.role import predict_proba
from tests import labelled, models

if TYPE_CHECKING:
    from collections.abc import Mapping

NET = train.Recipe(algorithm="net", features="service-ports", grid=train.GRIDS["net"][:1])
FOREST = train.Recipe(
    algorithm="forest",
    features="service-ports",
    grid=((("trees", 10.0), ("leaf", 1.0), ("share", 0.1)),),
)


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


@pytest.mark.parametrize("recipe", [NET, FOREST], ids=["net", "forest"])
@pytest.mark.parametrize("labels", ["ab", "abc"])
def test_the_arrays_predict_what_scikit_learn_does(recipe: train.Recipe, labels: str) -> None:
    material = labelled.material(list(labels) * 6, signal=0.7)
    cases = labelled.cases(material)
    fitted = train.fit(recipe.grid[0], recipe, cases)
    expected = train.predict(
        fitted, material.rows, material.owner, (len(material), cases.n_classes)
    )
    model = models.model(recipe.algorithm, labels)._replace(
        arrays=train.to_arrays(fitted, cases.n_classes)
    )
    found = predict_proba(model, material.rows)
    assert np.abs(found - expected).max() < 1e-5
    assert found.argmax(axis=1).tolist() != [0] * len(material)


def test_background_is_shared_out() -> None:
    shared = train.spread(np.array([[0.6, 0.2, 0.2], [0, 0, 1]]))
    assert np.allclose(shared, [[0.7, 0.3], [0.5, 0.5]])


def test_a_device_like_the_background_has_no_likely_class() -> None:
    material = labelled.material(["a", "b", "x"] * 8, signal=1.0)
    cases = Cases(material, np.array([0, 1, 2] * 8), 2)
    fitted = train.fit(FOREST.grid[0], FOREST, cases)
    found = train.predict(fitted, material.rows, material.owner, (len(material), 2))
    assert found[2::3].max() < 0.7
    assert found[::3, 0].min() > 0.8
    arrays = train.to_arrays(fitted, 2)
    model = models.model("forest", ["a", "b"])._replace(arrays=arrays)
    assert np.abs(predict_proba(model, material.rows) - found).max() < 1e-6
    with pytest.raises(DatasetError, match="background"):
        train.fit(NET.grid[0], NET, cases)


@pytest.mark.parametrize("recipe", [NET, FOREST], ids=["net", "forest"])
def test_a_seed_gives_the_same_model_again(recipe: train.Recipe) -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=0.5))
    first, second = (train.to_arrays(train.fit(recipe.grid[0], recipe, cases), 2) for _ in "12")
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


@pytest.mark.parametrize("recipe", [NET, FOREST], ids=["net", "forest"])
def test_training_rows_of_one_class_answer_that_class(recipe: train.Recipe) -> None:
    material = labelled.material(["a", "b"] * 4)
    fitted = train.fit(recipe.grid[0], recipe, Cases(material, np.ones(8, np.int64), 2))
    found = train.predict(fitted, material.rows, material.owner, (8, 2))
    assert found.tolist() == [[0, 1]] * 8


@pytest.mark.parametrize("recipe", [NET, FOREST], ids=["net", "forest"])
def test_a_class_that_training_lacks_gets_nothing(recipe: train.Recipe) -> None:
    cases = labelled.cases(labelled.material(["a", "b", "c"] * 4, signal=1.0))
    learn = cases.take(np.flatnonzero(cases.y != 1))
    fitted = train.fit(recipe.grid[0], recipe, learn)
    found = train.predict(fitted, cases.material.rows, cases.material.owner, (12, 3))
    assert not found[:, 1].any()
    assert found[cases.y != 1].argmax(axis=1).tolist() == [0, 2] * 4
    assert np.allclose(found.sum(axis=1), 1)


def test_a_net_is_shown_only_columns_with_values_and_the_shape_comes_back() -> None:
    cases = labelled.cases(labelled.material(["a", "b"] * 6, signal=1.0))
    fitted = train.fit(NET.grid[0], NET, cases)
    assert fitted.columns.tolist() == list(range(6))
    assert fitted.estimator.n_features_in_ == 6
    arrays = train.to_arrays(fitted, 2)
    assert arrays["W0"].shape == (cases.material.rows.n_columns, NET.grid[0][0][1])
    assert not arrays["W0"][6:].any()
    assert arrays["W0"][:6].any(axis=1).all()


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
    plain = train._net

    def watched(chosen: Mapping[str, float], recipe: train.Recipe) -> Any:
        estimator = plain(chosen, recipe)
        fit = estimator.fit

        def fit_and_look(*args: Any, **options: Any) -> None:
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            fit(*args, **options)

        estimator.fit = fit_and_look
        return estimator

    monkeypatch.setattr(train, "_net", watched)
    train.fit(NET.grid[0], NET, labelled.cases(labelled.material(["a", "b"] * 6)))
    assert set(seen) == {1}


def test_the_temperature_undoes_what_was_done_to_probabilities() -> None:
    random = np.random.default_rng(1)
    true = random.dirichlet([1, 1, 1], 3000)
    y = np.array([random.choice(3, p=p) for p in true])
    assert train.fit_temperature(true, y) == pytest.approx(1, abs=0.15)
    assert train.fit_temperature(train.soften(true, 0.5), y) == pytest.approx(2, abs=0.3)


def test_known_from_the_confidence_on_where_answers_are_right() -> None:
    top = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    whole = train.Validated(top, top > 0.55)
    sessions = np.full(8, 10)
    threshold, least = train.fit_decision(whole, sessions, {1: whole, 5: whole})
    assert 0.5 < threshold <= 0.6
    assert least == 1
    # Answers on one session are confidently wrong: more are needed.
    wrong = train.Validated(np.full(8, 0.99), np.zeros(8, np.bool_))
    assert train.fit_decision(whole, sessions, {1: wrong, 5: whole})[1] == 5


def test_where_nothing_is_right_often_enough_there_still_is_a_threshold() -> None:
    wrong = train.Validated(np.linspace(0.3, 0.9, 10), np.zeros(10, np.bool_))
    threshold, least = train.fit_decision(wrong, np.full(10, 9), {3: wrong})
    assert 0.9 < threshold < 1
    assert least == 3


def test_least_packets_are_those_of_a_capture_that_was_right() -> None:
    packets = np.array([2, 9, 30])
    assert train.least_packets(packets, np.array([False, True, True])) == 9
    assert train.least_packets(packets, np.array([False] * 3)) == 30


@settings(max_examples=20)
@given(st.floats(0.4, 2.5))
def test_softening_keeps_the_order(temperature: float) -> None:
    p = np.random.default_rng(0).dirichlet([1] * 4, 20)
    softened = train.soften(p, temperature)
    assert np.array_equal(np.argsort(p, axis=1), np.argsort(softened, axis=1))
    assert np.allclose(softened.sum(axis=1), 1)


def test_the_recipe_as_json() -> None:
    document = FOREST.document()
    assert document["grid"] == [{"trees": 10.0, "leaf": 1.0, "share": 0.1}]
    assert document["features"] == "service-ports"

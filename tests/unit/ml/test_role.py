from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.ml import matrix, role
from tests.models import forest_of, model, net_of, random_rows

N_COLUMNS, CLASSES = 60, ("a", "b", "c", "d")


def fitted(algorithm: str, seed: int = 1) -> tuple[Any, matrix.Matrix]:
    """A scikit-learn model and rows that it has not seen."""
    sklearn_net = pytest.importorskip("sklearn.neural_network")
    sklearn_forest = pytest.importorskip("sklearn.ensemble")
    rows = random_rows(300, N_COLUMNS, seed)
    labels = np.array(CLASSES)[np.random.default_rng(seed).integers(0, 4, 300)]
    if algorithm == "net":
        estimator = sklearn_net.MLPClassifier((17,), max_iter=5, random_state=seed)
    elif algorithm == "extra":
        estimator = sklearn_forest.ExtraTreesClassifier(20, random_state=seed)
    else:
        estimator = sklearn_forest.RandomForestClassifier(20, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five steps do not converge, and need not
        estimator.fit(rows.to_scipy(), labels)
    return estimator, random_rows(500, N_COLUMNS, seed + 1)


@pytest.mark.parametrize("algorithm", ["net", "forest", "extra"])
def test_probabilities_are_scikit_learns(algorithm: str) -> None:
    estimator, rows = fitted(algorithm)
    ours = role.predict_proba(
        net_of(estimator) if algorithm == "net" else forest_of(estimator), rows
    )
    theirs = estimator.predict_proba(rows.to_scipy())
    assert ours.dtype == np.float64
    assert np.abs(ours - theirs).max() <= 1e-6
    assert np.allclose(ours.sum(axis=1), 1, atol=1e-6)


def test_the_forest_takes_more_rows_than_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    estimator, rows = fitted("forest")
    whole = role.predict_proba(forest_of(estimator), rows)
    monkeypatch.setattr(role, "_BLOCK_VALUES", 1000)
    assert np.array_equal(whole, role.predict_proba(forest_of(estimator), rows))


def test_the_net_takes_more_rows_than_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    estimator, rows = fitted("net")
    whole = role.predict_proba(net_of(estimator), rows)
    monkeypatch.setattr(role, "_BLOCK_VALUES", 500)
    assert np.allclose(whole, role.predict_proba(net_of(estimator), rows), atol=1e-7)


def test_scale_multiplies_the_features() -> None:
    estimator, rows = fitted("net")
    plain = net_of(estimator)
    scale = np.linspace(0.1, 3, N_COLUMNS, dtype=np.float32)
    scaled = plain._replace(arrays={**plain.arrays, "scale": scale})
    before = rows._replace(data=rows.data * scale[rows.indices])
    assert np.allclose(
        role.predict_proba(scaled, rows), role.predict_proba(plain, before), atol=1e-7
    )


def test_an_empty_row_gets_what_the_biases_say() -> None:
    estimator, _ = fitted("net")
    found = role.predict_proba(net_of(estimator), matrix.empty(N_COLUMNS, 2))
    assert np.allclose(found[0], estimator.predict_proba(np.zeros((1, N_COLUMNS)))[0], atol=1e-6)
    assert np.array_equal(found[0], found[1])


def test_a_tree_of_one_leaf_needs_no_column() -> None:
    stump = model("forest", CLASSES)._replace(
        arrays={
            "feature": np.array([-1], np.int32),
            "threshold": np.zeros(1),
            "left": np.array([-1], np.int32),
            "right": np.array([-1], np.int32),
            "value": np.array([[0.5, 0.25, 0.25, 0]], np.float32),
            "roots": np.array([0], np.int32),
        }
    )
    found = role.predict_proba(stump, random_rows(3, N_COLUMNS, 1))
    assert found.tolist() == [[0.5, 0.25, 0.25, 0]] * 3


def test_another_width_is_refused() -> None:
    estimator, _ = fitted("net")
    with pytest.raises(ValueError, match="61 columns, but the model has 60"):
        role.predict_proba(net_of(estimator), matrix.empty(61, 1))


def test_no_rows_predict_nothing() -> None:
    estimator, _ = fitted("net")
    with pytest.raises(ValueError, match="no rows"):
        role.confidences(net_of(estimator), matrix.empty(N_COLUMNS, 0))


def test_confidences_are_the_calibrated_mean_over_rows() -> None:
    estimator, rows = fitted("net")
    cool = net_of(estimator)
    cool = cool._replace(manifest=cool.manifest._replace(temperature=2.0))
    mean = role.predict_proba(cool, rows).mean(axis=0)
    expected = np.sqrt(mean) / np.sqrt(mean).sum()
    assert np.allclose(role.confidences(cool, rows), expected, atol=1e-9)


@given(
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6).filter(lambda p: sum(p) > 0.01),
    st.floats(0.1, 10),
)
def test_calibration_keeps_order_and_sum(weights: list[float], temperature: float) -> None:
    plain = np.array(weights) / sum(weights)
    found = role.calibrate(plain, temperature)
    assert abs(found.sum() - 1) < 1e-9
    assert np.argmax(found) == np.argmax(plain) or found.max() - found[np.argmax(plain)] < 1e-9
    assert np.allclose(role.calibrate(plain, 1.0), plain, atol=1e-9)


def test_ranking_is_padded_to_three() -> None:
    assert role.rank(("x", "y"), np.array([0.25, 0.75])) == (
        ("y", "x", "Unknown"),
        (0.75, 0.25, 0.0),
    )
    assert role.rank(("x", "y"), None) == (("Unknown",) * 3, (0.0,) * 3)


def test_ranking_gives_the_best_three_and_breaks_ties_by_order() -> None:
    found = role.rank(CLASSES, np.array([0.2, 0.3, 0.2, 0.3]))
    assert found.labels == ("b", "d", "a")
    assert found.confidences == (0.3, 0.3, 0.2)

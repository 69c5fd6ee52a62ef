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

both_cores = pytest.mark.usefixtures("core")


def fitted(algorithm: str, seed: int = 1, hidden: int = 17) -> tuple[Any, matrix.Matrix]:
    """A scikit-learn model and rows that it has not seen."""
    sklearn_net = pytest.importorskip("sklearn.neural_network")
    sklearn_forest = pytest.importorskip("sklearn.ensemble")
    rows = random_rows(300, N_COLUMNS, seed)
    labels = np.array(CLASSES)[np.random.default_rng(seed).integers(0, 4, 300)]
    if algorithm == "net":
        estimator = sklearn_net.MLPClassifier((hidden,), max_iter=5, random_state=seed)
    elif algorithm == "extra":
        estimator = sklearn_forest.ExtraTreesClassifier(20, random_state=seed)
    else:
        estimator = sklearn_forest.RandomForestClassifier(20, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five steps do not converge, and need not
        estimator.fit(rows.to_scipy(), labels)
    return estimator, random_rows(500, N_COLUMNS, seed + 1)


def tiny(algorithm: str) -> Any:
    """A model of 60 columns and four classes: a net of five units, or one tree of one split."""
    if algorithm == "net":
        shapes = {"W0": (N_COLUMNS, 5), "b0": (5,), "W1": (5, 4), "b1": (4,)}
        return model("net", CLASSES)._replace(
            arrays={name: np.full(shape, 0.5, np.float32) for name, shape in shapes.items()}
        )
    arrays: dict[str, Any] = {
        "feature": np.array([0, -1, -1], np.int32),
        "threshold": np.zeros(3),
        "left": np.array([1, -1, -1], np.int32),
        "right": np.array([2, -1, -1], np.int32),
        "value": np.full((3, 4), 0.25, np.float32),
        "roots": np.zeros(1, np.int32),
    }
    return model("forest", CLASSES)._replace(arrays=arrays)


@both_cores
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


@both_cores
@pytest.mark.parametrize("hidden", [1, 3, 4, 32, 100, 131])
def test_a_net_of_any_width_gives_scikit_learns_probabilities(hidden: int) -> None:
    estimator, rows = fitted("net", hidden=hidden)
    ours = role.predict_proba(net_of(estimator), rows)
    assert np.abs(ours - estimator.predict_proba(rows.to_scipy())).max() <= 1e-6


@both_cores
@pytest.mark.parametrize("algorithm", ["net", "forest"])
def test_a_row_gets_the_same_alone_and_among_others(algorithm: str) -> None:
    estimator, rows = fitted(algorithm)
    model = net_of(estimator) if algorithm == "net" else forest_of(estimator)
    whole = role.predict_proba(model, rows)
    assert np.array_equal(whole, role.predict_proba(model, rows))
    for k in (0, 1, 6, 499):
        alone = role.predict_proba(model, rows.rows(np.array([k])))
        assert np.allclose(alone, whole[[k]], atol=1e-7, rtol=0)


@both_cores
@pytest.mark.parametrize("algorithm", ["net", "forest"])
@pytest.mark.parametrize(
    "part",
    [
        {"indptr": np.zeros(0, np.int64)},
        {"indptr": np.array([1, 2])},
        {"indptr": np.array([0, 2, 1, 2])},
        {"indptr": np.array([0, 3, 2])},
        {"indptr": np.array([0, -5, 2])},
        {"indptr": np.array([0, 1])},
        {"indptr": np.array([0, 3])},
        {"indices": np.array([0, 60], np.int32)},
        {"indices": np.array([-1, 0], np.int32)},
        {"indices": np.array([0], np.int32)},
        {"data": np.ones(3, np.float32)},
        {"n_columns": -1},
        {"n_columns": 1},
    ],
    ids=str,
)
def test_rows_that_reach_out_of_the_matrix_are_refused(
    algorithm: str, part: dict[str, Any]
) -> None:
    chosen = tiny(algorithm)
    good = matrix.Matrix(
        np.array([0, 2]), np.array([0, 1], np.int32), np.ones(2, np.float32), N_COLUMNS
    )
    assert role.predict_proba(chosen, good).shape == (1, 4)
    with pytest.raises(ValueError, match=r"matrix|column|negative"):
        role.predict_proba(chosen, good._replace(**part))


@both_cores
@pytest.mark.parametrize(
    ("algorithm", "name", "array"),
    [
        ("net", "b0", np.zeros(4)),
        ("net", "b0", np.zeros(0)),
        ("net", "W1", np.zeros((5, 3))),
        ("net", "b1", np.zeros(5)),
        ("net", "b1", np.zeros(0)),
        ("net", "scale", np.zeros(59)),
        ("net", "W0", np.zeros((60, 4))),
        ("forest", "feature", np.array([0, -1])),
        ("forest", "feature", np.array([60, -1, -1])),
        ("forest", "feature", np.array([-2, -1, -1])),
        ("forest", "left", np.array([0, -1, -1])),
        ("forest", "left", np.array([3, -1, -1])),
        ("forest", "right", np.array([-1, -1, -1])),
        ("forest", "right", np.array([1 << 30, -1, -1])),
        ("forest", "threshold", np.zeros(2)),
        ("forest", "value", np.ones((2, 4)) / 4),
        ("forest", "roots", np.array([3])),
        ("forest", "roots", np.array([-1])),
        ("forest", "roots", np.zeros(0)),
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_are_refused(algorithm: str, name: str, array: Any) -> None:
    good = tiny(algorithm)
    kind = good.arrays[name].dtype if name in good.arrays else np.float32
    bad = good._replace(arrays={**good.arrays, name: array.astype(kind)})
    with pytest.raises(ValueError, match=r"arra|tree|columns|zero-size"):
        role.predict_proba(bad, random_rows(3, N_COLUMNS, 1))


@both_cores
def test_arrays_of_other_types_and_orders_are_taken() -> None:
    good = tiny("net")
    random = {
        k: np.asarray(v + np.arange(v.size).reshape(v.shape) % 7) for k, v in good.arrays.items()
    }
    odd = {k: np.asfortranarray(v.astype(">f8")) for k, v in random.items()}
    rows = random_rows(9, N_COLUMNS, 2)
    found = role.predict_proba(good._replace(arrays=odd), rows)
    wanted = role.predict_proba(good._replace(arrays=random), rows)
    assert np.array_equal(found, wanted)
    assert not np.allclose(found, 0.25)


@both_cores
def test_what_is_not_a_number_is_not_hidden() -> None:
    rows = random_rows(1, N_COLUMNS, 2)._replace(
        indptr=np.array([0, 1]), indices=np.zeros(1, np.int32), data=np.full(1, np.nan, np.float32)
    )
    assert np.isnan(role.predict_proba(tiny("net"), rows)).all()


@both_cores
def test_scale_multiplies_the_features() -> None:
    estimator, rows = fitted("net")
    plain = net_of(estimator)
    scale = np.linspace(0.1, 3, N_COLUMNS, dtype=np.float32)
    scaled = plain._replace(arrays={**plain.arrays, "scale": scale})
    before = rows._replace(data=rows.data * scale[rows.indices])
    assert np.allclose(
        role.predict_proba(scaled, rows), role.predict_proba(plain, before), atol=1e-7
    )


@both_cores
def test_an_empty_row_gets_what_the_biases_say() -> None:
    estimator, _ = fitted("net")
    found = role.predict_proba(net_of(estimator), matrix.empty(N_COLUMNS, 2))
    assert np.allclose(found[0], estimator.predict_proba(np.zeros((1, N_COLUMNS)))[0], atol=1e-6)
    assert np.array_equal(found[0], found[1])


@both_cores
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


@both_cores
def test_another_width_is_refused() -> None:
    estimator, _ = fitted("net")
    with pytest.raises(ValueError, match="61 columns, but the model has 60"):
        role.predict_proba(net_of(estimator), matrix.empty(61, 1))


@both_cores
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


def test_background_is_shared_out() -> None:
    shared = role.spread(np.array([[0.6, 0.2, 0.2], [0, 0, 1]]), 2)
    assert np.allclose(shared, [[0.7, 0.3], [0.5, 0.5]])
    plain = np.array([[0.6, 0.4]])
    assert role.spread(plain, 2) is plain


@both_cores
def test_boosting_adds_its_leaves_up() -> None:
    arrays = {
        **tiny("forest").arrays,
        "value": np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 2, 0, 0]]),
    }
    twice = {
        k: np.concatenate([v, v + 3 * (k in {"left", "right"}) * (v >= 0)])
        for k, v in arrays.items()
    }
    twice["roots"] = np.array([0, 3], np.int32)
    boosted = model("boosting", CLASSES)._replace(arrays=twice)
    rows = matrix.from_dense(np.eye(2, N_COLUMNS, dtype=np.float32))
    found = role.predict_proba(boosted, rows)
    for row, scores in zip(found, ([0, 4, 0, 0], [2, 0, 0, 0]), strict=True):
        assert np.allclose(row, np.exp(scores) / np.exp(scores).sum())


def test_how_far_votes_are_spread() -> None:
    votes = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    assert np.allclose(role.dispersion(votes, 1.0), [0, 1, 0.5], atol=1e-6)
    assert role.dispersion(np.array([0.25] * 4), 0.5) == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_calibration_does_not_change_how_far_they_are_spread(temperature: float) -> None:
    votes = np.array([[0.7, 0.2, 0.05, 0.05]])
    calibrated = role.calibrate(votes, temperature)
    assert np.allclose(role.dispersion(calibrated, temperature), role.dispersion(votes, 1.0))

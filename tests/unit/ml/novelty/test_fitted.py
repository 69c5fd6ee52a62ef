"""One battery of checks for all algorithms, and what they have in common."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml.novelty import fitted
from plugin.ml.novelty.fitted import KINDS, Scorer, fit, load
from plugin.ml.novelty.options import complete

NAMES = sorted(KINDS)
QUICK: dict[str, dict[str, Any]] = {
    "isolation-forest": {"n_estimators": 20},
    "autoencoder": {"epochs": 10},
}
WIDTH = 6


def rows(n: int = 120, seed: int = 1) -> Any:
    return np.random.default_rng(seed).exponential(size=(n, WIDTH)) * [1, 2, 3, 4, 5, 0]


def asked() -> Any:
    near = rows(9, 2) / 2
    return np.vstack([near, [[12, 24, 36, 48, 60, 0]]])


_MADE: dict[str, Scorer] = {}


def made(name: str) -> Scorer:
    if name not in _MADE:
        _MADE[name] = fit(name, QUICK.get(name), rows(), 3)
    return _MADE[name]


@pytest.mark.parametrize("name", NAMES)
def test_higher_is_more_abnormal(name: str) -> None:
    found = made(name).score(asked())
    assert found.shape == (10,)
    assert found.argmax() == 9
    assert found[9] > np.median(found[:9])


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_the_same_bits(name: str) -> None:
    again = fit(name, QUICK.get(name), rows(), 3)
    assert np.array_equal(again.score(asked()), made(name).score(asked()))
    assert again.document() == made(name).document()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_scores_the_same_bits(name: str) -> None:
    scorer = made(name)
    arrays = {key: np.array(value) for key, value in scorer.arrays().items()}
    back = load(json.loads(json.dumps(scorer.document(), allow_nan=False)), arrays)
    assert np.array_equal(back.score(asked()), scorer.score(asked()))
    types = {key: (value.dtype.str[1:], value.ndim) for key, value in arrays.items()}
    assert types == fitted.layout(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_scored_the_same_alone_and_among_others(name: str) -> None:
    many = np.vstack([asked(), rows(90, 5)])
    whole = made(name).score(many)
    alone = np.concatenate([made(name).score(row[None]) for row in many])
    assert np.array_equal(whole, alone)
    assert np.array_equal(made(name).score(many[::-1])[::-1], whole)
    assert made(name).score(many[:0]).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused(name: str) -> None:
    for bad in (np.nan, np.inf):
        wrong = asked()
        wrong[3, 2] = bad
        with pytest.raises(ValueError, match="not finite"):
            made(name).score(wrong)
        with pytest.raises(ValueError, match="not finite"):
            fit(name, None, wrong)
    with pytest.raises(ValueError, match=r"not \(n, 6\)"):
        made(name).score(asked()[:, :5])


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_finite_however_far_a_row_is(name: str) -> None:
    far = np.vstack([np.full(WIDTH, value) for value in (1e9, 1e80, 1e200, 1e308, -1e308)])
    found = made(name).score(far)
    assert np.isfinite(found).all()
    assert (found[:4] >= made(name).score(rows(1, 9))).all()


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_not_changed(name: str) -> None:
    known, given = rows(40), asked()
    fit(name, QUICK.get(name), known, 1).score(given)
    assert np.array_equal(known, rows(40))
    assert np.array_equal(given, asked())


@pytest.mark.parametrize("name", NAMES)
def test_the_column_that_is_far_is_the_first_reason(name: str) -> None:
    row = np.median(rows(), axis=0)
    row[2] = 200.0
    columns = [f"c{k}" for k in range(WIDTH)]
    found = made(name).reasons(row, columns, 3)
    assert found[0].name == "c2"
    assert (found[0].value, found[0].low < found[0].middle < found[0].high) == (200.0, True)
    assert 0 < sum(one.weight for one in found) <= 1 + 1e-9
    assert len(found) <= 3
    assert found[0].weight == max(one.weight for one in found)


def test_where_no_column_alone_tells_the_distance_does() -> None:
    found = made("one-class-svm").reasons([1e6, 1e9, 1e6, 1e6, 1e6, 0.0], list("abcdef"))
    assert found[0].name == "b"
    assert made("one-class-svm").reasons(np.median(rows(), axis=0), list("abcdef"), 0) == ()


@pytest.mark.parametrize("name", NAMES)
def test_few_rows(name: str) -> None:
    for n in (0, 1):
        with pytest.raises((OptionError, ValueError)):
            fit(name, None, rows(n))
    assert np.isfinite(fit(name, QUICK.get(name), rows(3)).score(asked())).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sos"])
def test_equal_rows(name: str) -> None:
    scorer = fit(name, QUICK.get(name), np.ones((20, WIDTH)))
    assert np.isfinite(scorer.score(asked())).all()


def test_equal_rows_bind_to_nothing() -> None:
    with pytest.raises(OptionError, match="sos: 1 different reference rows"):
        fit("sos", {}, np.ones((20, WIDTH)))


WITH_REFERENCES = [name for name in NAMES if "references" in complete(name, {})]


@pytest.mark.parametrize("name", WITH_REFERENCES)
def test_references_bound_what_is_kept(name: str) -> None:
    scorer = fit(name, {"references": 30}, rows(), 1)
    kept = scorer.kept.arrays["support" if name == "one-class-svm" else "references"]
    assert len(kept) <= 30
    known = {tuple(row) for row in rows().tolist()}
    assert {tuple(row) for row in kept.tolist()} <= known
    other = fit(name, {"references": 30}, rows(), 2)
    assert not np.array_equal(other.score(asked()), scorer.score(asked()))
    for wrong in (1, 2.5, True, "many"):
        with pytest.raises(OptionError, match="references"):
            fit(name, {"references": wrong}, rows())


def test_scaled_columns() -> None:
    scorer = fit("knn", {"scale": True}, rows())
    assert scorer.kept.arrays["unit_0"][-1] == 1  # a column that is constant
    inside = (rows() - rows().mean(axis=0)) / np.where(rows().std(axis=0), rows().std(axis=0), 1)
    assert np.allclose(inside, scorer.kept.arrays["references"])
    raw = fit("knn", {}, inside)
    wanted = (asked() - rows().mean(axis=0)) / scorer.kept.arrays["unit_0"]
    assert np.allclose(scorer.score(asked()), raw.score(wanted))


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("one-class-svm", {"nu": 2}, "0 < nu <= 1"),
        ("one-class-svm", {"kernel": "none"}, "kernel"),
        ("one-class-svm", {"nu": "a"}, "could not convert"),
        ("kernel-density", {"bandwidth": 0}, "bandwidth = 0"),
        ("kernel-density", {"kernel": "none"}, "kernel"),
        ("isolation-forest", {"n_estimators": 0}, "n_estimators"),
        ("autoencoder", {"lr": 0}, "lr"),
        ("gaussian-mixture", {"covariance_type": "odd"}, "covariance_type"),
        ("pca", {"n_components": 9}, "9 of 9 components, but there are 6"),
        ("pca", {"method": "none"}, "method"),
        ("sos", {"perplexity": 0}, "perplexity"),
        ("knn", {"n_neighbors": 0}, "n_neighbors = 0"),
        ("local-outlier-factor", {"n_neighbors": 0}, "n_neighbors = 0"),
        ("knn", {"n_neighbors": None}, "int"),
    ],
)
def test_options_out_of_range_are_one_line(name: str, options: Any, reason: str) -> None:
    with pytest.raises(OptionError, match=reason) as caught:
        fit(name, options, rows(30))
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"algorithm": "oracle"}, "one that Halia has not"),
        ({"algorithm": 5}, "one that Halia has not"),
        ({"options": {"nu": []}}, "nu is no number"),
        ({"options": None}, "options is no object"),
        ({"columns": 5}, "has not the shape"),
        ({"numbers": {}}, "kernel is none of"),
        ({"numbers": {"kernel": "rbf", "gamma": "x"}}, "the number gamma"),
        ({"numbers": {"kernel": "rbf", "gamma": True}}, "the number gamma"),
        ({"numbers": {"kernel": "rbf", "gamma": -1.0}}, "the number gamma is none from 0"),
    ],
)
def test_a_foreign_document_is_checked(change: Any, reason: str) -> None:
    scorer = made("one-class-svm")
    with pytest.raises(ValueError, match=reason):
        load(scorer.document() | change, scorer.arrays())


def test_foreign_arrays_are_checked() -> None:
    scorer = made("one-class-svm")
    for name, array, reason in (
        ("unit_0", np.zeros(WIDTH), "a unit of a column"),
        ("usual", np.zeros((2, WIDTH)), "usual"),
        ("dual", -scorer.arrays()["dual"], "below 0"),
        ("support", np.zeros((1, WIDTH)), "support has shape"),
    ):
        with pytest.raises(ValueError, match=reason):
            load(scorer.document(), scorer.arrays() | {name: array})


def test_learning_by_default_and_all_scoring_import_numpy_only() -> None:
    code = (
        "import sys, numpy; from plugin.ml import flow_model; "
        "rows = numpy.random.default_rng(1).normal(size=(30, 4)); "
        "[flow_model.learn(rows, {}, flow_model.Training(name)).score(rows)"
        " for name in ('OCSVM', 'KDE', 'PCA', 'SOS', 'knn', 'lof')]; "
        "assert not {'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_values_that_some_rows_go_with_are_no_mistake(name: str) -> None:
    fitted.check_values(name, {})
    many = {"n_neighbors": 5000, "perplexity": 900.0, "n_components": 60, "max_samples": 4000}
    many |= {"n_estimators": 10**7, "epochs": 10**7}
    has = complete(name, {})
    fitted.check_values(name, {key: value for key, value in many.items() if key in has})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("one-class-svm", {"nu": 9}),
        ("one-class-svm", {"kernel": "rbff"}),
        ("kernel-density", {"bandwidth": -1.0}),
        ("isolation-forest", {"n_estimators": 0}),
        ("knn", {"n_neighbors": 0}),
        ("sos", {"perplexity": -3.0}),
        ("autoencoder", {"activation": "step"}),
    ],
)
def test_values_that_no_rows_go_with_are_told_before_there_are_any(
    name: str, options: dict[str, Any]
) -> None:
    with pytest.raises(OptionError, match=name):
        fitted.check_values(name, options)


def test_one_row_is_too_few() -> None:
    with pytest.raises(OptionError, match="knn: 1 rows, at least 2 are needed"):
        fit("knn", {"n_neighbors": 1}, rows(1))


def test_a_row_whose_distance_is_no_number_is_the_farthest() -> None:
    """Divided by a small unit it is infinite; that is no middle."""
    scorer = fit("knn", {"scale": True}, rows() * 1e-20)
    far = np.zeros((2, WIDTH))
    far[0, 0], far[1, 0] = 1e300, -1e300
    assert (scorer.score(far) > scorer.score(rows(1, 9)).max()).all()


def test_a_column_that_is_constant_but_for_rounding_keeps_its_unit() -> None:
    given = rows()
    given[:, 0] = 1e6
    given[::2, 0] = np.nextafter(1e6, 2e6)
    assert given[:, 0].std() > 0
    unit = fit("knn", {"scale": True}, given).kept.arrays["unit_0"]
    assert unit[0] == 1
    assert unit[1] == pytest.approx(given[:, 1].std())


def test_references_stand_in_the_order_of_the_rows() -> None:
    given = rows()
    kept = fit("knn", {"references": 30}, given, 1).kept.arrays["references"]
    places = [given.tolist().index(row) for row in kept.tolist()]
    assert places == sorted(places)
    assert len(set(places)) == 30


def test_columns_without_weight_are_no_reasons() -> None:
    row = np.median(rows(), axis=0)
    row[2] = 200.0
    found = made("kernel-density").reasons(row, list("abcdef"), WIDTH)
    assert [one.name for one in found] == ["c"]
    assert found[0].weight == 1


def test_two_columns_that_are_boundlessly_far_share_the_weight() -> None:
    scorer = fit("one-class-svm", {}, rows() * 1e-9)
    found = scorer.reasons([1e300, 1e300, 0.0, 0.0, 0.0, 0.0], list("abcdef"), 2)
    assert [(one.name, one.weight) for one in found] == [("a", 0.5), ("b", 0.5)]

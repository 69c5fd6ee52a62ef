"""Scores of whole matrices by either core, and our estimator for new rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from plugin.core import implementation
from plugin.ml.novelty import sos
from plugin.ml.novelty.rows import unit
from plugin.ml.novelty.sos import Settings, fit, score_against, scores, surprise_against


@pytest.fixture(params=["c", "reference"])
def core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "c":
        pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    monkeypatch.setenv("HALIA_CORE", request.param)
    assert implementation() == request.param
    return str(request.param)


def normal(n: int, columns: int = 3, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, columns))


@pytest.mark.usefixtures("core")
def test_a_far_row_is_an_outlier_and_no_other_is() -> None:
    rows = np.vstack([normal(40), [[9, 9, 9]]])
    found = scores(rows)
    assert found[-1] > 0.99
    assert found.argmax() == 40
    assert np.median(found) < 0.4


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e200])
def test_the_unit_of_the_columns_does_not_matter(factor: float) -> None:
    rows = normal(20)
    assert np.allclose(scores(rows * factor), scores(rows), rtol=0, atol=1e-9)
    references, twin = fit(rows), fit(rows * factor)
    asked = normal(5, seed=2)
    assert np.allclose(score_against(twin, asked * factor), score_against(references, asked))


def test_both_cores_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    rows = np.vstack([normal(30), normal(30)[:4], np.zeros((7, 3))])
    found = []
    for name in ("c", "reference"):
        monkeypatch.setenv("HALIA_CORE", name)
        found.append(scores(rows, Settings(tolerance=1e-12)))
    assert np.abs(found[0] - found[1]).max() < 1e-10


def test_squared_distances_or_distances() -> None:
    rows = normal(20)
    plain = scores(rows, Settings(squared=False))
    assert np.abs(plain - scores(rows)).max() > 0.01
    # Distances of points on a line, squared by hand, are the other kind.
    line = np.array([[0.0], [1.0], [3.0], [7.0], [8.0], [20.0], [21.0]])
    sides = np.sqrt(np.abs(line - line.T))
    assert np.allclose(sides**2, np.abs(line - line.T))


def test_rows_are_computed_alike_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = normal(50)
    whole, references = scores(rows), fit(rows)
    monkeypatch.setattr(sos, "_AT_ONCE", 350)
    assert np.allclose(scores(rows), whole, rtol=1e-13)
    assert fit(rows).beta.tolist() == references.beta.tolist()


@pytest.mark.usefixtures("core")
def test_few_rows() -> None:
    assert scores(np.empty((0, 2))).tolist() == []
    assert scores([[3.0]]).tolist() == [1.0]
    assert scores([[3.0], [4.0]]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("perplexity", [0.5, math.nan, math.inf])
def test_a_perplexity_out_of_range(perplexity: float) -> None:
    for rows in (normal(9), np.empty((0, 2))):
        with pytest.raises(ValueError, match="perplexity"):
            scores(rows, Settings(perplexity))


def test_references_are_kept_once_and_must_be_enough() -> None:
    rows = normal(6)
    twice = np.vstack([rows, rows])
    assert len(fit(twice).rows) == 6
    assert sos.least_references() == 6
    with pytest.raises(ValueError, match="5 different reference rows, but at least 6"):
        fit(twice[1:6])
    assert (fit(rows).beta > 0).all()


@pytest.mark.usefixtures("core")
def test_our_estimator_is_the_formula() -> None:
    known, row = normal(9), np.array([0.3, -0.2, 1.0])
    references = fit(known, Settings(squared=False))
    unbound = 1.0
    for i, one in enumerate(references.rows):
        apart = np.sqrt(((references.rows - one) ** 2).sum(axis=1))
        others = np.delete(apart, i)
        precision = references.beta[i] * unit(known)
        affinity = np.exp(-precision * math.dist(row, one))
        unbound *= 1 - affinity / (np.exp(-precision * others).sum() + affinity)
    assert score_against(references, [row])[0] == pytest.approx(unbound, abs=1e-12)
    assert surprise_against(references, [row])[0] == pytest.approx(-math.log(1 - unbound))


def test_our_estimator_is_near_the_exact_one_with_the_row_among_the_references() -> None:
    known, asked = normal(150), normal(40, seed=2) * 1.5
    ours = score_against(fit(known), asked)
    exact = np.array([scores(np.vstack([known, row]))[-1] for row in asked])
    assert np.abs(ours - exact).max() < 0.25
    first, second = (np.argsort(np.argsort(found)) for found in (ours, exact))
    assert np.corrcoef(first, second)[0, 1] > 0.95


def test_equal_new_rows_do_not_hide_each_other() -> None:
    references, group = fit(normal(60)), np.full((5, 3), 7.0)
    assert (score_against(references, group) > 0.99).all()
    alone = score_against(references, group[:1])[0]
    assert score_against(references, group).tolist() == [alone] * 5


def test_surprise_goes_on_where_the_probability_ends() -> None:
    references = fit(normal(60))
    far = np.array([[x] * 3 for x in (0.0, 2.0, 10.0, 20.0, 1e6, 1e300)])
    probability, surprise = score_against(references, far), surprise_against(references, far)
    assert (np.diff(probability) >= 0).all()
    assert probability[3] == probability[4] == 1
    assert (np.diff(surprise) > 0).all()
    assert np.isfinite(surprise).all()
    near = probability < 0.9
    assert np.allclose(surprise[near], -np.log1p(-probability[near]))
    further = np.linspace(0, 4, 17)[:, None] * np.ones(3)
    probability, surprise = (
        score_against(references, further),
        surprise_against(references, further),
    )
    near = probability < 1 - 1e-6
    assert probability[near].max() > 0.9999
    assert np.allclose(surprise[near], -np.log1p(-probability[near]), rtol=1e-9)


def test_both_forms_meet_where_the_one_takes_over() -> None:
    just, beyond = (np.array([[x, x - 3, x - 3.5]]) for x in (-39.999999, -40.000001))
    step = (sos._surprise(beyond) - sos._surprise(just)).item()
    assert step == pytest.approx(2e-6, rel=1e-3)


def test_a_row_where_a_reference_is_stays_bound() -> None:
    known = normal(60)
    assert (score_against(fit(known), known) < 0.9).all()


@pytest.mark.parametrize("rows", [np.ones((2, 4)), [[1.0, 2.0, math.nan]]])
def test_new_rows_are_checked(rows: Any) -> None:
    references = fit(normal(9))
    for ask in (score_against, surprise_against):
        with pytest.raises(ValueError, match=r"rows of shape|not finite"):
            ask(references, rows)
    assert score_against(references, np.empty((0, 3))).shape == (0,)


def test_rows_nearer_than_numbers_can_tell_still_have_an_answer() -> None:
    known = np.array([[1.0, 0.0], *([1.0, k * 1e-170] for k in range(1, 9))])
    found = score_against(fit(known), [[1.0, 0.0], [2.0, 0.0]])
    assert np.isfinite(found).all()
    assert found[0] < found[1]

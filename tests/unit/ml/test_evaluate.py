from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.ml import evaluate as ev

if TYPE_CHECKING:
    from numpy.typing import NDArray

Y = np.array([0, 0, 0, 1, 1, 2])
ANSWERS = np.array([0, 0, 1, 1, 3, 2])  # 3: no answer


def _context(groups: int = 6, **more: Any) -> ev.Context:
    names = [f"g{i % groups}" for i in range(6)]
    return ev.Context(title="t", split="s", groups=names, majority=0.5, **more)


def _confidences() -> NDArray[np.float64]:
    found = np.zeros((6, 3))
    for i, answer in enumerate(ANSWERS):
        if answer < 3:
            found[i, answer] = 1
    return found


def test_figures_by_hand() -> None:
    e = ev.evaluation(
        ["a", "b", "c"], Y, _confidences(), np.array([True] * 4 + [False] * 2), _context()
    )
    assert e.confusion == ((2, 1, 0, 0), (0, 1, 0, 1), (0, 0, 1, 0))
    assert e.right == 4
    assert e.accuracy.value == pytest.approx(4 / 6)
    assert e.precision.value == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert e.recall.value == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert e.f1.value == pytest.approx((0.8 + 0.5 + 1) / 3)
    assert e.known == pytest.approx(4 / 6)
    assert e.known_right == pytest.approx(3 / 4)
    assert e.top3 == pytest.approx(5 / 6)  # no answer is not among the three
    assert e.accuracy.low <= e.accuracy.value <= e.accuracy.high


@pytest.mark.parametrize("seed", [0, 1])
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn.metrics import precision_recall_fscore_support

    random = np.random.default_rng(seed)
    y, answers = random.integers(0, 4, 60), random.integers(0, 4, 60)
    found = ev.macro(ev.confusion(y, answers, 4))
    expected = precision_recall_fscore_support(y, answers, average="macro", zero_division=0)[:3]
    assert found[1:] == pytest.approx(expected)


def test_the_bootstrap_draws_groups() -> None:
    alone = ev.bootstrap(
        np.repeat([0, 1], 50), np.repeat([0, 0], 50), [str(i) for i in range(100)], 2, 0
    )
    together = ev.bootstrap(
        np.repeat([0, 1], 50), np.repeat([0, 0], 50), ["x"] * 50 + ["y"] * 50, 2, 0
    )
    # With two groups the accuracy of a sample can be 0 or 1; with a hundred it cannot.
    assert together[0].tolist() == [0, 1]
    assert 0.3 < alone[0, 0] < 0.5 < alone[0, 1] < 0.7


def test_the_same_seed_gives_the_same_interval() -> None:
    groups = [str(i) for i in range(6)]
    spans = [ev.bootstrap(Y, ANSWERS, groups, 3, seed) for seed in (4, 4, 5)]
    assert np.array_equal(spans[0], spans[1])
    assert spans[0].shape == (4, 2)


def test_baselines() -> None:
    assert ev.majority_share(Y) == 0.5
    assert ev.majority_share(np.array([0, 1]), np.array([1, 1, 0])) == 0.5
    folds = [(np.array([0, 1, 2]), np.array([3, 4])), (np.array([3, 4]), np.array([0, 5]))]
    assert ev.majority_of_folds(Y, folds, 3) == 0
    assert ev.majority_of_folds(Y, [(np.array([3, 5]), np.array([4, 5]))], 2) == 1
    assert sorted(ev.permuted(Y, 1).tolist()) == sorted(Y.tolist())
    assert np.array_equal(ev.permuted(Y, 1), ev.permuted(Y, 1))


@given(st.integers(0, 1000))
def test_permuted_labels_are_at_chance(seed: int) -> None:
    y = np.repeat([0, 1], 200)
    assert 0.3 < (ev.permuted(y, seed) == y).mean() < 0.7


def test_words_and_json() -> None:
    e = ev.evaluation(
        ["a", "b", "c"], Y, _confidences(), np.zeros(6, np.bool_),
        _context(2, open_captures=4, open_known=0.25, background_captures=9, background_known=0.0,
                 notes=("WARNING: seen",)),
    )  # fmt: skip
    text = ev.lines(e)
    for words in (
        "majority    0.500",
        "permuted    not run",
        "of which right: none",
        "open set    0.750   of 4",
        "background  1.000   of 9",
        "WARNING: seen",
    ):
        assert words in text
    document = json.loads(json.dumps(e.document()))
    assert document["accuracy"]["value"] == pytest.approx(4 / 6)
    assert document["per_class"][0]["name"] == "a"
    assert document["groups"] == 2


def test_single_captures_are_known_by_name_and_stay_out_of_the_document() -> None:
    y = np.array([0, 1, 1])
    confidences = np.array([[0.2, 0.5, 0.2, 0.1], [0.1, 0.7, 0.1, 0.1], [0, 0, 0, 0]])
    context = ev.Context("t", "s", list("xyz"), 0.5, names=["p", "q", "r"])
    found = ev.evaluation(list("abcd"), y, confidences, np.array([False, True, False]), context)
    wrong, right, silent = found.asked
    assert (wrong.name, wrong.truth, wrong.labels) == ("p", "a", ("b", "a", "c"))
    assert (wrong.rank, wrong.of_truth, wrong.known) == (2, 0.2, False)
    assert (right.right, right.known, right.confidences[0]) == (True, True, 0.7)
    assert (silent.labels, silent.rank, silent.right) == ((), 0, False)
    assert "asked" not in found.document()


def test_what_has_no_width_gets_the_exact_interval() -> None:
    y = np.array([0, 1] * 6)
    context = ev.Context("t", "s", [str(k) for k in range(12)], 0.5)
    found = ev.evaluation(["a", "b"], y, np.eye(2)[y], np.ones(12, bool), context)
    assert list(found.accuracy) == pytest.approx([1.0, 0.735, 1.0], abs=1e-3)
    wrong = ev.evaluation(["a", "b"], y, np.eye(2)[1 - y], np.ones(12, bool), context)
    assert list(wrong.accuracy) == pytest.approx([0.0, 0.0, 0.265], abs=1e-3)
    fewer = ev.evaluation(
        ["a", "b"], y, np.eye(2)[y], np.ones(12, bool), context._replace(groups=["x", "y"] * 6)
    )
    assert fewer.accuracy.low == pytest.approx(0.025**0.5)


def test_a_model_as_it_stands_was_not_fitted_again() -> None:
    y = np.array([0, 1] * 3)
    context = ev.Context("t", "s", list("abcdef"), 0.5, 0.4, configurations=3)
    for refitted, words in ((True, "the same recipe on"), (False, "nothing was fitted")):
        found = ev.evaluation(
            ["a", "b"], y, np.eye(2)[y], np.ones(6, bool), context._replace(refitted=refitted)
        )
        assert words in ev.lines(found)
        assert ("when the model was trained" in ev.lines(found)) is not refitted
        assert found.document()["refitted"] is refitted

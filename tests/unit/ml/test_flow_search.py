from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from plugin.errors import OptionError
from plugin.ml.flow_search import (
    Labelled,
    Point,
    Standing,
    Trial,
    Tried,
    attempt,
    grid,
    ranked,
    trials,
)
from plugin.ml.novelty import fitted


def _flows(n: int = 60, seed: int = 3) -> Labelled:
    random = np.random.default_rng(seed)
    labels = (np.arange(n) % 5 == 0).astype(np.int8)
    return Labelled(random.normal(size=(n, 3)) + labels[:, None], labels)


def test_a_grid_is_every_combination_in_the_order_given() -> None:
    points = grid({"KDE": {"bandwidth": [0.5, 1.0], "kernel": "tophat"}, "pca": None})
    assert [(p.algorithm, dict(p.options)) for p in points] == [
        ("kernel-density", {"bandwidth": 0.5, "kernel": "tophat"}),
        ("kernel-density", {"bandwidth": 1.0, "kernel": "tophat"}),
        ("pca", {}),
    ]
    assert [p.name for p in points][1:] == ["kernel-density (bandwidth 1.0, kernel tophat)", "pca"]


def test_what_is_no_grid_is_told_before_the_work() -> None:
    for wrong, said in (
        ({}, "no algorithm to try"),
        ({"svmm": None}, "svmm"),
        ({"kde": {"bandwith": 1}}, "bandwith"),
        ({"kde": {"bandwidth": []}}, "no algorithm to try"),
        ({"kde": {"bandwidth": list(range(400)), "kernel": list("abc") * 100}}, "too many"),
    ):
        with pytest.raises(OptionError, match=said):
            grid(wrong)


def test_every_point_meets_the_same_splits() -> None:
    found = trials(grid({"pca": None, "kde": None}), 3, 7)
    assert [(t.point.algorithm, t.split, t.seed) for t in found] == [
        (name, split, 7) for name in ("pca", "kernel-density") for split in (7, 8, 9)
    ]
    for splits in (0, -1, 10**6):
        with pytest.raises(OptionError, match="no number of trials"):
            trials(grid({"pca": None}), splits, 0)


def test_a_trial_is_a_fit_on_one_part_and_its_area_on_the_other() -> None:
    flows, point = _flows(), Point("kernel-density", {"bandwidth": 0.7})
    learn, check, _, truth = train_test_split(
        flows.rows, flows.labels, test_size=0.33, random_state=11
    )
    scores = fitted.fit(point.algorithm, point.options, learn, 5).score(check)
    found = attempt(flows, Trial(point, 11, 5))
    assert found.auc == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert found == attempt(flows, Trial(point, 11, 5))


def test_what_cannot_be_measured_says_why() -> None:
    flows = _flows()
    one_kind = flows._replace(labels=np.zeros(60, np.int8))
    assert attempt(one_kind, Trial(Point("pca", {}), 1, 1)) == Tried(
        None, "the test has flows of one kind only"
    )
    found = attempt(flows, Trial(Point("kernel-density", {"bandwidth": -1.0}), 1, 1))
    assert found.auc is None
    assert "bandwidth" in found.reason


def test_the_best_mean_is_first_and_what_failed_is_last() -> None:
    def standing(name: str, *aucs: float | None) -> Standing:
        tried = tuple(Tried(auc, "" if auc is not None else "no") for auc in aucs)
        return Standing(name, Point("pca", {}), tried)

    low, high, none = standing("a", 0.4, 0.5), standing("b", 0.9, None), standing("c", None)
    assert ranked([none, low, high, standing("d", 0.45)]) == [high, low, standing("d", 0.45), none]
    assert low.mean == pytest.approx(0.45)
    assert (high.mean, high.reason) == (0.9, "no")
    assert low.spread == pytest.approx(np.std([0.4, 0.5], ddof=1))
    assert np.isnan(high.spread)
    assert np.isnan(none.mean)

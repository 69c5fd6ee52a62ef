"""Against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from plugin.ml.novelty.kept import forest
from plugin.ml.novelty.kept.forest import average_path
from plugin.ml.novelty.kept.kind import Kept
from plugin.ml.novelty.options import complete


def rows(n: int = 90, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 5)).round(2)


OPTIONS = [
    {"n_estimators": 30},
    {"n_estimators": 20, "max_samples": 16, "max_features": 2},
    {"n_estimators": 20, "max_samples": 0.5, "max_features": 0.6, "bootstrap": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_scores_are_scikit_learns(options: Any) -> None:
    theirs = IsolationForest(**options, random_state=7).fit(rows())
    kept = forest.fit(complete_of(options), rows(), 7)
    forest.check(kept, 5)
    asked = np.vstack([rows(300, 2), rows()])
    assert np.allclose(forest.score(kept, asked), -theirs.score_samples(asked), rtol=1e-12)


def complete_of(options: Any) -> Any:
    chosen = complete("isolation-forest", options)
    return {key: value for key, value in chosen.items() if key != "scale"}


def test_paths() -> None:
    assert average_path(np.array([0, 1, 2])).tolist() == [0, 0, 1]
    assert average_path(np.array([256]))[0] == pytest.approx(10.2448, abs=1e-4)


def test_one_row_a_tree_tells_nothing() -> None:
    kept = forest.fit(complete_of({"n_estimators": 3, "max_samples": 1}), rows(), 1)
    assert forest.score(kept, rows(2)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("feature", lambda a: a * 0 + 5, "a column that is not there"),
        ("feature", lambda a: a - 2, "a column that is not there"),
        ("left", lambda a: a * 0, "child is out of place"),
        ("right", lambda a: a + 10**6, "child is out of place"),
        ("roots", lambda a: a - 1, "no root"),
        ("roots", lambda a: a * 0, "two trees have one root"),
        ("path", lambda a: -a - 1, "length of a path"),
        ("cut", lambda a: a[:-1], "differ in length"),
    ],
)
def test_foreign_trees_are_checked(name: str, change: Any, reason: str) -> None:
    kept = forest.fit(complete_of({"n_estimators": 3}), rows(), 1)
    damaged = kept._replace(arrays={**kept.arrays, name: change(kept.arrays[name])})
    with pytest.raises(ValueError, match=reason):
        forest.check(damaged, 5)


def test_a_boundless_number_of_trees_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = forest.fit(complete_of({"n_estimators": 4}), rows(), 1)
    monkeypatch.setattr(forest, "TREES_MAX", 4)
    forest.check(kept, 5)
    monkeypatch.setattr(forest, "TREES_MAX", 3)
    with pytest.raises(ValueError, match="more than 3 trees"):
        forest.check(kept, 5)


def test_a_number_at_a_cut_goes_left_as_scikit_learn_has_it() -> None:
    tables = {"feature": [0, -1, -1], "left": [1, -1, -1], "right": [2, -1, -1], "roots": [0]}
    arrays: Any = {name: np.array(table, np.int32) for name, table in tables.items()}
    arrays |= {"cut": np.array([0.5, 0, 0]), "path": np.array([0.0, 1.0, 3.0])}
    kept = Kept({"mean": 2.0}, arrays)
    forest.check(kept, 1)
    assert forest.score(kept, np.array([[0.5], [0.75]])).tolist() == [2**-0.5, 2**-1.5]

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from plugin.errors import InputError, OptionError
from plugin.netml import KDE, MODEL

RNG = np.random.default_rng(2)
TRAIN = RNG.normal(size=(50, 2))
TEST = np.concatenate([RNG.normal(size=(20, 2)), RNG.normal(size=(5, 2)) + 20])
LABELS = np.array([0] * 20 + [1] * 5)


def test_training_and_testing() -> None:
    ndm = MODEL(KDE(), score_metric="auc", verbose=10, random_state=42)
    assert (ndm.model_name, ndm.score, ndm.history) == ("KDE", None, {})
    ndm.train(TRAIN)
    ndm.test(TEST, LABELS)
    assert ndm.score == 1.0
    assert ndm.history == {"score_metric": "auc", "score": 1.0, "tested": 25, "abnormal": 5}
    assert ndm.train.tot_time > 0
    assert ndm.test.tot_time > 0


def test_scikit_learns_own_are_not_taken_upside_down() -> None:
    ndm = MODEL(IsolationForest(random_state=0), score_metric="ap")
    ndm.train(TRAIN)
    ndm.test(TEST, LABELS)
    assert ndm.score == 1.0


class Far:
    """A detector of PyOD's kind: higher = more abnormal, no score_samples."""

    name = "far"

    def fit(self, rows: object) -> None:
        pass

    def decision_function(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(rows).sum(axis=1))


def test_pyods_kind_is_taken_as_it_is() -> None:
    ndm = MODEL(Far())
    ndm.train(TRAIN)
    ndm.test(TEST, LABELS)
    assert (ndm.model_name, ndm.score) == ("far", 1.0)


@pytest.mark.parametrize(("labels", "said"), [(None, "no labels"), (LABELS * 0, "one kind only")])
def test_a_test_that_says_nothing_is_refused(labels: np.ndarray | None, said: str) -> None:
    ndm = MODEL(KDE().fit(TRAIN))
    with pytest.raises(InputError, match=said):
        ndm.test(TEST, labels)  # type: ignore[arg-type]  # what it refuses
    with pytest.raises(OptionError, match="f1"):
        MODEL(KDE(), score_metric="f1")

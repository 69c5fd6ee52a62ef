from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from plugin.ml.flow_model import Training, learn
from plugin.ml.novelty.options import ALGORITHMS
from plugin.netml.detector import Detector, Loaded
from plugin.netml.detectors import CLASSES, IF, KDE, OCSVM, PCA, SOS, of_model

RNG = np.random.default_rng(1)
ROWS = RNG.normal(size=(40, 3))
FAR = np.array([[0.0, 0.0, 0.0], [30.0, -30.0, 30.0]])


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_finds_what_is_far_and_can_be_copied(kind: type[Detector]) -> None:
    small = {"n_estimators": 5, "epochs": 5}
    made = clone(kind(**{k: v for k, v in small.items() if k in kind().get_params()}))
    scores = made.fit(ROWS).decision_function(FAR)
    assert scores[1] > scores[0]
    assert (clone(made).fit(ROWS).decision_function(FAR) == scores).all()
    loaded = of_model(made.model_, None)
    assert type(loaded) is kind
    assert (loaded.decision_function(FAR) == scores).all()
    assert loaded.predict(FAR).tolist() == made.predict(FAR).tolist()


def test_each_argument_is_an_option_or_named_as_idle() -> None:
    known = {one.name: {option.name for option in one.options} for one in ALGORITHMS}
    for kind in CLASSES:
        options = kind()._options(dict.fromkeys(set(kind().get_params()) - kind._idle))
        assert set(options) <= known[kind._algorithm], kind.__name__


def test_arguments_reach_the_fit() -> None:
    assert OCSVM(nu=0.2, gamma=1.0).fit(ROWS).model_.manifest.options["nu"] == 0.2
    assert PCA(standardization=False).fit(ROWS).model_.manifest.options["scale"] is False
    few = IF(n_estimators=3, contamination=0.25, random_state=5).fit(ROWS).model_.manifest
    assert (few.options["n_estimators"], few.alarms, few.seed) == (3, 0.25, 5)


def test_a_model_without_a_class_here_still_scores() -> None:
    model = learn(ROWS, {}, Training(algorithm="knn", name="near"))
    found = of_model(model, None)
    assert isinstance(found, Loaded)
    assert found.name == "near"
    assert found.predict(FAR).tolist() == [1, -1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [OCSVM, KDE, PCA, SOS], ids=lambda kind: kind.__name__)
def test_scikit_learns_checks(kind: type[Detector]) -> None:
    """The other classes differ in names of arguments only, and take longer."""
    spared = {"check_non_transformer_estimators_n_iter": "how many steps it took is not kept"}
    check_estimator(kind(), on_skip=None, expected_failed_checks=spared)

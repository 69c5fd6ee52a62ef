"""scikit-learn's own checks, and what they do not look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from plugin.ml.novelty import knn, pca, sos
from plugin.ml.novelty.estimators import (
    Autoencoder,
    NearestReferences,
    PrincipalComponents,
    StochasticOutlierSelection,
)

CANNOT_APPLY = {
    "check_array_api_input": "asks for SCIPY_ARRAY_API: the kernels take numpy's arrays",
    "check_outliers_train": (
        "asks for rows of the fit as if they were new: each is bound to by its own twin, so none "
        "has a probability above 1/2. fit_predict (novelty=False) is what judges them"
    ),
}
"""Checks of scikit-learn that are not passed, and why; the second by novelty=True only."""
SPARED = [(StochasticOutlierSelection, True, "check_outliers_train")]
ALL = [
    StochasticOutlierSelection(),
    StochasticOutlierSelection(novelty=True),
    NearestReferences(),
    NearestReferences(3, mean=True, city=True, novelty=True),
    PrincipalComponents(),
    Autoencoder(epochs=20, random_state=1),
]


def checks() -> list[Any]:
    return [
        pytest.param(estimator, check, id=f"{one}-{name_of(check)}")
        for one in ALL
        for estimator, check in estimator_checks_generator(one)
    ]


def name_of(check: Any) -> str:
    return str(getattr(check, "func", check).__name__)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    this = (type(estimator), getattr(estimator, "novelty", None), name_of(check))
    if name_of(check) == "check_array_api_input":
        pytest.skip(CANNOT_APPLY[name_of(check)])
    if this in SPARED:
        with pytest.raises(AssertionError, match="Arrays are not equal"):
            check(estimator)
        return
    check(estimator)


def rows(n: int = 50) -> Any:
    return np.random.default_rng(3).normal(size=(n, 3))


def far() -> Any:
    return np.vstack([rows()[:5] / 3, [[8.0, -8.0, 8.0]]])


def test_outlier_selection_gives_the_exact_scores_to_the_rows_of_the_fit() -> None:
    known = np.vstack([rows(), [[7, 7, 7]]])
    detector = StochasticOutlierSelection()
    labels = detector.fit_predict(known)
    assert (-detector.negative_scores_).tolist() == sos.scores(known).tolist()
    assert (labels == np.where(sos.scores(known) > 0.5, -1, 1)).all()
    assert labels[-1] == -1
    assert not hasattr(detector, "predict")
    assert not hasattr(detector, "score_samples")


def test_outlier_selection_gives_our_estimate_to_new_rows() -> None:
    settings = sos.Settings(3.0, squared=False)
    detector = StochasticOutlierSelection(3.0, squared=False, novelty=True).fit(rows())
    expected = sos.score_against(sos.fit(rows(), settings), far())
    assert (-detector.score_samples(far())).tolist() == expected.tolist()
    assert detector.predict(far()).tolist() == [1] * 5 + [-1]
    assert not hasattr(detector, "fit_predict")


def test_few_rows_make_the_perplexity_smaller() -> None:
    known = np.array([[0.0], [1.0], [1.0], [2.0], [5.0]])
    detector = StochasticOutlierSelection(novelty=True).fit(known)
    assert detector.perplexity_ == 2
    assert detector.predict([[100.0]]).tolist() == [-1]
    with pytest.raises(ValueError, match="different reference rows"):
        StochasticOutlierSelection(novelty=True).fit(known[1:3])


def test_nearest_references() -> None:
    detector = NearestReferences(3, mean=True, contamination=0.2, novelty=True).fit(rows())
    assert (-detector.score_samples(far())).tolist() == knn.score_against(
        rows(), far(), 3, mean=True
    ).tolist()
    assert detector.predict(far())[-1] == -1
    assert (detector.negative_scores_ < detector.offset_).sum() == 10
    assert NearestReferences(9).fit(rows(4)).n_neighbors_ == 3
    city = NearestReferences(2, city=True).fit(rows())
    assert (-city.negative_scores_).tolist() == knn.scores(rows(), 2, city=True).tolist()


def test_principal_components() -> None:
    known = rows() * [5, 1, 0.01]
    detector = PrincipalComponents(0.99, most=2).fit(known)
    expected = pca.score_against(pca.fit(known, 0.99, 2), far())
    assert (-detector.score_samples(far())).tolist() == expected.tolist()
    assert (PrincipalComponents(0.99).fit_predict(known) == -1).sum() == 5


def test_autoencoder() -> None:
    known = rows() @ [[1, 1, 1], [1, -1, 0], [0, 0, 0]]  # all on a plane
    detector = Autoencoder(8, 2, epochs=300, lr=0.01, random_state=1).fit(known)
    assert detector.predict([[4.0, 4.0, -9.0]]).tolist() == [-1]
    assert (detector.predict(known) == -1).sum() == 5
    assert [detector.arrays_[name].shape for name in ("W0", "W1", "W2", "W3")] == [
        (3, 8),
        (8, 2),
        (2, 8),
        (8, 3),
    ]
    again = Autoencoder(8, 2, epochs=300, lr=0.01, random_state=2).fit(known)
    assert not np.array_equal(again.arrays_["W0"], detector.arrays_["W0"])


@pytest.mark.parametrize("one", ALL, ids=str)
def test_contamination_is_the_share_of_the_fit_called_unusual(one: Any) -> None:
    detector = clone(one).set_params(contamination=0.3).fit(rows())
    assert (detector.negative_scores_ < detector.offset_).sum() == 15


@pytest.mark.parametrize(
    "wrong",
    [
        StochasticOutlierSelection(0.5),
        StochasticOutlierSelection(contamination=0.6),
        NearestReferences(0),
        PrincipalComponents(1.1),
        Autoencoder(0),
    ],
    ids=str,
)
def test_parameters_out_of_range(wrong: Any) -> None:
    with pytest.raises(ValueError, match="parameter of"):
        wrong.fit(rows())


def test_they_go_into_a_pipeline() -> None:
    line = make_pipeline(StandardScaler(), NearestReferences(novelty=True))
    assert line.fit(rows() * [1, 100, 1e4]).predict([[0, 0, 0], [9, 900, 9e4]]).tolist() == [1, -1]

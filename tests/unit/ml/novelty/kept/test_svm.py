"""Against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.svm import OneClassSVM

from plugin.ml.novelty.kept import svm
from plugin.ml.novelty.kept.kind import Kept
from plugin.ml.novelty.options import complete


def rows(n: int = 150, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 5)) * [1, 1, 2, 2, 3]


def kept_of(detector: Any) -> Kept:
    numbers = {"kernel": detector.kernel, "gamma": detector._gamma}
    whole = detector.dual_coef_.sum()
    arrays = {"support": detector.support_vectors_, "dual": detector.dual_coef_[0] / whole}
    return Kept({**numbers, "coef0": detector.coef0, "degree": detector.degree}, arrays)


KERNELS = [
    {"kernel": "rbf", "nu": 0.1},
    {"kernel": "rbf", "gamma": 0.3},
    {"kernel": "rbf", "gamma": "auto"},
    {"kernel": "linear"},
    {"kernel": "poly", "degree": 2, "coef0": 1.0, "gamma": "scale"},
    {"kernel": "sigmoid", "gamma": 0.01, "coef0": 0.1},
]


@pytest.mark.parametrize("options", KERNELS, ids=str)
def test_scores_and_fit_are_scikit_learns(options: Any) -> None:
    tol = 1e-3 if options["kernel"] == "linear" else 1e-6  # LIBSVM does not end where it is less
    theirs = OneClassSVM(**options, tol=tol).fit(rows())
    wanted = -theirs.score_samples(rows(70, 2)) / theirs.dual_coef_.sum()
    same = svm.score(kept_of(theirs), rows(70, 2))
    assert np.allclose(same, wanted, rtol=1e-12, atol=1e-14)
    # The fit: LIBSVM keeps kernel values in single precision.
    ours = svm.fit(complete("one-class-svm", options | {"tol": tol}), rows(), 0)
    svm.check(ours, 5)
    assert np.allclose(svm.score(ours, rows(70, 2)), wanted, rtol=1e-4, atol=1e-5)
    assert ours.numbers["gamma"] == pytest.approx(theirs._gamma)


def test_near_rows_far_from_zero_keep_their_digits() -> None:
    theirs = OneClassSVM(gamma=0.5).fit(1e6 + rows())
    wanted = -theirs.score_samples(1e6 + rows(30, 2)) / theirs.dual_coef_.sum()
    assert np.allclose(svm.score(kept_of(theirs), 1e6 + rows(30, 2)), wanted, rtol=1e-9)


def test_equal_rows_have_a_gamma() -> None:
    assert svm.fit(complete("one-class-svm", {}), np.ones((4, 2)), 0).numbers["gamma"] == 1


def test_a_foreign_degree_has_an_end() -> None:
    kept = svm.fit(complete("one-class-svm", {"kernel": "poly", "degree": 100}), rows(9) / 99, 0)
    svm.check(kept, 5)
    with pytest.raises(ValueError, match="degree"):
        svm.check(kept._replace(numbers={**kept.numbers, "degree": 101}), 5)

"""Against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from plugin.ml.novelty.kept import mixture
from plugin.ml.novelty.options import complete


def rows(n: int = 120, seed: int = 1) -> Any:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 4)) + 5 * random.integers(0, 2, size=(n, 1))


def fitted(**options: Any) -> Any:
    chosen = complete("gaussian-mixture", options)
    return mixture.fit({key: chosen[key] for key in chosen if key != "scale"}, rows(), 3)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("n", [1, 3])
def test_scores_are_scikit_learns(kind: str, n: int) -> None:
    theirs = GaussianMixture(n, covariance_type=kind, random_state=3).fit(rows())
    kept = fitted(n_components=n, covariance_type=kind)
    mixture.check(kept, 4)
    wanted = -theirs.score_samples(rows(70, 2))
    assert np.allclose(mixture.score(kept, rows(70, 2)), wanted, rtol=1e-10)


def test_what_to_do_where_there_is_no_covariance() -> None:
    apart = rows() * [1, 0, 1, 1]
    chosen = complete("gaussian-mixture", {"reg_covar": 0.0})
    with pytest.raises(ValueError, match="set the option scale to true"):
        mixture.fit({k: v for k, v in chosen.items() if k != "scale"}, apart, 3)
    with pytest.raises(ValueError, match="n_components"):
        fitted(n_components=0)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("weights", lambda a: a * 2, "do not sum to 1"),
        ("weights", lambda a: -a, "do not sum to 1"),
        ("roots", lambda a: -a, "the root of a covariance"),
        ("roots", lambda a: a * 0, "the root of a covariance"),
        ("means", lambda a: a[:, 1:], "means has shape"),
    ],
)
def test_foreign_arrays_are_checked(name: str, change: Any, reason: str) -> None:
    kept = fitted()
    damaged = kept._replace(arrays={**kept.arrays, name: change(kept.arrays[name])})
    with pytest.raises(ValueError, match=reason):
        mixture.check(damaged, 4)

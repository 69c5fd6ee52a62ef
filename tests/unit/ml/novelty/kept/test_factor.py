"""Against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from plugin.ml.novelty.kept import factor
from plugin.ml.novelty.options import complete


def rows(n: int = 80, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 4))


@pytest.mark.parametrize("k", [1, 5, 20, 500])
def test_scores_are_scikit_learns(k: int) -> None:
    theirs = LocalOutlierFactor(min(k, 79), novelty=True).fit(rows())
    kept = factor.fit(complete("local-outlier-factor", {"n_neighbors": k}), rows(), 0)
    factor.check(kept, 4)
    found = factor.score(kept, rows(30, 2))
    assert np.allclose(found, -theirs.score_samples(rows(30, 2)), rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("reach", lambda a: -a, "a reach is below 0"),
        ("density", lambda a: a * 0, "a density is not above 0"),
        ("density", lambda a: a[1:], "density has shape"),
    ],
)
def test_foreign_arrays_are_checked(name: str, change: Any, reason: str) -> None:
    kept = factor.fit(complete("local-outlier-factor", {}), rows(), 0)
    damaged = kept._replace(arrays={**kept.arrays, name: change(kept.arrays[name])})
    with pytest.raises(ValueError, match=reason):
        factor.check(damaged, 4)

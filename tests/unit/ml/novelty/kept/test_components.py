"""Against our own residual, and the published sum of distances written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

from plugin.ml.novelty import pca
from plugin.ml.novelty.kept import components
from plugin.ml.novelty.options import complete


def rows(n: int = 80, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 5)) * [5, 3, 2, 1, 0.1]


def fitted(**options: Any) -> Any:
    return components.fit(complete("pca", options), rows(), 0)


def test_the_residual_is_ours() -> None:
    chosen: tuple[dict[str, Any], ...] = (
        {"share": 0.9},
        {"share": 0.99, "n_components": 2},
        {"n_components": 0},
    )
    for options in chosen:
        kept = fitted(method="residual", **options)
        components.check(kept, 5)
        basis = pca.fit(rows(), options.get("share", 0.95), options.get("n_components"))
        wanted = pca.score_against(basis, rows(70, 2))
        assert np.allclose(components.score(kept, rows(70, 2)), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "picked"),
    [
        ({}, slice(0, 5)),
        ({"n_components": 3}, slice(0, 3)),
        ({"n_selected_components": 2}, slice(3, 5)),
        ({"n_components": 4, "n_selected_components": 1}, slice(3, 4)),
        ({"weighted": False}, slice(0, 5)),
    ],
)
def test_distances_are_summed_as_published(options: Any, picked: slice) -> None:
    kept = fitted(**options)
    components.check(kept, 5)
    theirs = PCA().fit(rows())
    share = theirs.explained_variance_ratio_ if options.get("weighted", True) else np.ones(5)
    asked = rows(70, 2)
    found = components.score(kept, asked)
    points = theirs.components_[picked]
    apart = np.linalg.norm(asked[:, None] - points, axis=2)
    assert np.allclose(found, (apart / share[picked]).sum(axis=1), rtol=1e-9)


def test_directions_without_variance_divide_by_a_least_share() -> None:
    flat = np.outer(np.arange(6.0), [1.0, 2.0])
    kept = components.fit(complete("pca", {}), flat, 0)
    assert kept.arrays["weights"].max() == pytest.approx(1e9)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("directions", lambda a: a * 3, "too long"),
        ("weights", lambda a: a * 0, "not above 0"),
        ("centre", lambda a: a[1:], "centre has shape"),
    ],
)
def test_foreign_arrays_are_checked(name: str, change: Any, reason: str) -> None:
    kept = fitted()
    damaged = kept._replace(arrays={**kept.arrays, name: change(kept.arrays[name])})
    with pytest.raises(ValueError, match=reason):
        components.check(damaged, 5)

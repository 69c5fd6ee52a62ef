"""Against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KernelDensity

from plugin.ml.novelty.kept import density
from plugin.ml.novelty.kept.density import KERNELS, NOWHERE
from plugin.ml.novelty.options import complete


def rows(n: int = 100, d: int = 4, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("d", [1, 2, 5, 40])
def test_scores_are_scikit_learns(kernel: str, d: int) -> None:
    width = 1.5 * np.sqrt(2 * d)
    known, asked = rows(100, d), rows(70, d, 2)
    theirs = KernelDensity(bandwidth=width, kernel=kernel).fit(known)
    kept = density.fit(complete("kernel-density", {"kernel": kernel, "bandwidth": width}), known, 0)
    density.check(kept, d)
    found, wanted = density.score(kept, asked), -theirs.score_samples(asked)
    if kernel == "cosine" and d % 2 == 0:  # their integral leaves out a term, or is negative
        if not np.isfinite(wanted).all():
            return
        found, wanted = np.diff(found), np.diff(wanted)
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_densities_integrate_to_one(kernel: str) -> None:
    options = complete("kernel-density", {"kernel": kernel, "bandwidth": 0.3})
    kept = density.fit(options, np.zeros((1, 2)), 0)
    side = np.linspace(-3, 3, 121)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    whole = np.exp(-density.score(kept, grid)).sum() * (side[1] - side[0]) ** 2
    assert whole == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_bandwidths_are_scikit_learns(rule: str) -> None:
    kept = density.fit(complete("kernel-density", {"bandwidth": rule}), rows(), 0)
    theirs = KernelDensity(bandwidth=rule).fit(rows())
    assert kept.numbers["bandwidth"] == pytest.approx(theirs.bandwidth_, rel=1e-12)


def test_near_rows_far_from_zero_keep_their_digits() -> None:
    known, asked = 1e7 + rows(), 1e7 + rows(20, 4, 2)
    kept = density.fit(complete("kernel-density", {}), known, 0)
    theirs = KernelDensity().fit(known)
    assert np.allclose(density.score(kept, asked), -theirs.score_samples(asked), rtol=1e-9)


def test_where_no_kernel_reaches() -> None:
    kept = density.fit(complete("kernel-density", {"kernel": "tophat"}), rows(), 0)
    found = density.score(kept, np.full((1, 4), 100.0))
    assert found.tolist() == [NOWHERE]


def test_a_foreign_bandwidth_of_nothing_is_refused() -> None:
    kept = density.fit(complete("kernel-density", {"bandwidth": 1e-100}), rows(), 0)
    density.check(kept, 4)
    with pytest.raises(ValueError, match="bandwidth"):
        density.check(kept._replace(numbers={**kept.numbers, "bandwidth": 0.0}), 4)

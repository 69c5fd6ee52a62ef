from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.ml.novelty.solver import weights


def kernel(n: int, seed: int, width: int = 4) -> Any:
    rows = np.random.default_rng(seed).normal(size=(n, width))
    return np.exp(-((rows[:, None] - rows) ** 2).sum(axis=2) / width)


@given(n=st.integers(2, 40), nu=st.floats(0.01, 1.0), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_what_is_found_is_the_minimum(n: int, nu: float, seed: int) -> None:
    similar = kernel(n, seed)
    found = weights(similar, nu, 1e-9)
    assert ((found >= 0) & (found <= 1)).all()
    assert found.sum() == pytest.approx(nu * n)
    # No weight that may grow has a smaller gradient than one that may shrink.
    gradient = similar @ found
    grow, shrink = gradient[found < 1], gradient[found > 0]
    assert not len(grow) or grow.min() >= shrink.max() - 1e-6


def test_steps_can_be_bounded() -> None:
    similar = kernel(60, 1)
    begun, done = weights(similar, 0.5, 1e-9, 0), weights(similar, 0.5, 1e-9)
    assert begun.tolist() == [1.0] * 30 + [0.0] * 30
    some = weights(similar, 0.5, 1e-9, 5)
    size = [float(a @ similar @ a) for a in (begun, some, done)]
    assert size[0] > size[1] > size[2]


def test_a_kernel_that_is_no_scalar_product_ends_too() -> None:
    random = np.random.default_rng(3).normal(size=(30, 30))
    found = weights(random + random.T, 0.3, 1e-3, 10_000)
    assert found.sum() == pytest.approx(9)


@pytest.mark.parametrize(("nu", "tolerance"), [(0.0, 1e-3), (1.1, 1e-3), (0.5, 0.0)])
def test_out_of_range(nu: float, tolerance: float) -> None:
    with pytest.raises(ValueError, match="0 < nu <= 1 and tol > 0"):
        weights(kernel(5, 1), nu, tolerance)


def test_a_kernel_without_end() -> None:
    with pytest.raises(ValueError, match="bring the columns to one scale"):
        weights(np.full((3, 3), np.inf), 0.5, 1e-3)

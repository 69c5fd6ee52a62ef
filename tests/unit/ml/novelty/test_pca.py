from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty.pca import fit, residuals, score_against


def plane(n: int = 60) -> Any:
    """Rows near a plane in four dimensions: variances about 9, 1, and 0.0001 twice."""
    random = np.random.default_rng(1)
    return random.normal(size=(n, 4)) * [3, 1, 0.01, 0.01] + [5, 6, 7, 8]


def test_the_fewest_directions_that_explain_the_share() -> None:
    rows = plane()
    assert len(fit(rows, 0.5).directions) == 1
    assert len(fit(rows).directions) == 2  # 0.95 are wanted where nothing is said
    assert len(fit(rows * [1, 0.6, 1, 1]).directions) == 1
    basis = fit(rows, 0.999)
    assert len(basis.directions) == 2
    assert 0.999 <= basis.share < 1
    assert len(fit(rows, 1).directions) == 4
    assert len(fit(rows, 0).directions) == 0
    assert len(fit(rows, 1, most=3).directions) == 3


def test_the_basis_is_that_of_the_covariance() -> None:
    rows = plane()
    basis = fit(rows, 1)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    assert np.allclose(basis.variances, values[::-1])
    assert np.allclose(np.abs(basis.directions @ vectors[:, ::-1]), np.eye(4), atol=1e-6)
    assert np.allclose(basis.centre, rows.mean(axis=0))
    assert basis.share == pytest.approx(1)


def test_only_what_leaves_the_plane_is_left() -> None:
    basis = fit(plane(), 0.99)
    along = np.array([[500.0, -40.0, 7.0, 8.0]])
    assert score_against(basis, along)[0] < 3
    off = along + np.array([[0, 0, 100, 0]])
    left = residuals(basis, off)[0]
    assert np.abs(left).argmax() == 2
    assert score_against(basis, off)[0] == pytest.approx(np.linalg.norm(left))
    assert score_against(basis, off)[0] > 95


@pytest.mark.parametrize("factor", [1e-150, 1e150])
def test_any_unit(factor: float) -> None:
    basis, twin = fit(plane(), 0.99), fit(plane() * factor, 0.99)
    row = np.array([[1.0, 2, 3, 4]])
    assert len(twin.directions) == len(basis.directions)
    assert np.allclose(score_against(twin, row * factor) / factor, score_against(basis, row))


def test_rows_without_variance_leave_the_distance_to_them() -> None:
    basis = fit(np.ones((5, 2)))
    assert (len(basis.directions), basis.share) == (0, 1)
    assert score_against(basis, [[4.0, 5.0]]).tolist() == [5]


@pytest.mark.parametrize(("n", "share"), [(1, 0.9), (9, -0.1), (9, 1.1), (9, np.nan)])
def test_what_cannot_be_fitted(n: int, share: float) -> None:
    with pytest.raises(ValueError, match="at least 2 rows"):
        fit(plane(n), share)


def test_rows_of_another_width() -> None:
    with pytest.raises(ValueError, match=r"not \(n, 4\)"):
        score_against(fit(plane()), np.ones((2, 3)))

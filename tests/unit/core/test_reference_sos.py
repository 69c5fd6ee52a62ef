"""The plain-Python stochastic outlier selection against its definition, written out with numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from plugin.core import _reference_sos as reference


def run(rows: Any, settings: tuple[float, bool, float] = (4.5, True, 1e-12), **span: int) -> Any:
    points = np.ascontiguousarray(rows, np.float64)
    n = len(points)
    out, beta, log_sum = np.ones(n), np.full(n, np.nan), np.full(n, np.nan)
    chosen = (span.get("first", 0), span.get("last", n))
    views = out.data, beta.data, log_sum.data
    reference.sos(points.data, points.shape[1], settings, chosen, views)
    return out, beta, log_sum


def definition(rows: Any, perplexity: float, *, squared: bool) -> Any:
    """Affinities, entropies by halving, bindings, products: with whole matrices."""
    d = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    d = d if squared else np.sqrt(d)
    low, high = np.full(len(d), 1e-9), np.full(len(d), 1e9)
    beta = binding = np.ones(len(d))
    away = ~np.eye(len(d), dtype=bool)
    for _ in range(200):
        beta = np.sqrt(low * high)
        near = np.where(away, d, np.inf).min(axis=1)
        above = np.where(away, d - near[:, None], np.inf)
        affinity = np.exp(-beta[:, None] * above)
        binding = affinity / affinity.sum(axis=1)[:, None]
        logs = np.log(binding, out=np.zeros_like(binding), where=binding > 0)
        entropy = -(binding * logs).sum(axis=1)
        low = np.where(entropy > math.log(perplexity), beta, low)
        high = np.where(entropy > math.log(perplexity), high, beta)
    return (1 - binding).prod(axis=0), beta, np.log((np.exp(-beta[:, None] * d) * away).sum(axis=1))


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize(("n", "columns", "perplexity"), [(7, 1, 1.5), (25, 3, 4.5), (30, 9, 20)])
def test_it_is_the_definition(n: int, columns: int, perplexity: float, *, squared: bool) -> None:
    rows = np.random.default_rng(n).normal(size=(n, columns))
    rows[0] += 3
    found = run(rows, (perplexity, squared, 1e-12))
    expected = definition(rows, perplexity, squared=squared)
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other, rtol=0, atol=1e-9)


def test_no_more_others_than_the_perplexity_are_bound_to_alike() -> None:
    out, beta, log_sum = run([[0.0], [1.0], [5.0], [100.0]], (4.5, True, 1e-9))
    assert np.allclose(out, (2 / 3) ** 3)
    assert beta.tolist() == [0] * 4
    assert np.allclose(log_sum, math.log(3))


def test_equal_rows_bind_to_each_other_only() -> None:
    out, beta, log_sum = run([[0.0]] * 6 + [[1.0]], (4.5, True, 1e-9))
    assert np.allclose(out[:6], (4 / 5) ** 5 * (5 / 6))
    assert out[6] == 1
    assert (beta[:6] > 37).all()
    assert np.allclose(log_sum[:6], math.log(5))


def test_all_rows_equal() -> None:
    out, beta, _ = run([[2.0, 1.0]] * 9)
    assert np.allclose(out, (7 / 8) ** 8)
    assert (beta == math.inf).all()


def test_all_rows_equally_far_from_each_other() -> None:
    out, beta, log_sum = run(np.eye(9))
    assert np.allclose(out, (7 / 8) ** 8)
    assert np.allclose(beta, 1 / 2)
    assert np.allclose(log_sum, math.log(8) - 1)


def test_what_is_no_finite_number_is_bound_to_by_none() -> None:
    rows = [[0.0], [1.0], [3.0], [math.nan], [math.inf], [-math.inf], [1e300]]
    out, beta, log_sum = run(rows, (1.5, True, 1e-9))
    assert out[3:].tolist() == [1] * 4
    assert (out[:3] < 1).all()
    assert np.isfinite(beta).all()
    assert log_sum[3:].tolist() == [-math.inf] * 4


def test_a_single_row_is_alone() -> None:
    assert run([[5.0]])[0].tolist() == [1]


def test_a_span_multiplies_its_own_bindings_only() -> None:
    rows = np.random.default_rng(2).normal(size=(12, 2))
    whole = run(rows)
    parts = [run(rows, first=a, last=b) for a, b in ((0, 5), (5, 5), (5, 12))]
    assert np.allclose(np.prod([part[0] for part in parts], axis=0), whole[0], rtol=1e-12)
    assert parts[0][1][:5].tolist() == whole[1][:5].tolist()
    assert np.isnan(parts[0][1][5:]).all()


@pytest.mark.parametrize(
    "settings", [(0.99, True, 0), (math.nan, True, 0), (math.inf, True, 0), (2, True, -1.0)]
)
def test_settings_out_of_range(settings: tuple[float, bool, float]) -> None:
    with pytest.raises(ValueError, match="perplexity"):
        run([[1.0], [2.0]], settings)


@pytest.mark.parametrize(
    ("octets", "columns", "span", "rows"),
    [
        (16, 0, (0, 0), 0),
        (24, 2, (0, 1), 1),
        (16, 1, (1, 0), 2),
        (16, 1, (0, 3), 2),
        (16, 1, (-1, 1), 2),
        (16, 1, (0, 2), 3),
        (16, -1, (0, 0), 2),
    ],
)
def test_buffers_that_do_not_fit(
    octets: int, columns: int, span: tuple[int, int], rows: int
) -> None:
    out = bytearray(8 * rows), bytearray(8 * rows), bytearray(8 * rows)
    with pytest.raises(ValueError, match="fit each other"):
        reference.sos(bytes(octets), columns, (2.0, True, 0.0), span, out)

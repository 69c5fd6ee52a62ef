"""Any rows: both cores select the same outliers, and damaged buffers are refused by both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugin.core import _reference_sos

NOT_BUILT = "the compiled core is not built here"
ODD = np.array([math.nan, math.inf, -math.inf, 1e308, -1e308, 1e200, 1e-308, 5e-324, -0.0])


def core() -> Any:
    return pytest.importorskip("plugin.core._core", reason=NOT_BUILT)


def run(kernel: Any, rows: Any, given_settings: Any, span: tuple[int, int] | None = None) -> Any:
    points = np.ascontiguousarray(rows, np.float64)
    n = len(points)
    out = np.ones(n), np.full(n, 7.0), np.full(n, 7.0)
    kernel(bytes(points), points.shape[1], given_settings, span or (0, n), out)
    return out


def table(random: np.random.Generator, n: int, columns: int, kind: str) -> Any:
    if kind == "normal":
        return random.normal(size=(n, columns)) * 10.0 ** random.integers(-100, 100)
    if kind == "grid":
        return random.integers(0, 3, (n, columns)) * 1.0
    if kind == "repeated":
        return random.normal(size=(3, columns))[random.integers(0, 3, n)]
    if kind == "far":
        return np.cumsum(10.0 ** random.integers(0, 9, (n, columns)), axis=0)
    rows = random.normal(size=(n, columns))
    places = random.random(rows.shape) < 0.2
    return np.where(places, random.choice(ODD, rows.shape), rows)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 25),
    columns=st.integers(1, 6),
    kind=st.sampled_from(["normal", "grid", "repeated", "far"]),
    # Not a whole number above 1: where so many neighbours are near and all others far, the entropy
    # hardly changes with beta, and the last digits of the sums decide about the first of beta.
    perplexity=st.sampled_from([1.0, 1.3, 2.4, 4.5, 17.2, 1e9]),
    squared=st.booleans(),
)
@example(seed=1, n=4, columns=1, kind="normal", perplexity=1.3, squared=True)  # d ** 3 vanishes
def test_any_rows(
    seed: int, n: int, columns: int, kind: str, perplexity: float, *, squared: bool
) -> None:
    rows = table(np.random.default_rng(seed), n, columns, kind)
    chosen = (perplexity, squared, 1e-13)
    found, expected = (run(k, rows, chosen) for k in (core().sos, _reference_sos.sos))
    assert np.abs(found[0] - expected[0]).max() <= 1e-9
    assert np.allclose(found[1], expected[1], rtol=1e-3)
    assert (found[0] >= 0).all()
    assert (found[0] <= 1).all()


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 25),
    columns=st.integers(1, 6),
    perplexity=st.floats(1, 30),
    tolerance=st.sampled_from([0.0, 1e-300, 1e-10, 0.5, math.inf]),
    squared=st.booleans(),
)
def test_odd_numbers_end_in_probabilities(
    seed: int, n: int, columns: int, perplexity: float, tolerance: float, *, squared: bool
) -> None:
    rows = table(np.random.default_rng(seed), n, columns, "odd")
    for kernel in (core().sos, _reference_sos.sos):
        out, beta, log_sum = run(kernel, rows, (perplexity, squared, tolerance))
        assert ((out >= 0) & (out <= 1)).all()
        assert (beta >= 0).all()
        assert not np.isnan(log_sum).any()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 40), cut=st.integers(0, 40))
def test_a_row_binds_alike_in_whatever_span(seed: int, n: int, cut: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, 3))
    middle, chosen = min(cut, n), (4.5, False, 1e-10)
    whole = run(core().sos, rows, chosen)
    first, second = (run(core().sos, rows, chosen, s) for s in ((0, middle), (middle, n)))
    assert first[1][:middle].tolist() + second[1][middle:].tolist() == whole[1].tolist()
    assert first[2][:middle].tolist() + second[2][middle:].tolist() == whole[2].tolist()
    assert np.allclose(first[0] * second[0], whole[0], rtol=1e-13)


@pytest.mark.parametrize(
    ("octets", "columns", "span", "room"),
    [
        (16, 0, (0, 0), (0, 0, 0)),
        (16, -1, (0, 0), (0, 0, 0)),
        (24, 2, (0, 1), (8, 8, 8)),
        (16, 1, (1, 0), (16, 16, 16)),
        (16, 1, (0, 3), (16, 16, 16)),
        (16, 1, (-1, 1), (16, 16, 16)),
        (16, 1, (0, 2), (16, 16, 24)),
        (16, 1, (0, 2), (8, 16, 16)),
        (16, 1, (0, 2), (16, 15, 16)),
    ],
)
def test_buffers_that_do_not_fit_are_refused(
    octets: int, columns: int, span: tuple[int, int], room: tuple[int, int, int]
) -> None:
    for kernel in (core().sos, _reference_sos.sos):
        out = bytearray(room[0]), bytearray(room[1]), bytearray(room[2])
        with pytest.raises(ValueError, match="fit each other"):
            kernel(bytes(octets), columns, (2.0, True, 0.0), span, out)


@pytest.mark.parametrize("chosen", [(0.5, True, 0), (math.nan, False, 0), (2, True, math.nan)])
def test_settings_out_of_range_are_refused(chosen: Any) -> None:
    for kernel in (core().sos, _reference_sos.sos):
        with pytest.raises(ValueError, match="perplexity"):
            run(kernel, [[1.0], [2.0]], chosen)


def test_buffers_of_other_kinds_are_refused() -> None:
    kernel = core().sos
    good = tuple(bytearray(16) for _ in range(3))
    odd = memoryview(bytearray(17))[1:]
    with pytest.raises(ValueError, match="float64"):
        kernel(bytes(16), 1, (2.0, True, 0.0), (0, 2), (odd, *good[1:]))
    with pytest.raises((TypeError, BufferError)):
        kernel(bytes(16), 1, (2.0, True, 0.0), (0, 2), (bytes(16), *good[1:]))
    with pytest.raises(TypeError):
        kernel(bytes(16), 1, (2.0, True, 0.0), (0, 2), good[:2])
    with pytest.raises(OverflowError):
        kernel(bytes(16), 1 << 70, (2.0, True, 0.0), (0, 2), good)


def test_neighbours_at_one_distance_but_for_rounding_are_bound_to_alike() -> None:
    turns = np.arange(7) * 2 * math.pi / 7
    circle = np.column_stack([np.cos(turns), np.sin(turns)]) / 3 + [0.1, 0.7]
    rows = np.vstack([[[0.1, 0.7]], circle, [[5.0, 5.0]]])
    apart = np.linalg.norm(circle - rows[0], axis=1)
    assert len(np.unique(apart)) > 1
    for kernel in (core().sos, _reference_sos.sos):
        for squared in (True, False):
            out, _, _ = run(kernel, rows, (4.5, squared, 1e-10), (0, 1))
            assert np.allclose(out[1:8], 6 / 7, rtol=0, atol=1e-12)
            assert out[8] == 1

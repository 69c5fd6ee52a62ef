"""Rows of numbers as the detectors take them: checked, scaled without loss, measured in blocks.

Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

_DIMENSIONS = 2
_BLOCK_VALUES = 1 << 17
"""Differences held at once: 1 MB of float64."""


def checked(rows: ArrayLike, n_columns: int | None = None) -> NDArray[np.float64]:
    """Rows as a (n, columns) float64 array in C order.

    Args:
        rows: (n, columns) finite numbers, at least one column.
        n_columns: how many columns there must be, where that is known.

    Raises:
        ValueError: another shape, or a number that is not finite.
    """
    found = np.ascontiguousarray(rows, np.float64)
    if found.ndim != _DIMENSIONS or not found.shape[1] or n_columns not in {None, found.shape[1]}:
        wanted = "columns" if n_columns is None else n_columns
        raise ValueError(f"rows of shape {np.shape(rows)}, not (n, {wanted})")
    if not np.isfinite(found).all():
        raise ValueError("a row has a number that is not finite")
    return found


def unit(rows: NDArray[np.float64]) -> float:
    """A power of two that brings the largest number of all rows to between 1/2 and 1.

    Distances of rows multiplied by it neither overflow nor vanish, and no digit is lost. 1 where
    all are 0.
    """
    largest = float(np.abs(rows).max(initial=0.0))
    # Not below 2 ** -1022, whose inverse would be infinite.
    return float(2.0 ** -max(-1021, np.frexp(largest)[1])) if largest else 1.0


def distances(
    rows: NDArray[np.float64], others: NDArray[np.float64], *, city: bool = False
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Squared Euclidean distances, some rows at a time: which rows, and (those, n_others).

    Differences are squared and added, not products: near rows keep their digits.

    Args:
        rows: (n, columns).
        others: (n_others, columns).
        city: city-block distances instead: sums of absolute differences.
    """
    n_others, n_columns = others.shape
    at_once = max(1, _BLOCK_VALUES // max(1, n_others * n_columns))
    for first in range(0, len(rows), at_once):
        part = slice(first, first + at_once)
        apart = rows[part, None, :] - others[None, :, :]
        if city:
            yield part, np.abs(apart, out=apart).sum(axis=2)
        else:
            yield part, np.einsum("ijk,ijk->ij", apart, apart)


def per_row(
    rows: NDArray[np.float64], others: NDArray[np.float64], step: Any, *, city: bool = False
) -> NDArray[np.float64]:
    """(n_rows,) of what ``step`` makes of each row's :func:`distances` from the others.

    Args:
        rows: (n_rows, columns).
        others: (n_others, columns).
        step: from (some rows, n_others) squared distances to (some rows,) scores.
        city: city-block distances instead.
    """
    out = np.empty(len(rows))
    for part, found in distances(rows, others, city=city):
        out[part] = step(found)
    return out

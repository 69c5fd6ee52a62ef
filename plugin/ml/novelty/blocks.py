"""Rows some at a time, always as many: the score of a row depends on that row alone, bit for bit.

A product of matrices may be summed in another order when the matrices have another size, so a row
scored alone and the same row among thousands would differ in the last digit. Here every block has
``ROWS`` rows; the last one is filled up with zeros. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROWS = 64
_ROUNDING = 16 * float(np.finfo(float).eps)
"""Of a squared distance from products, in sums of squared lengths: some more than was ever seen."""


def per_block(rows: Floats, step: Callable[[Floats], Floats]) -> Floats:
    """(n, ...) of what ``step`` makes of each block.

    Args:
        rows: (n, columns).
        step: from (``ROWS``, columns) to (``ROWS``, ...); each row of it from one row only.
    """
    out = np.empty(0)
    for first in range(0, max(1, len(rows)), ROWS):
        block = np.zeros((ROWS, rows.shape[1]))
        some = rows[first : first + ROWS]
        block[: len(some)] = some
        found = step(block)[: len(some)]
        if not first:
            out = np.empty((len(rows), *found.shape[1:]))
        out[first : first + ROWS] = found
    return out


class Apart(NamedTuple):
    """Squared Euclidean distances of a block from references.

    Attributes:
        squares: (rows, n_references), at least 0.
        error: (rows,) how far rounding may have moved one.
    """

    squares: Floats
    error: Floats


def apart(block: Floats, references: Floats, lengths: Floats) -> Apart:
    """Squared distances by one product: fast, but near rows far from 0 lose digits (``error``).

    Args:
        block: (rows, columns).
        references: (n, columns).
        lengths: (n,) squared lengths of the references.
    """
    own = np.einsum("ij,ij->i", block, block)
    squares = block @ references.T
    squares *= -2
    squares += own[:, None]
    squares += lengths
    np.maximum(squares, 0, out=squares)
    return Apart(squares, _ROUNDING * (own + lengths.max(initial=0.0)))

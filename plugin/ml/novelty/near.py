"""The nearest references of rows, exactly, without measuring the distance to each exactly.

One product of matrices gives all distances with a known error (:mod:`plugin.ml.novelty.blocks`).
Those that may be among the nearest are measured again from differences; where the error leaves
more of them than a few, all are. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty.blocks import apart, per_block
from plugin.ml.novelty.rows import distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SPARE = 8
"""So many more than asked for are measured exactly."""


def nearest(rows: Floats, known: Floats, k: int) -> tuple[NDArray[np.intp], Floats]:
    """(n, k) which references are nearest to each row, by distance, and their squared distances.

    Equally near ones stand in the order of the references.

    Args:
        rows: (n, columns).
        known: (n_known, columns).
        k: from 1 to n_known.
    """
    lengths = np.einsum("ij,ij->i", known, known)

    def step(block: Floats) -> Floats:
        which, squares = _of_block(block, known, lengths, k)
        # One array, so that one walk over the rows gives both; indices are exact in it.
        return np.stack([which.astype(np.float64), squares], axis=1)

    found = per_block(rows, step).reshape(len(rows), 2, k)
    return found[:, 0].astype(np.intp), found[:, 1]


def _of_block(
    block: Floats, known: Floats, lengths: Floats, k: int
) -> tuple[NDArray[np.intp], Floats]:
    guess = apart(block, known, lengths)
    some = min(k + _SPARE, len(known))
    if some == len(known):
        candidates = np.broadcast_to(np.arange(some), (len(block), some))
        sure = np.ones(len(block), np.bool_)
    else:
        candidates = np.sort(np.argpartition(guess.squares, some, axis=1)[:, :some], axis=1)
        near = np.sort(np.take_along_axis(guess.squares, candidates, axis=1), axis=1)
        # No other can be as near as the k-th, however rounding moved them.
        sure = near[:, k - 1] + 2 * guess.error < near[:, -1]
    which, squares = _first(_exact(block, known, candidates), candidates, k)
    for place in np.flatnonzero(~sure):
        exact = np.concatenate([part[0] for _, part in distances(block[place : place + 1], known)])
        every = np.arange(len(known))[None]
        which[place], squares[place] = (one[0] for one in _first(exact[None], every, k))
    return which, squares


def _exact(block: Floats, known: Floats, candidates: NDArray[np.intp]) -> Floats:
    """(rows, n_candidates) squared distances from differences."""
    off = block[:, None, :] - known[candidates]
    return np.asarray(np.einsum("ijk,ijk->ij", off, off))


def _first(
    squares: Floats, candidates: NDArray[np.intp], k: int
) -> tuple[NDArray[np.intp], Floats]:
    order = np.argsort(squares, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(candidates, order, axis=1)
    return found, np.take_along_axis(squares, order, axis=1)

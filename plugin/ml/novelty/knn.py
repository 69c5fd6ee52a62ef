"""Distance to the k nearest reference rows.

The distance to the k-th nearest is the outlier score of S. Ramaswamy, R. Rastogi, K. Shim,
"Efficient Algorithms for Mining Outliers from Large Data Sets", SIGMOD 2000; the mean over the k
nearest that of F. Angiulli, C. Pizzuti, "Fast Outlier Detection in High Dimensional Spaces", PKDD
2002. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty.rows import checked, per_row, unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

NEIGHBOURS = 5


def score_against(
    references: ArrayLike,
    rows: ArrayLike,
    k: int = NEIGHBOURS,
    *,
    mean: bool = False,
    city: bool = False,
) -> NDArray[np.float64]:
    """(n,) Euclidean distance of each row to its k-th nearest reference.

    Args:
        references: (n_references, columns) finite numbers, at least k rows.
        rows: (n, columns) finite numbers.
        k: which neighbour, from 1.
        mean: the mean distance to the k nearest instead.
        city: the city-block distance instead; between two histograms of shares it is twice their
            total variation distance.

    Raises:
        ValueError: too few references, rows of another shape, numbers that are not finite.
    """
    return _nearest(checked(references), rows, (k, mean, city), own=0)


def scores(
    references: ArrayLike, k: int = NEIGHBOURS, *, mean: bool = False, city: bool = False
) -> NDArray[np.float64]:
    """(n_references,) the same of each reference row among the others: it is not its own neighbour.

    Args:
        references: (n_references, columns) finite numbers, more than k rows.
        k: which neighbour, from 1.
        mean: the mean distance to the k nearest instead.
        city: the city-block distance instead.

    Raises:
        ValueError: too few references, or numbers that are not finite.
    """
    known = checked(references)
    return _nearest(known, known, (k, mean, city), own=1)


def _nearest(
    known: NDArray[np.float64], rows: ArrayLike, how: tuple[int, bool, bool], *, own: int
) -> NDArray[np.float64]:
    """``how``: k, mean, city; ``own``: how many of the nearest are left out, being the row."""
    k, mean, city = how
    if not 1 <= k <= len(known) - own:
        raise ValueError(f"{len(known)} references, but k = {k}: at least {k + own} are needed")
    scale = unit(known)

    def step(squares: NDArray[np.float64]) -> NDArray[np.float64]:
        last = k + own - 1
        nearest = np.partition(squares, last, axis=1)[:, : last + 1]
        chosen = np.sort(nearest, axis=1)[:, own:] if mean else nearest[:, last:]
        lengths = chosen if city else np.sqrt(chosen)
        return np.asarray(lengths.mean(axis=1) / scale)

    taken = checked(rows, known.shape[1])
    with np.errstate(over="ignore"):  # too far for a number: infinite
        return per_row(taken * scale, known * scale, step, city=city)

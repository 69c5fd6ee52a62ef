"""Local outlier factor: how much sparser it is around a row than around its neighbours.

M. Breunig, H.-P. Kriegel, R. Ng, J. Sander, "LOF: Identifying Density-Based Local Outliers", SIGMOD
2000, of new rows against references, as scikit-learn's ``novelty=True``. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty.kept.kind import Kept, number, require, shaped
from plugin.ml.novelty.near import nearest

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"references": ("f8", 2), "reach": ("f8", 1), "density": ("f8", 1)}
"""``reach``: distance to the k-th neighbour. ``density``: 1 / mean reachability distance."""
_LEAST = 1e-10
"""scikit-learn's: repeated rows have no distance."""


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:  # noqa: ARG001 - takes no chance
    """The reach and density of each row among the others.

    Raises:
        ValueError: options out of range, fewer than two rows.
    """
    k = min(int(options["n_neighbors"]), len(rows) - 1)
    require(k >= 1, f"{len(rows)} rows, n_neighbors = {options['n_neighbors']}: too few")
    near, squares = nearest(rows, rows, k + 1)
    # A row is no neighbour of its own; of many equal rows it may not be among the nearest.
    own = near == np.arange(len(rows))[:, None]
    own[~own.any(axis=1), -1] = True
    near, far = near[~own].reshape(-1, k), np.sqrt(squares[~own].reshape(-1, k))
    reach = far[:, -1]
    density = 1 / (np.maximum(far, reach[near]).mean(axis=1) + _LEAST)
    return Kept({"k": k}, {"references": rows, "reach": reach, "density": density})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    n = len(kept.arrays["references"])
    number(kept, "k", 1, n)
    shaped(kept, {"references": (n, n_columns), "reach": (n,), "density": (n,)})
    require(bool((kept.arrays["reach"] >= 0).all()), "a reach is below 0")
    require(bool((kept.arrays["density"] > 0).all()), "a density is not above 0")


def score(kept: Kept, rows: Floats) -> Floats:
    """1 where the row is as its neighbours, more where it is farther from them than they are."""
    known, reach, density = (kept.arrays[name] for name in LAYOUT)
    near, squares = nearest(rows, known, int(kept.numbers["k"]))
    own = 1 / (np.maximum(np.sqrt(squares), reach[near]).mean(axis=1) + _LEAST)
    return np.asarray((density[near] / own[:, None]).mean(axis=1))

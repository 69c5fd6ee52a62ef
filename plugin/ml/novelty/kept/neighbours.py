"""Nearest references: the distance to the k-th nearest, or the mean (:mod:`plugin.ml.novelty.knn`).

Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty import knn
from plugin.ml.novelty.kept.kind import Kept, number, require, shaped
from plugin.ml.novelty.near import nearest

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"references": ("f8", 2)}


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:  # noqa: ARG001 - takes no chance
    """Keep the rows.

    Raises:
        ValueError: options out of range.
    """
    k = int(options["n_neighbors"])
    require(k >= 1, f"n_neighbors = {k}, not at least 1")
    numbers = {
        "k": min(k, len(rows)),
        "mean": float(bool(options["mean"])),
        "city": float(bool(options["city"])),
    }
    return Kept(numbers, {"references": rows})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    n = len(kept.arrays["references"])
    number(kept, "k", 1, n)
    number(kept, "mean", 0, 1)
    number(kept, "city", 0, 1)
    shaped(kept, {"references": (n, n_columns)})


def score(kept: Kept, rows: Floats) -> Floats:
    """The distance."""
    k, mean, city = (int(kept.numbers[name]) for name in ("k", "mean", "city"))
    known = kept.arrays["references"]
    if city:
        return knn.score_against(known, rows, k, mean=bool(mean), city=True)
    far = np.sqrt(nearest(rows, known, k)[1])
    return np.asarray(far.mean(axis=1) if mean else far[:, -1])

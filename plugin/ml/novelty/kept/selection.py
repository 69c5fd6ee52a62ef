"""Stochastic outlier selection: the surprise that no reference binds to a row.

Our estimator on top of the method (:mod:`plugin.ml.novelty.sos`), in nats: the same order as its
probability, without its end at 1. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty import sos
from plugin.ml.novelty.kept.kind import Kept, number, require, shaped

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"references": ("f8", 2), "beta": ("f8", 1), "log_sum": ("f8", 1)}


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:  # noqa: ARG001 - takes no chance
    """The references, each once, with their precision; few make the perplexity smaller.

    Raises:
        ValueError: options out of range, fewer than three different rows.
    """
    different = np.unique(rows, axis=0)
    most = max(1.0, len(different) - 2.0)
    perplexity = min(float(options["perplexity"]), most)
    settings = sos.Settings(perplexity, bool(options["squared"]), float(options["tolerance"]))
    found = sos.fit(different, settings)
    arrays = {"references": found.rows, "beta": found.beta, "log_sum": found.log_sum}
    return Kept({"squared": float(found.squared)}, arrays)


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    number(kept, "squared", 0, 1)
    n = len(kept.arrays["references"])
    shaped(kept, {"references": (n, n_columns), "beta": (n,), "log_sum": (n,)})
    require(bool((kept.arrays["beta"] >= 0).all()), "a precision is below 0")


def score(kept: Kept, rows: Floats) -> Floats:
    """Minus the logarithm of the probability that some reference binds to the row."""
    known, beta, log_sum = (kept.arrays[name] for name in LAYOUT)
    return sos.surprise_against(
        sos.References(known, beta, log_sum, bool(kept.numbers["squared"])), rows
    )

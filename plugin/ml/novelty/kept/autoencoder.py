"""Autoencoder: how far what a narrow net says again of a row is from the row.

M. Sakurada, T. Yairi, "Anomaly Detection Using Autoencoders with Nonlinear Dimensionality
Reduction", MLSDA 2014. Fitted by scikit-learn's MLPRegressor
(:class:`plugin.ml.novelty.estimators.Autoencoder`). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.novelty.blocks import per_block
from plugin.ml.novelty.kept.kind import Kept, require, shaped, word
from plugin.ml.novelty.registry import make

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYERS = 4
LAYOUT = {f"W{k}": ("f8", 2) for k in range(LAYERS)} | {f"b{k}": ("f8", 1) for k in range(LAYERS)}
ACTIVATIONS = ("relu", "tanh", "logistic", "identity")
_WEIGHT_MAX = 1e6


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:
    """Train the net to say its input again.

    Raises:
        ValueError: options out of range.
    """
    found: Any = make("autoencoder", options, seed=seed)
    found.fit(rows)
    return Kept({"activation": options["activation"]}, found.arrays_)


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    word(kept, "activation", ACTIVATIONS)
    hidden, latent = (len(kept.arrays[name]) for name in ("b0", "b1"))
    sizes = (n_columns, hidden, latent, hidden, n_columns)
    shaped(kept, {f"W{k}": (sizes[k], sizes[k + 1]) for k in range(LAYERS)})
    shaped(kept, {f"b{k}": (sizes[k + 1],) for k in range(LAYERS)})
    small = all(float(np.abs(array).max()) <= _WEIGHT_MAX for array in kept.arrays.values())
    require(small, f"the net holds a weight beyond {_WEIGHT_MAX:g}")


def score(kept: Kept, rows: Floats) -> Floats:
    """Euclidean distance between a row and what the net makes of it."""

    def step(block: Floats) -> Floats:
        left = block - output(kept, block)
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", left, left)))

    return per_block(rows, step)


def output(kept: Kept, block: Floats) -> Floats:
    """(rows, columns) what the net says again."""
    found = block
    for k in range(LAYERS):
        found = found @ kept.arrays[f"W{k}"] + kept.arrays[f"b{k}"]
        if k < LAYERS - 1:
            found = _active(found, str(kept.numbers["activation"]))
    return found


def _active(values: Floats, activation: str) -> Floats:
    if activation == "relu":
        return np.asarray(np.maximum(values, 0))
    if activation == "tanh":
        return np.asarray(np.tanh(values))
    if activation == "logistic":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))
    return values

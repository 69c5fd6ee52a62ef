"""One-class support vector machine: minus how like its support vectors a row is.

B. Schölkopf, J. Platt, J. Shawe-Taylor, A. Smola, R. Williamson, "Estimating the Support of a
High-Dimensional Distribution", Neural Computation 13 (2001). The weights of the support vectors
sum to 1 here (scikit-learn's sum to nu times the rows), so a score is minus a weighted mean of
kernel values, and fits on more and fewer rows can be compared. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty.blocks import apart, per_block
from plugin.ml.novelty.kept.kind import Kept, number, require, shaped, word
from plugin.ml.novelty.rows import distances
from plugin.ml.novelty.solver import weights

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"support": ("f8", 2), "dual": ("f8", 1)}
KERNELS = ("rbf", "linear", "poly", "sigmoid")
_ERROR = 1e-9
"""Largest that rounding may make of an exponent; beyond, distances are taken from differences."""
_NOTHING = 746.0
"""The exponential of less is 0."""


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:  # noqa: ARG001 - takes no chance
    """The support vectors and their weights, by our own solver (:mod:`plugin.ml.novelty.solver`).

    Raises:
        ValueError: options out of range.
    """
    gamma = _gamma(options["gamma"], rows)
    numbers = {
        "kernel": options["kernel"],
        "gamma": gamma,
        "coef0": float(options["coef0"]),
        "degree": int(options["degree"]),
    }
    every = Kept(numbers, {"support": rows, "dual": np.ones(1)})
    similar = per_block(rows, lambda block: _kernel(every, block))
    found = weights(similar, float(options["nu"]), float(options["tol"]), int(options["max_iter"]))
    some = np.flatnonzero(found)
    return Kept(numbers, {"support": rows[some], "dual": found[some] / found.sum()})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    word(kept, "kernel", KERNELS)
    number(kept, "gamma", 0.0, 1e300)
    number(kept, "coef0", -1e9, 1e9)
    number(kept, "degree", 0, 100)
    n = len(kept.arrays["dual"])
    shaped(kept, {"support": (n, n_columns)})
    require(bool((kept.arrays["dual"] >= 0).all()), "a weight of a support vector is below 0")


def score(kept: Kept, rows: Floats) -> Floats:
    """Minus the weighted mean of the kernel between a row and the support vectors."""
    dual = kept.arrays["dual"]
    return per_block(rows, lambda block: -(_kernel(kept, block) * dual).sum(axis=1))


def _gamma(wanted: float | str, rows: Floats) -> float:
    """scikit-learn's ``gamma``: "scale" is 1 / (columns * variance of all numbers)."""
    n_columns = float(rows.shape[1])
    if wanted == "auto":
        return 1.0 / n_columns
    if wanted == "scale":
        variance = float(rows.var())
        return 1.0 / (n_columns * variance) if variance else 1.0
    return float(wanted)


def _kernel(kept: Kept, block: Floats) -> Floats:
    """(rows, n_support) of the kernel."""
    support, numbers = kept.arrays["support"], kept.numbers
    gamma = float(numbers["gamma"])
    if numbers["kernel"] == "rbf":
        return _gauss(block, support, gamma)
    with np.errstate(over="ignore"):
        product = np.asarray(block @ support.T, np.float64)
        if numbers["kernel"] == "linear":
            return product
        inner = gamma * product + float(numbers["coef0"])
        found = (
            np.tanh(inner) if numbers["kernel"] == "sigmoid" else inner ** int(numbers["degree"])
        )
    return np.asarray(found)


def _gauss(block: Floats, support: Floats, gamma: float) -> Floats:
    found = apart(block, support, np.einsum("ij,ij->i", support, support))
    squares = found.squares
    doubtful = (gamma * found.error > _ERROR) & (gamma * squares.min(axis=1) < _NOTHING)
    for place in np.flatnonzero(doubtful):
        for _, exact in distances(block[place : place + 1], support):
            squares[place] = exact[0]
    return np.asarray(np.exp(-gamma * squares))

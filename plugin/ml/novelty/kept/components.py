"""Principal components: what the main directions leave of a row, or how far it is from each.

``method`` "residual" is :mod:`plugin.ml.novelty.pca`. "distances" is what netml and PyOD compute:
the sum, over the last directions, of the distance of a row to the direction *taken as a point*,
divided by the direction's share of the variance. It is meant for M.-L. Shyu, S.-C. Chen, K.
Sarinnapakorn, L. Chang, "A Novel Anomaly Detection Scheme Based on Principal Component Classifier",
ICDM 2003, who sum squared coordinates over variances. Directions of no variance divide by a share
of ``_LEAST`` here, where theirs divide by what rounding left. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.novelty import pca
from plugin.ml.novelty.blocks import per_block
from plugin.ml.novelty.kept.kind import Kept, require, shaped, word

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"centre": ("f8", 1), "directions": ("f8", 2), "weights": ("f8", 1)}
METHODS = ("residual", "distances")
_LEAST = 1e-9
"""Smallest share of the variance that is divided by."""
_LONGEST = 1 + 1e-6
"""Of a number of a direction, whose length is 1."""


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:  # noqa: ARG001 - takes no chance
    """The directions, by falling variance.

    Raises:
        ValueError: options out of range.
    """
    numbers = {"method": options["method"]}
    if options["method"] == "residual":
        basis = pca.fit(rows, float(options["share"]), options["n_components"])
        # No direction at all cannot be kept as an array: one of no length says the same.
        directions = basis.directions if len(basis.directions) else np.zeros((1, rows.shape[1]))
        return _kept(numbers, basis.centre, directions, np.ones(len(directions)))
    most = min(rows.shape)
    wanted = most if options["n_components"] is None else int(options["n_components"])
    chosen = options["n_selected_components"]
    last = wanted if chosen is None else int(chosen)
    fits = 1 <= last <= wanted <= most
    require(fits, f"{last} of {wanted} components, but there are {most}")
    centre = rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(rows - centre, full_matrices=False)
    # A direction may point either way, and a distance tells which: its largest number is positive.
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    directions *= np.where(largest < 0, -1.0, 1.0)
    share = sizes**2 / max(float((sizes**2).sum()), np.finfo(float).tiny)
    weights = np.maximum(share, _LEAST) if options["weighted"] else np.ones(most)
    picked = slice(wanted - last, wanted)
    return _kept(numbers, centre, directions[picked], 1 / weights[picked])


def _kept(numbers: dict[str, Any], centre: Floats, directions: Floats, weights: Floats) -> Kept:
    arrays = {"centre": centre, "directions": directions, "weights": weights}
    return Kept(numbers, arrays)


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    word(kept, "method", METHODS)
    k = len(kept.arrays["weights"])
    shaped(kept, {"centre": (n_columns,), "directions": (k, n_columns)})
    require(bool((np.abs(kept.arrays["directions"]) <= _LONGEST).all()), "a direction is too long")
    require(bool((kept.arrays["weights"] > 0).all()), "a weight of a direction is not above 0")


def score(kept: Kept, rows: Floats) -> Floats:
    """Length of the rest, or sum of weighted distances."""
    centre, directions, weights = (kept.arrays[k] for k in ("centre", "directions", "weights"))
    if kept.numbers["method"] == "residual":
        basis = pca.Basis(centre, directions, np.ones(len(directions)), 1.0)
        return per_block(rows, lambda block: pca.score_against(basis, block))
    lengths = np.einsum("ij,ij->i", directions, directions)

    def step(block: Floats) -> Floats:
        own = np.einsum("ij,ij->i", block, block)
        squares = own[:, None] - 2 * (block @ directions.T) + lengths
        return np.asarray((np.sqrt(np.maximum(squares, 0)) * weights).sum(axis=1))

    return per_block(rows, step)

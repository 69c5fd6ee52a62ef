"""Gaussian mixture: minus the logarithm of a density of some normal distributions.

Fitted by scikit-learn's GaussianMixture (expectation and maximisation: A. Dempster, N. Laird,
D. Rubin, JRSS B 39 (1977)). Each covariance is kept as the triangular root of its inverse.
Computes only.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.novelty.blocks import per_block
from plugin.ml.novelty.kept.kind import Kept, require, shaped
from plugin.ml.novelty.registry import make

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"weights": ("f8", 1), "means": ("f8", 2), "roots": ("f8", 3)}
_MOST, _ROUNDING = 1e300, 1e-6


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:
    """Fit the mixture.

    Raises:
        ValueError: options out of range, or rows that make no covariance.
    """
    found: Any = make("gaussian-mixture", options, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge, or of several rows alike
        try:
            found.fit(rows)
        except ValueError as error:
            if "ill-defined" not in str(error):
                raise
            raise ValueError(
                "columns of very different size make no covariance: set the option scale to true, "
                "or reg_covar to more"
            ) from error
    roots = _full(found.precisions_cholesky_, options["covariance_type"], *found.means_.shape)
    return Kept({}, {"weights": found.weights_, "means": found.means_, "roots": roots})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    k, weights = len(kept.arrays["means"]), kept.arrays["weights"]
    shaped(kept, {"weights": (k,), "means": (k, n_columns), "roots": (k, n_columns, n_columns)})
    whole = bool((weights >= 0).all()) and abs(float(weights.sum()) - 1) < _ROUNDING
    require(whole, "the weights of the mixture do not sum to 1")
    diagonal = np.diagonal(kept.arrays["roots"], axis1=1, axis2=2)
    require(bool((diagonal > 0).all()), "the root of a covariance is not above 0")


def score(kept: Kept, rows: Floats) -> Floats:
    """Minus the logarithm of the density at each row."""
    arrays = kept.arrays
    with np.errstate(divide="ignore"):  # a weight may be 0
        parts = list(zip(np.log(arrays["weights"]), arrays["means"], arrays["roots"], strict=True))

    def step(block: Floats) -> Floats:
        logs = np.stack([_log_density(block, mean, root) + weight for weight, mean, root in parts])
        most = logs.max(axis=0)
        return np.asarray(-(most + np.log(np.exp(logs - most).sum(axis=0))))

    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(per_block(rows, step), nan=_MOST, posinf=_MOST))


def _log_density(block: Floats, mean: Floats, root: Floats) -> Floats:
    off = (block - mean) @ root
    squares = np.einsum("ij,ij->i", off, off)
    size = float(np.log(np.diagonal(root)).sum())
    return np.asarray(size - 0.5 * (squares + len(mean) * math.log(2 * math.pi)))


def _full(root: NDArray[Any], kind: str, k: int, d: int) -> Floats:
    """(k, d, d) of what scikit-learn keeps of each kind of covariance."""
    if kind == "full":
        return np.asarray(root, np.float64)
    if kind == "tied":
        return np.broadcast_to(root, (k, d, d)).copy()
    sides = root if kind == "diag" else np.repeat(root[:, None], d, axis=1)
    return np.asarray(sides[:, :, None] * np.eye(d))

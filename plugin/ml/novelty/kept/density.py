"""Kernel density: minus the logarithm of the mean of kernels around reference rows.

E. Parzen, "On Estimation of a Probability Density Function and Mode", Annals of Mathematical
Statistics 33 (1962). A kernel integrates to 1 over all columns, so that scores are those of
scikit-learn's KernelDensity, negated. Outside all kernels of finite reach the density is 0 and its
logarithm infinite: the score is then ``NOWHERE``. Computes only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty.blocks import apart, per_block
from plugin.ml.novelty.kept.kind import Kept, number, require, shaped, word
from plugin.ml.novelty.rows import distances

if TYPE_CHECKING:
    from plugin.ml.novelty.kept.kind import Chosen, Floats

LAYOUT = {"references": ("f8", 2)}
KERNELS = ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine")
NOWHERE = 1e300
"""The score of a row that no kernel reaches."""
_ERROR = 1e-9
"""Largest part of a score that rounding may make; beyond, distances are taken from differences."""
_RULES = ("scott", "silverman")


def fit(options: Chosen, rows: Floats, seed: int) -> Kept:  # noqa: ARG001 - takes no chance
    """Keep the rows; there is nothing to learn but the bandwidth of a rule of thumb.

    D. W. Scott, *Multivariate Density Estimation* (1992); B. W. Silverman, *Density Estimation*
    (1986): both as scikit-learn has them, n ** (-1 / (d + 4)), the second with n (d + 2) / 4.

    Raises:
        ValueError: options out of range.
    """
    n, d = rows.shape
    wanted = options["bandwidth"]
    if wanted in _RULES:
        wanted = (n if wanted == "scott" else n * (d + 2) / 4) ** (-1 / (d + 4))
    require(float(wanted) > 0, f"bandwidth = {wanted}, not above 0")
    return Kept({"kernel": options["kernel"], "bandwidth": float(wanted)}, {"references": rows})


def check(kept: Kept, n_columns: int) -> None:
    """See :class:`plugin.ml.novelty.kept.kind.Kind`."""
    word(kept, "kernel", KERNELS)
    number(kept, "bandwidth", 1e-100, 1e100)
    shaped(kept, {"references": (len(kept.arrays["references"]), n_columns)})


def score(kept: Kept, rows: Floats) -> Floats:
    """Minus the logarithm of the density at each row."""
    references, width = kept.arrays["references"], float(kept.numbers["bandwidth"])
    kernel = str(kept.numbers["kernel"])
    whole = _log_norm(kernel, width, rows.shape[1]) - math.log(len(references))
    if kernel == "gaussian":
        lengths = np.einsum("ij,ij->i", references, references)
        found = per_block(rows, lambda block: _gauss(block, references, lengths, width, whole))
    else:
        found = np.empty(len(rows))
        for part, squares in distances(rows, references):
            found[part] = -(_log_mean(_log_kernel(kernel, np.sqrt(squares) / width)) + whole)
    return np.asarray(np.minimum(found, NOWHERE))


def _gauss(
    block: Floats, references: Floats, lengths: Floats, width: float, whole: float
) -> Floats:
    half = 0.5 / width**2
    found = apart(block, references, lengths)
    scores = -(_log_mean(-half * found.squares) + whole)
    for place in np.flatnonzero(half * found.error > _ERROR * np.maximum(1, np.abs(scores))):
        for _, squares in distances(block[place : place + 1], references):
            scores[place] = -(_log_mean(-half * squares)[0] + whole)
    return scores


def _log_mean(logs: Floats) -> Floats:
    """(rows,) logarithm of the sum of exponentials."""
    most = logs.max(axis=1)
    some = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(some + np.log(np.exp(logs - some[:, None]).sum(axis=1)))


def _log_kernel(kernel: str, far: Floats) -> Floats:
    """Logarithms of kernels, 1 in the middle, at distances in bandwidths."""
    if kernel == "exponential":
        return -far
    inside = far < 1
    near = np.where(inside, far, 0.0)
    found = np.zeros_like(near)
    if kernel == "epanechnikov":
        found = np.log1p(-near * near)
    elif kernel == "linear":
        found = np.log1p(-near)
    elif kernel == "cosine":
        found = np.log(np.cos(0.5 * np.pi * near))
    return np.where(inside, found, -np.inf)


def _log_norm(kernel: str, width: float, d: int) -> float:
    """Minus the logarithm of a kernel's integral over d columns."""
    ball = 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1)
    # The unit sphere's surface; left is the integral over radii of r ** (d - 1) times the kernel.
    sphere = ball + math.log(d)
    found = {
        "gaussian": lambda: 0.5 * d * math.log(2 * math.pi),
        "tophat": lambda: ball,
        "epanechnikov": lambda: ball + math.log(2 / (d + 2)),
        "exponential": lambda: sphere + math.lgamma(d),
        "linear": lambda: ball - math.log(d + 1),
        "cosine": lambda: sphere + math.log(_cosine(d)),
    }[kernel]()
    return -found - d * math.log(width)


def _cosine(d: int) -> float:
    """The integral from 0 to 1 of r ** (d - 1) cos(pi r / 2), by a sum of positive terms.

    By parts twice it is an alternating sum that cancels in many columns; so it is summed as a
    series in pi / 2 where that is stable: cos(pi r / 2) = sin(pi (1 - r) / 2), whose series with
    the beta function is sum_k (-1)**k (pi / 2)**(2k + 1) (d - 1)! / (d + 2k + 1)!.
    """
    term = (math.pi / 2) / (d * (d + 1))
    total, k = 0.0, 0
    while abs(term) > total * 1e-17:
        total += term
        k += 1
        term *= -((math.pi / 2) ** 2) / ((d + 2 * k) * (d + 2 * k + 1))
    return total

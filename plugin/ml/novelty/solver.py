"""The weights of a one-class support vector machine: minimise a'Ka / 2, 0 <= a <= 1, sum a = nu n.

By sequential minimal optimisation: two weights at a time are moved against each other, the pair
that gains most to second order (R.-E. Fan, P.-H. Chen, C.-J. Lin, "Working Set Selection Using
Second Order Information for Training Support Vector Machines", JMLR 6 (2005), 2.3), until no pair
violates the conditions of the minimum by more than a tolerance (2.2, their (6)). It begins as
LIBSVM does, with the first nu n weights at 1. In numpy on a whole kernel matrix, so that learning
needs no other package: rows are at most some thousand. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FLAT = 1e-12
"""Least curvature along a pair: kernels need not be positive definite."""
_STEPS_LEAST, _STEPS_A_ROW = 10_000, 100
_ROUNDING = 1e-12
"""Of the largest sum."""


def weights(kernel: Floats, nu: float, tolerance: float, steps: int = -1) -> Floats:
    """(n,) the weights, from 0 to 1; most are either.

    Args:
        kernel: (n, n) symmetric.
        nu: above 0, at most 1: share of the rows outside at most, of support vectors at least.
        tolerance: largest violation of the conditions, in units of the kernel; never less than
            what rounding makes of the sums.
        steps: at most so many; -1: until it is done, or 100 for each row were taken.

    Raises:
        ValueError: nu or the tolerance is out of range, a kernel value is not finite.
    """
    if not 0 < nu <= 1 or not tolerance > 0:
        raise ValueError(f"nu = {nu:g}, tol = {tolerance:g}: 0 < nu <= 1 and tol > 0 are needed")
    if not np.isfinite(kernel).all():
        raise ValueError("the kernel of two rows is not finite: bring the columns to one scale")
    n = len(kernel)
    whole = int(nu * n)
    a = np.zeros(n)
    a[:whole] = 1.0
    if whole < n:
        a[whole] = nu * n - whole
    gradient = kernel @ a
    diagonal = kernel.diagonal()
    tolerance = max(tolerance, _ROUNDING * float(np.abs(gradient).max()))
    for _ in range(steps if steps >= 0 else _STEPS_LEAST + _STEPS_A_ROW * n):
        # One that may grow and pulls most; one that may shrink and gains most beside it.
        up = np.where(a < 1, -gradient, -np.inf)
        i = int(up.argmax())
        gap = np.where(a > 0, up[i] + gradient, -np.inf)
        if up[i] == -np.inf or gap.max() < tolerance:
            break
        curve = np.maximum(diagonal[i] + diagonal - 2 * kernel[i], _FLAT)
        j = int(np.where(gap > 0, gap * gap / curve, -np.inf).argmax())
        move = min(gap[j] / curve[j], 1 - a[i], a[j])
        # At a limit the weight is exactly there, so that it is seen to be.
        a[i] = 1.0 if move == 1 - a[i] else a[i] + move
        a[j] = 0.0 if move == a[j] else a[j] - move
        gradient += move * (kernel[i] - kernel[j])
    return a

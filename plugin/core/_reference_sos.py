"""Stochastic outlier selection in plain Python: the oracle of ``sos.h``, and its stand-in.

The definition is that of J. H. M. Janssens, F. Huszár, E. O. Postma, H. J. van den Herik,
"Stochastic Outlier Selection", TiCC TR 2012-001, Tilburg University, 2012. Row i binds to row j
with probability ``b_ij = a_ij / sum_k a_ik``, ``a_ij = exp(-beta_i * d_ij)``, ``a_ii = 0``, where
``beta_i`` makes the entropy of row i's bindings the logarithm of the perplexity; the outlier
probability of j is the product over i of ``1 - b_ij``.

The compiled one agrees to the tolerance asked for, not on every bit: it adds up in another order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

STEPS = 160
"""Tried values of beta a row; halving alone needs about 60."""
NEWTON_STEPS = 40
EXPONENT_MAX = 700.0
ALIKE = 1e-12
"""Dissimilarities that are above the least by no more than this part of it are equal to it.

The distances of rows on a grid are equal but for rounding, which must not tell neighbours apart.
"""
FLAT = 1e-10
"""beta times the sum of a row's dissimilarities: so small a beta binds to all alike."""
_WRONG = "sos: arrays of float64 that fit each other, perplexity >= 1, tolerance >= 0"


class Bindings(NamedTuple):
    """To whom a row binds.

    Attributes:
        beta: the row's precision, per unit of dissimilarity.
        weights: affinities divided by that of the nearest row; 0 to itself and to what is
            infinitely far.
        least: the least dissimilarity, which was taken off before the exponential.
    """

    beta: float
    weights: list[float]
    least: float


def sos(
    rows: Buffer,
    n_columns: int,
    settings: tuple[float, bool, float],
    span: tuple[int, int],
    out: tuple[Buffer, Buffer, Buffer],
    /,
) -> None:
    """Multiply the bindings of some rows into the outlier probabilities of all.

    Args:
        rows: (n, n_columns) float64, C order. What is not finite is infinitely far from all.
        n_columns: At least 1.
        settings: The perplexity, at least 1; whether the dissimilarity is the squared Euclidean
            distance (the paper's) or the distance itself; the tolerance of the entropy, in nats.
        span: First row that binds, and one past the last.
        out: Three times (n,) float64. The probabilities, multiplied by ``1 - b_ij`` for each i of
            the span: begin with ones. The span's precisions: 0 = binds to all alike, infinite =
            only to what is where it is. The span's ``log(sum_j a_ij)``: -inf = binds to nothing.

    Raises:
        ValueError: the buffers do not fit each other, or a setting is out of its range.
    """
    values = memoryview(rows).cast("B")
    views = [memoryview(b).cast("B") for b in out]
    perplexity, squared, tolerance = settings
    n = len(values) // (8 * n_columns) if n_columns > 0 else -1
    fits = len(values) == 8 * n * n_columns and all(len(view) == 8 * n for view in views)
    in_range = 1 <= perplexity < math.inf and tolerance >= 0 and 0 <= span[0] <= span[1] <= n
    if not (fits and in_range):
        raise ValueError(_WRONG)
    products, betas, sums = (view.cast("d") for view in views)
    numbers: list[float] = list(values.cast("d"))
    points = [numbers[i * n_columns : (i + 1) * n_columns] for i in range(n)]
    for i in range(*span):
        found = bind(dissimilarities(points, i, squared=squared), perplexity, tolerance)
        total = sum(found.weights)
        betas[i] = found.beta
        offset = found.beta * found.least if found.least > 0 else 0.0
        sums[i] = math.log(total) - offset if total else -math.inf
        for j, weight in enumerate(found.weights):
            if weight:
                products[j] *= 1 - weight / total


def dissimilarities(points: Sequence[list[float]], i: int, *, squared: bool) -> list[float]:
    """(n,) of row ``i`` to all; infinite to itself and where there is no finite number."""
    found = []
    for j, point in enumerate(points):
        d = math.dist(points[i], point) if j != i else math.inf
        d = d * d if squared else d
        found.append(d if d < math.inf else math.inf)  # a NaN is not less
    return found


def bind(d: Sequence[float], perplexity: float, tolerance: float) -> Bindings:
    """The bindings of a row with dissimilarities ``d``.

    Where no beta gives the perplexity, the limit stands: among no more finite ones than the
    perplexity all alike, and where at least as many are nearest alike only those.
    """
    least = min(d)
    if least == math.inf:
        return Bindings(0.0, [0.0] * len(d), 0.0)
    above = [v - least if v - least > ALIKE * least else 0.0 for v in d]
    finite = [v for v in above if v < math.inf]
    second = min((v for v in finite if v > 0), default=math.inf)
    if len(finite) <= perplexity:
        return Bindings(0.0, [float(v < math.inf) for v in above], least)
    if finite.count(0.0) >= perplexity:
        beta = _cut(len(d)) / second if second < math.inf else 1 / least if least else math.inf
        return Bindings(beta, [float(v == 0) for v in above], least)
    beta = _search(finite, math.log(perplexity), tolerance, second)
    return Bindings(beta, [_weight(beta, v) for v in above], least)


def _cut(n: int) -> float:
    """``beta * d`` from which all n affinities together are below the rounding of their sum."""
    return 37 + math.log(n + 1)


def _weight(beta: float, d: float) -> float:
    return math.exp(-beta * d) if beta * d < EXPONENT_MAX else 0.0


def _search(d: Sequence[float], wanted: float, tolerance: float, second: float) -> float:
    """The beta whose bindings have the entropy ``wanted``.

    Newton's steps for log(beta), in which the entropy falls; halves of the bracket where a step
    leaves it.
    """
    low = max(-EXPONENT_MAX, math.log(FLAT / min(sum(d), 1e308)))
    high = min(EXPONENT_MAX, math.log(_cut(len(d)) / second))
    at = (low + high) / 2
    for step in range(STEPS):
        beta = math.exp(at)
        weights = [_weight(beta, v) for v in d]
        total = sum(weights)
        moments = [(w * v, w * v * v) for w, v in zip(weights, d, strict=True) if w]
        mean = sum(first for first, _ in moments) / total
        variance = sum(square for _, square in moments) / total - mean * mean
        over = math.log(total) + beta * mean - wanted
        if abs(over) <= tolerance:
            break
        low, high = (at, high) if over > 0 else (low, at)
        if not high - low > 1e-15 * abs(at):
            break
        slope = beta * beta * variance
        at = at + over / slope if slope > 0 and step < NEWTON_STEPS else low
        if not low < at < high:
            at = (low + high) / 2
    return math.exp(at)

"""Stochastic outlier selection: of a whole matrix exactly, and of new rows against references.

:func:`scores` is the method of J. H. M. Janssens, F. Huszár, E. O. Postma, H. J. van den Herik,
"Stochastic Outlier Selection", TiCC TR 2012-001 (2012), which knows no training: all rows are
judged together, and a row's probability depends on all others.

:func:`score_against` is OUR estimator on top of it, not theirs. Each reference row i keeps the
precision ``beta_i`` and the sum of affinities ``S_i`` that it has among the references alone. A
new row x is then looked at as if it had come to them by itself::

    b_ix = a_ix / (S_i + a_ix),  a_ix = exp(-beta_i * d(i, x)),  p(x) = prod_i (1 - b_ix)

``beta_i`` is not solved again for the row that came; that is what it differs in from the exact
method on the references and x, and what makes it n_references steps a row instead of their square.
New rows do not see each other: equal ones cannot hide each other. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core import sos
from plugin.ml.novelty.rows import checked, per_row, unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    _End = Callable[[NDArray[np.float64]], NDArray[np.float64]]

PERPLEXITY = 4.5
"""Effective number of neighbours that a row binds to; the authors' choice."""
TOLERANCE = 1e-10
"""Of a row's entropy, in nats."""
_AT_ONCE = 1 << 22
"""Pairs of rows between two looks for an interruption by the user."""

_FAR = -40.0
"""Log odds below which they and the probability are the same to the last digit."""
_FARTHEST = 1e300


class Settings(NamedTuple):
    """How rows bind.

    Attributes:
        perplexity: effective number of neighbours, at least 1.
        squared: the dissimilarity is the squared Euclidean distance, as in the paper; else the
            distance itself, as in the authors' and PyOD's code.
        tolerance: of a row's entropy, in nats.
    """

    perplexity: float = PERPLEXITY
    squared: bool = True
    tolerance: float = TOLERANCE


DEFAULT = Settings()


class References(NamedTuple):
    """Reference rows with what :func:`score_against` needs of them.

    Attributes:
        rows: (n, columns), each once.
        beta: (n,) precision, per dissimilarity of rows multiplied by :func:`unit` of the rows.
        log_sum: (n,) logarithm of the sum of a row's affinities to the other references.
        squared: as in :class:`Settings`.
    """

    rows: NDArray[np.float64]
    beta: NDArray[np.float64]
    log_sum: NDArray[np.float64]
    squared: bool


def scores(rows: ArrayLike, settings: Settings = DEFAULT) -> NDArray[np.float64]:
    """(n,) the probability of each row to be an outlier among all of them; exact.

    Where a row has at most as many others as the perplexity, it binds to all alike; where at least
    as many are nearest at one distance, to those alike: what the bindings tend to. A single row is
    an outlier with probability 1. Memory: a few numbers a row beside the rows.

    Args:
        rows: (n, columns) finite numbers.
        settings: how rows bind.

    Raises:
        ValueError: rows of another shape, numbers that are not finite, settings out of range.
    """
    return _run(checked(rows), settings)[0]


def least_references(settings: Settings = DEFAULT) -> int:
    """How many different reference rows there must be: one has more others than the perplexity."""
    return int(settings.perplexity) + 2


def fit(references: ArrayLike, settings: Settings = DEFAULT) -> References:
    """References for :func:`score_against`. Rows that repeat count once.

    (More equal rows than the perplexity would bind to each other only, and call all else new.)

    Args:
        references: (n, columns) finite numbers.
        settings: how rows bind.

    Raises:
        ValueError: as :func:`scores`, or fewer different rows than :func:`least_references`.
    """
    rows = np.unique(checked(references), axis=0)
    if len(rows) < least_references(settings):
        raise ValueError(
            f"{len(rows)} different reference rows, but at least {least_references(settings)} "
            f"are needed at perplexity {settings.perplexity:g}"
        )
    _, beta, log_sum = _run(rows, settings)
    return References(rows, np.minimum(beta, _FARTHEST), log_sum, settings.squared)


def score_against(references: References, rows: ArrayLike) -> NDArray[np.float64]:
    """(n,) the probability that no reference binds to a row: our estimator (see above).

    Args:
        references: of :func:`fit`.
        rows: (n, columns) finite numbers, as the references'.

    Raises:
        ValueError: rows of another shape, or numbers that are not finite.
    """
    return _against(references, rows, lambda odds: np.exp(-_unbound(odds)))


def surprise_against(references: References, rows: ArrayLike) -> NDArray[np.float64]:
    """(n,) minus the logarithm of the probability that some reference binds to a row, in nats.

    The same order of rows as :func:`score_against`, without its end at 1: far away, a probability
    no longer tells what is farther. 0.69 at probability 1/2.

    Args:
        references: of :func:`fit`.
        rows: (n, columns) finite numbers, as the references'.

    Raises:
        ValueError: rows of another shape, or numbers that are not finite.
    """
    return _against(references, rows, _surprise)


def _run(rows: NDArray[np.float64], settings: Settings) -> tuple[NDArray[np.float64], ...]:
    """(n,) probabilities, beta and log_sum; the latter two per unit of :func:`unit`."""
    n, n_columns = rows.shape
    given = (settings.perplexity, settings.squared, settings.tolerance)
    scaled, step = rows * unit(rows), max(1, _AT_ONCE // max(1, n))
    out = np.ones(n), np.empty(n), np.empty(n)
    kernel, views = sos(), (out[0].data, out[1].data, out[2].data)
    if not n:  # the settings are held against their ranges all the same
        kernel(b"", n_columns, given, (0, 0), (bytearray(), bytearray(), bytearray()))
    for first in range(0, n, step):
        kernel(scaled.data, n_columns, given, (first, min(n, first + step)), views)
    return out


def _against(references: References, rows: ArrayLike, end: _End) -> NDArray[np.float64]:
    scale = unit(references.rows)
    power = 1.0 if references.squared else 0.5

    def step(squares: NDArray[np.float64]) -> NDArray[np.float64]:
        odds = -references.beta * squares**power - references.log_sum
        return end(np.maximum(odds, -_FARTHEST))

    taken = checked(rows, references.rows.shape[1])
    with np.errstate(over="ignore"):  # so far that the distance has no number: it is infinite
        return per_row(taken * scale, references.rows * scale, step)


def _unbound(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) minus log p, from the (n, n_references) logarithms of ``b / (1 - b)``."""
    return np.asarray(np.logaddexp(0.0, odds).sum(axis=1))


def _surprise(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) minus log(1 - p)."""
    nearest = odds.max(axis=1)
    # Where all are far, 1 - p is the sum of the odds, to the last digit.
    far = -nearest - np.log(np.exp(odds - nearest[:, None]).sum(axis=1))
    some = -np.log(-np.expm1(-np.maximum(_unbound(odds), np.finfo(float).tiny)))
    return np.asarray(np.where(nearest < _FAR, far, some))

"""How far a row is from reference rows: the detectors that a model of normal can name.

Each takes references and rows, in units of the model, and gives a distance a row: 0 and up, larger
is less usual. Which one the shipped model has was chosen by measurement (docs/novelty.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.novelty import knn, pca, sos
from plugin.ml.novelty.rows import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Rows = NDArray[np.float64]
    Detector = Callable[[Rows, Rows], Rows]

NEIGHBOURS = 3
_AT_ONCE = 16
"""References whose differences are held at once: few enough to stay in the cache."""
_SPREAD_FLOOR = 0.05
"""Of a column in which all references agree; what counts as one there is 1."""


def nearest(references: Rows, rows: Rows) -> Rows:
    """(n,) mean Euclidean distance to the ``NEIGHBOURS`` nearest references (fewer: to all)."""
    k = min(NEIGHBOURS, len(references))
    return knn.score_against(references, rows, k, mean=True)


def apart(references: Rows, rows: Rows) -> Rows:
    """(n,) mean city-block distance to the ``NEIGHBOURS`` nearest references (fewer: to all).

    Between two histograms of shares it is twice their total variation distance.
    """
    known, asked = checked(references), checked(rows)
    k = min(NEIGHBOURS, len(known))
    found = np.empty(len(asked))
    distances = np.empty(len(known))
    for number, row in enumerate(asked):
        for begin in range(0, len(known), _AT_ONCE):
            away = known[begin : begin + _AT_ONCE] - row
            np.abs(away, out=away).sum(axis=1, out=distances[begin : begin + _AT_ONCE])
        found[number] = np.partition(distances, k - 1)[:k].mean()
    return found


def residual(references: Rows, rows: Rows) -> Rows:
    """(n,) length of what the references' main directions do not explain."""
    return pca.score_against(pca.fit(references), rows)


def unbound(references: Rows, rows: Rows) -> Rows:
    """(n,) surprise that no reference binds to the row: our estimator on top of SOS, in nats."""
    return sos.surprise_against(sos.fit(references), rows)


def spread(references: Rows, rows: Rows) -> Rows:
    """(n,) root mean square of the robust z-scores of all columns.

    From the median, in 1.4826 times the median absolute deviation (the standard deviation of a
    normal distribution: Rousseeuw and Croux 1993), which is never taken below ``_SPREAD_FLOOR``.
    """
    known, asked = checked(references), checked(rows)
    middle = np.median(known, axis=0)
    deviation = 1.4826 * np.median(np.abs(known - middle), axis=0)
    z = (asked - middle) / np.maximum(deviation, _SPREAD_FLOOR)
    found: Rows = np.sqrt((z * z).mean(axis=1))
    return found


DETECTORS: Mapping[str, Detector] = {
    "nearest": nearest,
    "apart": apart,
    "pca": residual,
    "sos": unbound,
    "spread": spread,
}
"""By name."""


_LEAST = {"pca": 2, "sos": sos.least_references()}
"""Different references that a detector needs; the others need one of any kind."""


def can(name: str, references: Rows) -> bool:
    """Whether a detector has references enough, each of them left out in turn, too."""
    least = _LEAST.get(name)
    if least is None:
        return len(references) > 1
    return len(np.unique(references, axis=0)) > least

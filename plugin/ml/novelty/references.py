"""Reference rows: how far from each other they are, and how much each origin of them weighs.

References come from three origins: *shipped* with the model, of other devices of the *site*, and
the device's *own* earlier windows. A distance from references is told in times their *typical*
distance (the middle of each one's from the others), so that roles of one habit and roles of many
can share a threshold. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.novelty import conformal

if TYPE_CHECKING:
    from typing import Protocol

    from numpy.typing import NDArray

    from plugin.ml.novelty.detectors import Detector, Rows

    class Memory(Protocol):
        """What is remembered of a site. Rows are of the model's feature set, as extracted."""

        def site(self, role: str, besides: str | None = None, /) -> NDArray[np.float32]:
            """(n, d) rows of the site's devices that are known in a role, but for one device's."""

        def own(self, mac: str, /) -> NDArray[np.float32]:
            """(n, d) rows of the device's earlier windows, none of them judged anomalous."""


HALF = 20
"""So many references of the site, or own ones, take half of the weight that is left."""
FLOOR = 0.1
"""A typical distance is at least this part of that of all shipped references."""
_RATIO_MIN, _RATIO_MAX = 0.1, 10.0
"""Beyond these a ratio tells no more: no origin can outweigh the others by itself."""

PULL = 4.0
"""What was gathered makes nothing usual that is so many times the novel distance from what was
shipped. Of 272 shipped references, each measured from the others of its role, none is (3.4)."""


class Known(NamedTuple):
    """References of one origin."""

    origin: str
    """"shipped", "site" or "own"."""
    rows: Rows
    """(n, d) in units of the model."""
    typical: float
    threshold: float
    """In times the typical distance, how far is novel."""


class Compared(NamedTuple):
    """A row beside references of one origin."""

    known: Known
    weight: float
    """0 to 1; those of all origins sum to 1."""
    ratio: float
    """Distance over the distance that is novel."""


def held_out(
    score: Detector, rows: Rows, group: NDArray[np.integer], least: int
) -> NDArray[np.float64]:
    """(n,) how far each row is from those of other groups; NaN where these are fewer than least.

    Args:
        score: the detector.
        rows: (n, d).
        group: (n,) what is held out together.
        least: so many others are needed.
    """
    found = np.full(len(rows), np.nan)
    for one in np.unique(group).tolist():
        mine = group == one
        if int((~mine).sum()) >= least:
            found[mine] = score(rows[~mine], rows[mine])
    return found


def typical(score: Detector, rows: Rows, least: int, floor: float = 0.0) -> float:
    """The middle distance of each row from the others; NaN where there are too few.

    Args:
        score: the detector.
        rows: (n, d).
        least: so many others are needed for a distance.
        floor: it is not below this (rows may all be the same).
    """
    if len(rows) <= least:
        return float("nan")
    alone = held_out(score, rows, np.arange(len(rows)), least)
    return max(float(np.median(alone)), floor)


def from_rows(
    origin: str, rows: Rows, score: Detector, *, least: int, floor: float, shipped: float
) -> Known | None:
    """References that were gathered, if they are enough to compare with.

    Their threshold is that of the shipped ones, until they are enough for one of their own: the
    larger of the two then, as windows of few devices are more alike than those of many.

    Args:
        origin: "site" or "own".
        rows: (n, d) in units of the model.
        score: the detector.
        least: fewer are no references.
        floor: typical distance of all shipped references, of which a part is the least here.
        shipped: threshold of the shipped references.
    """
    middle = typical(score, rows, least, FLOOR * floor)
    if np.isnan(middle):
        return None
    threshold = shipped
    if len(rows) >= conformal.needed():
        alone = held_out(score, rows, np.arange(len(rows)), least)
        threshold = max(shipped, above(alone / middle))
    return Known(origin, rows, middle, threshold)


def above(distances: NDArray[np.float64], alarms: float = conformal.ALPHA) -> float:
    """The threshold that a new distance reaches with at most this probability; infinite: too few.

    A score *at* its threshold counts as novel, so it is the next number after the conformal one.
    """
    return float(np.nextafter(conformal.threshold(distances, alarms), np.inf))


def weights(shipped: int, site: int, own: int) -> tuple[float, float, float]:
    """How much each origin weighs, by how many references it has: shipped, site, own.

    A device's own past takes n / (n + ``HALF``) of the weight, the site as much of what is left,
    and the shipped references have the rest: all, at first. Without them, what is left goes to the
    others in their proportion.

    Args:
        shipped: references of the role; 0 if they are too few to count.
        site: likewise.
        own: likewise.
    """
    mine = own / (own + HALF)
    theirs = (1 - mine) * site / (site + HALF)
    rest = 1 - mine - theirs if shipped else 0.0
    whole = mine + theirs + rest
    if not whole:
        return 0.0, 0.0, 0.0
    return rest / whole, theirs / whole, mine / whole


def together(compared: tuple[Compared, ...]) -> float:
    """The weighted geometric mean of the ratios: 1 and more is novel.

    Ratios and not differences are averaged, as twice as far and half as far should cancel.
    """
    ratios = np.clip([one.ratio for one in compared], _RATIO_MIN, _RATIO_MAX)
    return float(np.exp(np.dot([one.weight for one in compared], np.log(ratios))))

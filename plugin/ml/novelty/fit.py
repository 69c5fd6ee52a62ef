"""A model of normal from rows of devices whose role is known: how it is made and calibrated.

What is novel is calibrated by split conformal prediction (:mod:`.conformal`): each reference is
held out in turn, with all of its network where a role is known from several networks, else (one
unit in one laboratory) with its capture only; then its distance from the rest of its role, in
times their typical distance, is one calibration score. Roles of several networks and roles of one
are calibrated apart (Mondrian), because the second kind of score knows the unit, and flatters.
Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.novelty import conformal, references
from plugin.ml.novelty.detectors import DETECTORS
from plugin.ml.novelty.model import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugin.ml.novelty.detectors import Detector

LEAST = 3
"""A row is measured from so many others at least, so a role needs one more reference than this:
four, after which more of them changed little (docs/novelty.md)."""
_UNIT_MIN = 0.05
"""Smallest unit of a column: an unheard-of share of 5 % counts as much as a usual difference."""


class Options(NamedTuple):
    """How a model of normal is made."""

    detector: str = "apart"
    scaled: bool = True
    """Columns in units of their own spread; else as they are."""
    least: int = LEAST
    alarms: float = conformal.ALPHA


class Fitted(NamedTuple):
    """The arrays of a model (see :mod:`plugin.ml.novelty.model`) and the roles they number."""

    roles: tuple[str, ...]
    arrays: dict[str, NDArray[np.generic]]


def fit(
    rows: NDArray[np.floating], labels: Sequence[str], networks: Sequence[str], how: Options
) -> Fitted:
    """Make the arrays of a model of normal.

    Args:
        rows: (n, d) rows of devices that were normal, as extracted.
        labels: (n,) the role of each, in the spelling of verdicts.
        networks: (n,) where each was recorded.
        how: detector, and what is enough.

    Raises:
        ValueError: so few references that nothing could be calibrated.
    """
    score = DETECTORS[how.detector]
    unit = units(rows) if how.scaled else np.ones(rows.shape[1])
    scaled = np.asarray(rows, np.float64) / unit
    roles = tuple(sorted(set(labels)))
    role = np.array([roles.index(label) for label in labels], np.int32)
    group, several = groups_of(role, networks, len(roles))
    middle = references.typical(score, scaled, how.least)
    if not middle > 0:
        raise ValueError(f"{len(rows)} references, too few or all the same")
    floor = references.FLOOR * middle
    typical = np.zeros(len(roles) + 1)
    typical[-1] = middle
    given = np.full(len(rows), NONE)
    for one in range(len(roles)):
        mine = role == one
        own = references.typical(score, scaled[mine], how.least, floor)
        if own > 0:
            typical[one] = own
            given[mine] = calibration(score, scaled[mine], group[mine], how.least, floor)
    free = references.held_out(score, scaled, group, how.least) / middle
    arrays: dict[str, NDArray[np.generic]] = {
        "rows": np.asarray(rows, np.float32),
        "role": role,
        "group": group,
        "unit": unit,
        "typical": typical,
        "threshold": thresholds(given, free, several[role], several, how.alarms),
        "given": given,
        "free": np.where(np.isnan(free), NONE, free),
    }
    return Fitted(roles, arrays)


def units(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """(d,) what counts as one in each column: its standard deviation, ``_UNIT_MIN`` at least."""
    return np.asarray(np.maximum(np.asarray(rows, np.float64).std(axis=0), _UNIT_MIN))


def groups_of(
    role: NDArray[np.int32], networks: Sequence[str], n_roles: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """What is held out together: a network, or (of roles of one network) a single row.

    Returns:
        (n,) numbers of groups; (n_roles,) which roles are known from several networks.
    """
    names = sorted(set(networks))
    network = np.array([names.index(one) for one in networks], np.int32)
    pairs = {(int(one), int(where)) for one, where in zip(role, network, strict=True)}
    several = np.bincount([one for one, _ in pairs], minlength=n_roles) > 1
    alone = len(names) + np.arange(len(role), dtype=np.int32)
    return np.where(several[role], network, alone).astype(np.int32), several


def calibration(
    score: Detector,
    rows: NDArray[np.float64],
    group: NDArray[np.int32],
    least: int,
    floor: float,
) -> NDArray[np.float64]:
    """(n,) distance of each row of a role from the rest when its group is held out.

    In times the typical distance within the rest; ``NONE`` where the rest is too small.
    """
    found = np.full(len(rows), NONE)
    for one in np.unique(group).tolist():
        mine = group == one
        middle = references.typical(score, rows[~mine], least, floor)
        if middle > 0:
            found[mine] = score(rows[~mine], rows[mine]) / middle
    return found


def thresholds(
    given: NDArray[np.float64],
    free: NDArray[np.float64],
    row_several: NDArray[np.bool_],
    several: NDArray[np.bool_],
    alarms: float,
) -> NDArray[np.float64]:
    """(n_roles + 1,) what is novel, in times the typical distance; last without a known role.

    Raises:
        ValueError: too few calibration scores.
    """
    every = references.above(given[given >= 0], alarms)
    found = np.full(len(several) + 1, every)
    for kind in (False, True):
        some = given[(row_several == kind) & (given >= 0)]
        if len(some) >= conformal.needed(alarms):
            found[:-1][several == kind] = references.above(some, alarms)
    found[-1] = references.above(free[~np.isnan(free)], alarms)
    if not np.isfinite(found).all():
        raise ValueError(f"{len(given)} references are too few to calibrate with")
    return found

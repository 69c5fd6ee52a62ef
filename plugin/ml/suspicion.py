"""Is a device up to something? The signs of :mod:`plugin.ml.signs`, fused to one score.

Of each sign it is known how far harmless devices go: the *floor*, in steps (doublings of the
sign's scale). The floor is the highest step of any harmless device, and half as much again as the
family that went furthest leads the next one, because families that nobody recorded will go further
than those that somebody did (the half was chosen among 0, 1/2 and 1: docs/anomaly-figures.md). No
floor is below what offices are known to do (``Sign.usual``), nor below one step: what no capture
shows has no measured spread, and one event of it proves nothing. A device's score in a sign is

    step / (floor + 1)

so that 1 means: one doubling beyond, twice what any harmless device did. Its score is the highest
over all signs and windows. A sign that may not accuse alone (``Sign.alone``) counts to just below
the threshold. Nothing is learned from attacks: weights learned from them did worse on attacks of
other kinds than none at all.

The threshold is 1, or more where harmless families that were left out come to more: split conformal
over harmless captures, each scored with floors made without its family (Vovk, Gammerman, Shafer
2005, 2.2). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml import fields
from plugin.ml.behaviour.finding import Finding
from plugin.ml.novelty import conformal
from plugin.ml.signs import FLOORS, NAMES, SCALES, SIGNS, said, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FORMAT = 1
KIND = "suspicion"
"""What the manifest says that it is."""
NAME = "suspicion"
"""Of the finding."""
LEAD = 0.5
"""Of the furthest family's lead over the next, so much is added to the floor."""
ALARMS = 0.05
"""Share of harmless captures of families never seen that may come to the threshold."""
LEAST = 1.0
"""No threshold is below it: twice what any harmless device did."""
REASONS_MAX = 5
_BELOW = 0.99
"""Of the threshold: as far as signs count that may not accuse alone."""
_ALONE = np.array([sign.alone for sign in SIGNS])
_STEPS_MAX = 64.0


class Manifest(NamedTuple):
    """What a model of suspicion was made for and from."""

    format: int
    """1."""
    kind: str
    """"suspicion"."""
    name: str
    version: str
    signs: tuple[str, ...]
    """The columns; other ones than this Halia's are refused."""
    window_seconds: float
    """Length of a row's window."""
    threshold: float
    alarms: float
    """What the threshold was calibrated for."""
    training_digest: str
    """SHA-256 over the sorted SHA-256 digests of the captures."""
    created: str
    """ISO 8601 time; empty when builds must be repeatable."""
    metrics: Mapping[str, Any]
    versions: Mapping[str, str]
    arrays_sha256: str = ""


class Suspicion(NamedTuple):
    """A manifest and its arrays.

    ``floor`` (n_signs,) float64, steps; ``scores`` (n_cases,) float64, ascending, of harmless
    captures whose family was left out.
    """

    manifest: Manifest
    arrays: Mapping[str, NDArray[Any]]

    def scores(self, values: Floats) -> Floats:
        """(n_rows,) the score of rows of :class:`plugin.offline.evidence.Evidence` values."""
        return scores_of(steps_of(values), self.arrays["floor"], self.manifest.threshold)


def parse_manifest(document: object) -> Manifest:
    """Check a manifest that was read.

    Raises:
        ValueError: the first thing that is wrong, in words.
    """
    manifest = Manifest(**fields.read(document, _FIELDS, FORMAT))
    if manifest.kind != KIND:
        raise ValueError(f"kind {fields.show(manifest.kind)} is not {KIND}")
    if manifest.signs != NAMES:
        raise ValueError("made for other signs than this Halia counts: make it again")
    return manifest


def check(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Hold the arrays against the signs.

    Raises:
        ValueError: what does not fit.
    """
    floor = arrays["floor"]
    if floor.shape != (len(SIGNS),):
        raise ValueError(f"the array floor has shape {floor.shape}, not {(len(SIGNS),)}")
    if not bool(((floor >= FLOORS) & (floor <= _STEPS_MAX)).all()):
        raise ValueError("a floor is out of range, or lower than what offices do: make it again")


def ratios(steps: Floats, floor: Floats) -> Floats:
    """(n_rows, n_signs) how far beyond harmless devices: 1 is one doubling."""
    found: Floats = steps / (floor + 1)
    return found


def scores_of(steps: Floats, floor: Floats, threshold: float) -> Floats:
    """(n_rows,) the highest over the signs; some count to below the threshold only."""
    best: Floats = _capped(ratios(steps, floor), threshold).max(axis=1, initial=0.0)
    return best


def _capped(found: Floats, threshold: float) -> Floats:
    """Ratios as they count: those of some signs to below the threshold only."""
    return np.where(_ALONE, found, np.minimum(found, _BELOW * threshold))


def floor_of(steps: Floats, family: NDArray[np.integer]) -> Floats:
    """(n_signs,) how far harmless devices go.

    Args:
        steps: (n_rows, n_signs) of harmless devices.
        family: (n_rows,) number of the family of each row.
    """
    highest = np.zeros((max(int(family.max(initial=0)) + 1, 2), steps.shape[1]))
    np.maximum.at(highest, family, steps)
    first, second = np.sort(highest, axis=0)[:-3:-1]
    floor: Floats = np.maximum(first + LEAD * (first - second), FLOORS)
    return floor


class Fitted(NamedTuple):
    """What is known of harmless devices."""

    floor: Floats
    scores: Floats
    """(n_cases,) ascending: of each case, its family left out, without the signs that may not
    accuse alone."""
    threshold: float


def fit(
    steps: Floats,
    case: NDArray[np.integer],
    family: NDArray[np.integer],
    *,
    alarms: float = ALARMS,
) -> Fitted:
    """Learn floors and threshold from harmless captures.

    Args:
        steps: (n_rows, n_signs) of :meth:`plugin.offline.evidence.Evidence.steps`.
        case: (n_rows,) number of the capture of each row.
        family: (n_cases,) number of the family of each capture.
        alarms: for which share of captures of new families the threshold is made.
    """
    scores = np.zeros(len(family))
    of_row = family[case]
    strong = np.where(_ALONE, steps, 0.0)
    for left in range(int(family.max(initial=-1)) + 1):
        floor = floor_of(strong[of_row != left], of_row[of_row != left])
        rows = np.flatnonzero(of_row == left)
        np.maximum.at(scores, case[rows], ratios(strong[rows], floor).max(axis=1, initial=0.0))
    # A score at the threshold counts as an alarm, so it lies just above the calibration score.
    limit = float(np.nextafter(conformal.threshold(scores, alarms), np.inf))
    return Fitted(floor_of(steps, of_row), np.sort(scores), max(LEAST, limit))


def finding(model: Suspicion, values: Floats) -> Finding | None:
    """What is to be said of a device; below the threshold too. None: nothing was counted.

    Args:
        model: floors and threshold.
        values: (n_rows, n_signs) of the device's windows, in order of time.
    """
    if not len(values):
        return None
    threshold, floor = model.manifest.threshold, model.arrays["floor"]
    scores = model.scores(values)
    worst = int(scores.argmax())
    ratio = ratios(steps_of(values[worst : worst + 1]), floor)[0]
    # What accused stands first, whatever ranks higher that may not.
    capped = _capped(ratio, threshold)
    order = np.lexsort((-ratio, -capped))[:REASONS_MAX]
    usual = SCALES * (2.0**floor - 1)
    told = [k for k in order.tolist() if ratio[k] >= min(threshold, float(scores[worst])) > 0]
    minutes = model.manifest.window_seconds / 60
    reasons = tuple(
        f"{said(SIGNS[k], values[worst, k])} within {minutes:.0f} minutes;"
        f" no harmless device that we know goes beyond {usual[k]:,.0f}"
        for k in told
    )
    evidence = tuple(f"{SIGNS[k].name} {values[worst, k]:g}" for k in told)
    return Finding(NAME, float(scores[worst]), threshold, reasons, evidence)


_FIELDS: fields.Fields = {
    "format": fields.count,
    "kind": fields.text,
    "name": fields.model_name,
    "version": fields.name,
    "signs": fields.names,
    "window_seconds": fields.positive,
    "threshold": fields.positive,
    "alarms": fields.probability,
    "training_digest": fields.digest,
    "created": fields.text,
    "metrics": fields.free,
    "versions": fields.texts,
    "arrays_sha256": fields.digest,
}

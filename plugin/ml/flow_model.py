"""A model that scores flows: how features are made of them, a fitted algorithm, and a threshold.

Arrays: those of the algorithm (:func:`plugin.ml.novelty.fitted.layout`), and ``scores`` (n,)
float64, ascending: scores of training flows that had no part in the fit they were scored by. The
threshold is that of split conformal prediction (:mod:`plugin.ml.novelty.conformal`): one more flow
of the same kind is above it with a probability of ``alarms`` at most. Computes only; files are
read in :mod:`plugin.ml.store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml import fields
from plugin.ml.novelty import conformal, fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from plugin.ml.novelty.fitted import Reason, Scorer
    from plugin.ml.novelty.registry import Foreign

    Floats = NDArray[np.float64]

FORMAT = 1
KIND = "flows"
"""What the manifest says that it is."""
ALARMS = 0.1
"""Share of flows of the training's kind that may be called abnormal."""
HELD_OUT, TRAINING = "held out", "training"
"""How the threshold was set: by scores of rows that were held out, or (few rows) of the fit."""
FOLDS = 5
_FEW = 10
"""With fewer rows none is held out."""
_MANY = 2000
"""With so many rows one fold is enough."""
_SCORES_MAX = 10_000


class Manifest(NamedTuple):
    """What a model of flows was made for and from."""

    format: int
    """1."""
    kind: str
    """"flows"."""
    name: str
    """Letters, digits, dot, dash, underscore."""
    version: str
    spec: Mapping[str, Any]
    """How features are made: ``plugin.flows.spec.Spec.document()``."""
    columns: int
    """How many features there are."""
    algorithm: str
    options: Mapping[str, Any]
    numbers: Mapping[str, Any]
    """Single numbers of what was fitted."""
    seed: int
    threshold: float
    """A score above it is abnormal."""
    calibration: str
    """``HELD_OUT`` or ``TRAINING``."""
    alarms: float
    """What the threshold was set for."""
    training_digest: str
    """SHA-256 over the sorted SHA-256 digests of the captures."""
    counts: Mapping[str, Any]
    """Of the training: flows, packets and the like; free form."""
    created: str
    """ISO 8601 time; empty when builds must be repeatable."""
    metrics: Mapping[str, Any]
    """What its evaluation found; free form."""
    versions: Mapping[str, str]
    """Of halia and numpy that made it."""
    arrays_sha256: str = ""
    """Of arrays.npz; set when the model is saved."""


class FlowModel(NamedTuple):
    """A manifest, the fitted algorithm, and the scores that its threshold comes from."""

    manifest: Manifest
    scorer: Scorer
    scores: Floats
    """(n,) ascending."""

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays, for a file."""
        return {**self.scorer.arrays(), "scores": self.scores}

    def score(self, matrix: ArrayLike) -> Floats:
        """(n,) how unusual each flow is: larger = more.

        Args:
            matrix: (n, columns) features, made as ``manifest.spec`` says.

        Raises:
            ValueError: rows of another shape, or numbers that are not finite.
        """
        return self.scorer.score(matrix)

    def abnormal(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """(n,) which scores are above the threshold."""
        return np.asarray(np.asarray(scores, np.float64) > self.manifest.threshold)

    def p_values(self, scores: ArrayLike) -> Floats:
        """(n,) share of flows of the training's kind at least as unusual; small = unusual."""
        return conformal.p_values(self.scores, scores)

    def reasons(self, row: ArrayLike, names: Sequence[str], most: int = 5) -> tuple[Reason, ...]:
        """The features that make a flow unusual (:meth:`plugin.ml.novelty.fitted.Scorer.reasons`).

        Args:
            row: (columns,) its features.
            names: of the features.
            most: so many at most.
        """
        return self.scorer.reasons(row, names, most)


class Training(NamedTuple):
    """How a model is learned, and what is written down about it."""

    algorithm: str = "one-class-svm"
    options: Mapping[str, Any] = {}
    seed: int = 0
    alarms: float = ALARMS
    name: str = "flows"
    version: str = "1"
    digest: str = "0" * 64
    counts: Mapping[str, Any] = {}
    metrics: Mapping[str, Any] = {}
    created: str = ""
    versions: Mapping[str, str] = {}


def learn(
    rows: ArrayLike, spec: Mapping[str, Any], how: Training, others: Iterable[Foreign] = ()
) -> FlowModel:
    """Learn what is usual of flows.

    Args:
        rows: (n, columns) features of flows of which most are normal.
        spec: how they were made (``Spec.document()``).
        how: the rest.
        others: entry points of detectors of other packages.

    Raises:
        OptionError: no such algorithm or option, or rows and options that do not work together.
        ValueError: rows of another shape, numbers that are not finite, alarms out of range.
    """
    entries = tuple(others)
    scorer = fitted.fit(how.algorithm, how.options, rows, how.seed, entries)
    scores, calibration = calibrate(scorer, np.asarray(rows, np.float64), how.seed, entries)
    threshold = conformal.threshold(scores, how.alarms)
    manifest = Manifest(
        format=FORMAT,
        kind=KIND,
        name=how.name,
        version=how.version,
        spec=spec,
        columns=scorer.columns,
        algorithm=scorer.algorithm,
        options=scorer.options,
        numbers=scorer.kept.numbers,
        seed=how.seed,
        # Too few rows for such a share: what is farther out than all of them is abnormal.
        threshold=float(min(threshold, scores.max())),
        calibration=calibration,
        alarms=how.alarms,
        training_digest=how.digest,
        counts=how.counts,
        created=how.created,
        metrics=how.metrics,
        versions=how.versions,
    )
    return FlowModel(manifest, scorer, _thinned(np.sort(scores)))


def calibrate(
    scorer: Scorer, rows: Floats, seed: int, others: Iterable[Foreign] = ()
) -> tuple[Floats, str]:
    """Scores of rows as new ones have them: by fits of the same algorithm that lacked them.

    Rows are held out in fifths; of many rows one fifth is enough. The threshold that comes of it
    is for a fit on four fifths, a little on the safe side where rows have neighbours.

    Args:
        scorer: of a fit on all rows; of few, it scores them itself.
        rows: (n, columns).
        seed: of the fifths and the fits.
        others: entry points of detectors of other packages.

    Returns:
        The scores, at least one for each fifth row; ``HELD_OUT`` or ``TRAINING``.
    """
    if len(rows) < _FEW:
        return scorer.score(rows), TRAINING
    fifth = np.random.default_rng(seed).permutation(len(rows)) % FOLDS
    parts, entries = [], tuple(others)
    for one in range(1 if len(rows) >= _MANY else FOLDS):
        rest = fitted.fit(scorer.algorithm, scorer.options, rows[fifth != one], seed, entries)
        parts.append(rest.score(rows[fifth == one]))
    return np.concatenate(parts), HELD_OUT


def _thinned(scores: Floats) -> Floats:
    """At most ``_SCORES_MAX`` of ascending scores, evenly, the first and last among them."""
    if len(scores) <= _SCORES_MAX:
        return scores
    return scores[np.linspace(0, len(scores) - 1, _SCORES_MAX).round().astype(np.intp)]


def parse_manifest(document: object) -> Manifest:
    """Check a manifest that was read.

    Raises:
        ValueError: the first thing that is wrong, in words.
    """
    manifest = Manifest(**fields.read(document, _FIELDS, FORMAT))
    if manifest.kind != KIND:
        raise ValueError(f"kind {fields.show(manifest.kind)} is not {KIND}")
    fitted.known(manifest.algorithm)
    if manifest.calibration not in {HELD_OUT, TRAINING}:
        raise ValueError(f"calibration {fields.show(manifest.calibration)} is not known")
    return manifest


def layout(manifest: Manifest) -> dict[str, tuple[str, int]]:
    """Type and dimensions of each array of a model."""
    return {**fitted.layout(manifest.algorithm), "scores": ("f8", 1)}


def of_arrays(manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> FlowModel:
    """The model of a manifest and its arrays, held against each other.

    Raises:
        ValueError: what does not fit.
    """
    own = {name: array for name, array in arrays.items() if name != "scores"}
    document = {name: getattr(manifest, name) for name in _OF_SCORER}
    scores = np.asarray(arrays["scores"], np.float64)
    if (np.diff(scores) < 0).any():
        raise ValueError("the array scores is not ascending")
    return FlowModel(manifest, fitted.load(document, own), scores)


_OF_SCORER = ("algorithm", "options", "columns", "numbers")

_FIELDS: fields.Fields = {
    "format": fields.count,
    "kind": fields.text,
    "name": fields.model_name,
    "version": fields.name,
    "spec": fields.free,
    "columns": fields.count,
    "algorithm": fields.name,
    "options": fields.free,
    "numbers": fields.free,
    "seed": fields.count,
    "threshold": fields.finite,
    "calibration": fields.text,
    "alarms": fields.probability,
    "training_digest": fields.digest,
    "counts": fields.free,
    "created": fields.text,
    "metrics": fields.free,
    "versions": fields.texts,
    "arrays_sha256": fields.digest,
}

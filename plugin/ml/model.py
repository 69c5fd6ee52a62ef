"""What a model is: a manifest that says what it was made for, and arrays. Nothing that can run.

The manifest is JSON, one key for each field of :class:`Manifest`. Everything read from one is
foreign until :func:`parse_manifest` has checked it. Computes only; files are read in
:mod:`plugin.ml.store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from plugin.ml import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

FORMAT = 1
Algorithm = Literal["net", "forest", "trees", "boosting", "ensemble"]
ALGORITHMS = get_args(Algorithm)
WITH_NET = frozenset({"net", "ensemble"})
"""Algorithms whose arrays hold a net."""
WITH_TREES = frozenset({"forest", "trees", "boosting", "ensemble"})
_CLASSES_MIN = 2
UNKNOWN = "Unknown"
"""Fills rankings with fewer than three classes; no class may have this name."""


class Manifest(NamedTuple):
    """What a model was made for and from."""

    format: int
    """1."""
    name: str
    """As in ``--model NAME``: letters, digits, dot, dash, underscore."""
    version: str
    algorithm: str
    """One of ``ALGORITHMS``; :mod:`plugin.ml.role` tells what each one's arrays are."""
    schema_name: str
    schema_version: int
    schema_hash: str
    """``Schema.hash`` of the feature set; another one is refused."""
    classes: tuple[str, ...]
    """The roles or device types it tells apart, as the verdict shows and a policy matches."""
    temperature: float
    """Calibration: p is proportional to p ** (1 / temperature)."""
    threshold: float
    """The role is known when the top calibrated confidence is at least this."""
    min_packets: int
    """Fewer packets of the device: undetermined."""
    min_sessions: int
    """Fewer sessions of the device: undetermined."""
    window_seconds: float
    """Recommended length of a capture; a shorter one gets a warning."""
    training_digest: str
    """SHA-256 over the sorted SHA-256 digests of the training files."""
    created: str
    """ISO 8601 time at which it was trained; empty when builds must be repeatable."""
    metrics: Mapping[str, Any]
    """What its evaluation found; free form."""
    versions: Mapping[str, str]
    """Of halia, numpy, scikit-learn that trained it."""
    networkml: Mapping[str, str]
    """NetworkML's own label of a class, where it has one."""
    arrays_sha256: str = ""
    """Of arrays.npz; set when the model is saved."""
    rejection: float = 1.0
    """The role is not known when the confidences are spread wider than this
    (:func:`plugin.ml.role.dispersion`): 1, which models made before it have, rejects nothing."""


class Model(NamedTuple):
    """A manifest and its arrays (see :mod:`plugin.ml.role` for their names and shapes)."""

    manifest: Manifest
    arrays: Mapping[str, NDArray[np.generic]]


def parse_manifest(document: object) -> Manifest:
    """Check a manifest that was read.

    Args:
        document: what the JSON held.

    Raises:
        ValueError: the first thing that is wrong, in words.
    """
    manifest = Manifest(**fields.read(document, _FIELDS, FORMAT, _LATER))
    if manifest.algorithm not in ALGORITHMS:
        raise ValueError(
            f"algorithm {fields.show(manifest.algorithm)} is none of {', '.join(ALGORITHMS)}"
        )
    if not set(manifest.networkml) <= set(manifest.classes):
        raise ValueError("networkml names a class that the model does not have")
    return manifest


def to_document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON's types, the inverse of :func:`parse_manifest`."""
    return fields.to_document(manifest)


def _classes(name: str, value: object) -> tuple[str, ...]:
    classes = fields.names(name, value)
    if len(classes) < _CLASSES_MIN:
        raise ValueError(f"{name} has fewer than two names")
    if UNKNOWN in classes:
        raise ValueError(f"{name} has the reserved name {UNKNOWN}")
    return classes


_FIELDS: fields.Fields = {
    "format": fields.count,
    "name": fields.model_name,
    "version": fields.name,
    "algorithm": fields.text,
    "schema_name": fields.name,
    "schema_version": fields.count,
    "schema_hash": fields.digest,
    "classes": _classes,
    "temperature": fields.positive,
    "threshold": fields.probability,
    "min_packets": fields.count,
    "min_sessions": fields.count,
    "window_seconds": fields.positive,
    "training_digest": fields.digest,
    "created": fields.text,
    "metrics": fields.free,
    "versions": fields.texts,
    "networkml": fields.texts,
    "arrays_sha256": fields.digest,
    "rejection": fields.probability,
}
_LATER = frozenset({"rejection"})
"""Fields that a manifest of this format may lack."""

"""What a model is: a manifest that says what it was made for, and arrays. Nothing that can run.

The manifest is JSON, one key for each field of :class:`Manifest`. Everything read from one is
foreign until :func:`parse_manifest` has checked it. Computes only; files are read in
:mod:`plugin.ml.store`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = 1
ALGORITHMS = ("net", "forest")
CLASSES_MAX = 1000
TEXT_MAX = 200
_SHOWN = 40  # letters of a foreign value in a message
_SHA256_LETTERS = 64
_SMALLEST, _LARGEST = 1e-6, 1e9  # of a temperature, a length of time
_FLOAT_MAX = 1.7976931348623157e308
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
    """"net" or "forest"."""
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
    if not isinstance(document, dict):
        raise ValueError("the manifest is no JSON object")  # noqa: TRY004 - a fault of the content
    if document.get("format") != FORMAT:
        raise ValueError(f"format {_show(document.get('format'))} is not {FORMAT}")
    _same_keys(document)
    fields: dict[str, Any] = {name: _FIELDS[name](name, document[name]) for name in _FIELDS}
    manifest = Manifest(**fields)
    if manifest.algorithm not in ALGORITHMS:
        raise ValueError(
            f"algorithm {_show(manifest.algorithm)} is none of {', '.join(ALGORITHMS)}"
        )
    if set(manifest.name) - _NAME_LETTERS or manifest.name.startswith("."):
        raise ValueError(f"name {_show(manifest.name)} has letters that no model name may have")
    if not set(manifest.networkml) <= set(manifest.classes):
        raise ValueError("networkml names a class that the model does not have")
    return manifest


def to_document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON's types, the inverse of :func:`parse_manifest`."""
    document = manifest._asdict()
    document["classes"] = list(manifest.classes)
    for name in ("metrics", "versions", "networkml"):
        document[name] = dict(document[name])
    return document


_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def _show(value: object) -> str:
    """A foreign value, short enough for one line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _same_keys(document: dict[str, Any]) -> None:
    missing = sorted(set(_FIELDS) - set(document))
    if missing:
        raise ValueError(f"the manifest lacks {', '.join(missing)}")
    foreign = sorted(set(document) - set(_FIELDS))
    if foreign:
        raise ValueError(f"the manifest has an unknown key {_show(foreign[0])}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX or not value.isprintable():
        raise ValueError(f"{name} is no plain text of at most {TEXT_MAX} letters")
    return value


def _name(name: str, value: object) -> str:
    if not _text(name, value):
        raise ValueError(f"{name} is empty")
    return str(value)


def _digest(name: str, value: object) -> str:
    text = _text(name, value)
    if len(text) != _SHA256_LETTERS or set(text) - set("0123456789abcdef"):
        raise ValueError(f"{name} is no SHA-256 in hexadecimal")
    return text


def _count(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{name} is no whole number from 0")
    return value


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is no number")  # noqa: TRY004 - a fault of the content
    # NaN is within no limits, and a whole number of JSON may be larger than any float.
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{name} is no number within {_LARGEST:g}")
    return float(value)


def _positive(name: str, value: object) -> float:
    number = _number(name, value)
    if not _SMALLEST <= number <= _LARGEST:
        raise ValueError(f"{name} is not between {_SMALLEST} and {_LARGEST}")
    return number


def _probability(name: str, value: object) -> float:
    number = _number(name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is not between 0 and 1")
    return number


def _classes(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > CLASSES_MAX:
        raise ValueError(f"{name} is no list of at most {CLASSES_MAX}")
    classes = tuple(_name(name, item) for item in value)
    if len(classes) < _CLASSES_MIN or len(set(classes)) != len(classes):
        raise ValueError(f"{name} has fewer than two names, or one twice")
    if UNKNOWN in classes:
        raise ValueError(f"{name} has the reserved name {UNKNOWN}")
    return classes


def _texts(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > CLASSES_MAX:
        raise ValueError(f"{name} is no object of at most {CLASSES_MAX} texts")
    return {_text(name, key): _text(name, item) for key, item in value.items()}


def _object(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is no object")  # noqa: TRY004 - a fault of the content
    _all_finite(name, value)
    return dict(value)


def _all_finite(name: str, value: object) -> None:
    """Refuse numbers that no float holds: JSON reads 1e999 as infinity, and cannot write it."""
    if isinstance(value, Mapping):
        for item in value.values():
            _all_finite(name, item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            _all_finite(name, item)
    elif isinstance(value, int | float) and not -_FLOAT_MAX <= value <= _FLOAT_MAX:
        raise ValueError(f"{name} holds a number that is not finite")


_FIELDS = {
    "format": _count,
    "name": _name,
    "version": _name,
    "algorithm": _text,
    "schema_name": _name,
    "schema_version": _count,
    "schema_hash": _digest,
    "classes": _classes,
    "temperature": _positive,
    "threshold": _probability,
    "min_packets": _count,
    "min_sessions": _count,
    "window_seconds": _positive,
    "training_digest": _digest,
    "created": _text,
    "metrics": _object,
    "versions": _texts,
    "networkml": _texts,
    "arrays_sha256": _digest,
}

"""Fields of a manifest that was read: each foreign value checked, or one ValueError in words.

A manifest is a JSON object with exactly the keys of its kind; a *field* is a function that takes
a key's name and value and gives the checked value. Computes only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Fields = Mapping[str, Callable[[str, object], Any]]
"""What a kind of manifest has: key to field."""
ITEMS_MAX = 1000
"""Of a list or an object of texts."""
TEXT_MAX = 200
_SHOWN = 40  # letters of a foreign value in a message
_SHA256_LETTERS = 64
_SMALLEST, _LARGEST = 1e-6, 1e9  # of a temperature, a length of time
_FLOAT_MAX = 1.7976931348623157e308
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def read(
    document: object, wanted: Fields, form: int, later: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The checked values of a manifest.

    Args:
        document: what the JSON held.
        wanted: its keys.
        form: the value of its key ``format``.
        later: keys that it may lack: they came after the first manifests of this format.

    Raises:
        ValueError: the first thing that is wrong, in words.
    """
    if not isinstance(document, dict):
        raise ValueError("the manifest is no JSON object")  # noqa: TRY004 - a fault of the content
    if document.get("format") != form:
        raise ValueError(f"format {show(document.get('format'))} is not {form}")
    missing = sorted(set(wanted) - set(document) - later)
    if missing:
        raise ValueError(f"the manifest lacks {', '.join(missing)}")
    foreign = sorted(set(document) - set(wanted))
    if foreign:
        raise ValueError(f"the manifest has an unknown key {show(foreign[0])}")
    return {key: field(key, document[key]) for key, field in wanted.items() if key in document}


def to_document(manifest: Manifest) -> dict[str, Any]:
    """A manifest as JSON's types: the inverse of :func:`read`."""
    return {key: _plain(value) for key, value in manifest._asdict().items()}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


class Manifest(Protocol):
    """A named tuple of any kind."""

    def _asdict(self) -> dict[str, Any]: ...


def show(value: object) -> str:
    """A foreign value, short enough for one line."""
    said = repr(value)
    return said if len(said) <= _SHOWN else said[: _SHOWN - 3] + "..."


def text(key: str, value: object) -> str:
    """Plain text; may be empty."""
    if not isinstance(value, str) or len(value) > TEXT_MAX or not value.isprintable():
        raise ValueError(f"{key} is no plain text of at most {TEXT_MAX} letters")
    return value


def name(key: str, value: object) -> str:
    """Plain text that is not empty."""
    if not text(key, value):
        raise ValueError(f"{key} is empty")
    return str(value)


def model_name(key: str, value: object) -> str:
    """A name that a model's folder may have."""
    found = name(key, value)
    if set(found) - _NAME_LETTERS or found.startswith("."):
        raise ValueError(f"{key} {show(found)} has letters that no model name may have")
    return found


def names(key: str, value: object) -> tuple[str, ...]:
    """A list of names, each once."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > ITEMS_MAX:
        raise ValueError(f"{key} is no list of at most {ITEMS_MAX}")
    found = tuple(name(key, item) for item in value)
    if len(set(found)) != len(found):
        raise ValueError(f"{key} has one twice")
    return found


def digest(key: str, value: object) -> str:
    """A SHA-256, hexadecimal."""
    found = text(key, value)
    if len(found) != _SHA256_LETTERS or set(found) - set("0123456789abcdef"):
        raise ValueError(f"{key} is no SHA-256 in hexadecimal")
    return found


def count(key: str, value: object) -> int:
    """A whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{key} is no whole number from 0")
    return value


def number(key: str, value: object) -> float:
    """A number that is neither infinite nor absurd."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{key} is no number")  # noqa: TRY004 - a fault of the content
    # NaN is within no limits, and a whole number of JSON may be larger than any float.
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{key} is no number within {_LARGEST:g}")
    return float(value)


def finite(key: str, value: object) -> float:
    """Any number that a float holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{key} is no number")  # noqa: TRY004 - a fault of the content
    if not -_FLOAT_MAX <= value <= _FLOAT_MAX:
        raise ValueError(f"{key} is a number that is not finite")
    return float(value)


def positive(key: str, value: object) -> float:
    """A number above zero."""
    found = number(key, value)
    if not _SMALLEST <= found <= _LARGEST:
        raise ValueError(f"{key} is not between {_SMALLEST} and {_LARGEST}")
    return found


def probability(key: str, value: object) -> float:
    """A number from 0 to 1."""
    found = number(key, value)
    if not 0 <= found <= 1:
        raise ValueError(f"{key} is not between 0 and 1")
    return found


def texts(key: str, value: object) -> dict[str, str]:
    """An object of texts."""
    if not isinstance(value, Mapping) or len(value) > ITEMS_MAX:
        raise ValueError(f"{key} is no object of at most {ITEMS_MAX} texts")
    return {text(key, one): text(key, item) for one, item in value.items()}


def free(key: str, value: object) -> dict[str, Any]:
    """An object of any form, whose numbers are finite."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} is no object")  # noqa: TRY004 - a fault of the content
    _all_finite(key, value)
    return dict(value)


def _all_finite(key: str, value: object) -> None:
    """Refuse numbers that no float holds: JSON reads 1e999 as infinity, and cannot write it."""
    if isinstance(value, int | float):
        if not -_FLOAT_MAX <= value <= _FLOAT_MAX:
            raise ValueError(f"{key} holds a number that is not finite")
    elif isinstance(value, list | tuple):
        for item in value:
            _all_finite(key, item)
    # Last, and not of texts: asking whether something is a Mapping takes long.
    elif not isinstance(value, str) and isinstance(value, Mapping):
        for item in value.values():
            _all_finite(key, item)

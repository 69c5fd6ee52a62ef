"""``--param``: options of an algorithm, as YAML or JSON, in the command line or in a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from plugin.errors import OptionError

WHERE = "--param"
BYTES_MAX = 1 << 20
_POWER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d{1,3}")
_EXAMPLE = "give {nu: 0.1}, or a file that holds it"


def parameters(given: str | None, algorithm: str) -> dict[str, Any]:
    """Read the options of one algorithm.

    Args:
        given: YAML or JSON, or the name of a file of it: options, or for each algorithm its
            options; None: there are none.
        algorithm: as it was named.

    Raises:
        OptionError: it is neither, or has options of other algorithms only.
    """
    if given is None:
        return {}
    import yaml

    try:
        found = yaml.safe_load(written(given))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())
        raise OptionError(f"is no YAML: {said}", where=WHERE, advice=_EXAMPLE) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise OptionError(f"{given!r} is no file and no options", where=WHERE, advice=_EXAMPLE)
    return {str(name): _plain(value) for name, value in _own(found, algorithm).items()}


def _plain(value: object) -> object:
    """A value; ``1e-3`` is a number, though YAML 1.1 has it as text."""
    if isinstance(value, str) and _POWER.fullmatch(value):
        return float(value)
    return value


def _own(found: dict[Any, Any], algorithm: str) -> dict[Any, Any]:
    """The part of one algorithm, where there are parts."""
    if not found or not all(isinstance(value, dict) for value in found.values()):
        return found
    from plugin.ml.novelty.registry import canonical

    parts = {canonical(str(name)): part for name, part in found.items()}
    own = canonical(algorithm)
    if own not in parts:
        said = f"has options of {', '.join(parts)}, and the algorithm is {own}"
        raise OptionError(said, where=WHERE, advice="name it with --algorithm")
    part: dict[Any, Any] = parts[own]
    return part


def written(given: str, where: str = WHERE) -> str:
    """What an option says: a file's content where there is one of that name.

    Raises:
        OptionError: the file cannot be read.
    """
    path = Path(given)
    try:
        if not path.is_file():
            return given
    except (OSError, ValueError):  # too long for a name of a file, or none
        return given
    try:
        with path.open("rb") as stream:
            return stream.read(BYTES_MAX).decode()
    except OSError as error:
        raise OptionError(f"{given}: {error.strerror}", where=where) from error
    except UnicodeDecodeError as error:
        raise OptionError(f"{given}: is no text", where=where) from error

"""What is done of a long piece of work, as files in a folder: the same work goes on from there.

A part is a file whose name is a digest of all that its content follows from. It appears whole or
not at all, so a part that is there is done; parts of other work in the same folder do not matter.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin import __version__
from plugin.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DIGEST_CHARS = 32
_NUMBER_BYTES = 8


def key_of(*facts: object) -> str:
    """A name for what follows from these facts (as JSON), with this version of Halia."""
    text = json.dumps([__version__, *facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]


def state_of(path: Path) -> list[object]:
    """What tells whether a file has changed: its name, size and time.

    Raises:
        OSError: it cannot be looked at.
    """
    found = path.stat()
    return [str(path), found.st_size, found.st_mtime_ns]


def is_done(path: Path) -> bool:
    """Whether a part is there."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def keep(path: Path, content: bytes) -> None:
    """Write a part.

    It is not forced to the disk: that takes longer than most captures, and a machine that loses its
    power loses the name too, or leaves an empty file, which :func:`is_done` takes for none.

    Raises:
        OutputError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            fresh.write_bytes(content)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def keep_columns(
    path: Path,
    document: Mapping[str, Any],
    durations: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    """Write a part of columns: a line of JSON, then the numbers of each column.

    Raises:
        OutputError: it cannot be written.
    """
    sizes = {"durations": len(durations), "counts": len(counts)}
    line = json.dumps({"sizes": sizes, "document": document})
    columns = (durations.astype("<f8").tobytes(), counts.astype("<i8").tobytes())
    keep(path, b"".join((line.encode(), b"\n", *columns)))


def column(path: Path, name: str) -> NDArray[Any]:
    """One column of a part: ``durations`` or ``counts``.

    Raises:
        OutputError: the part is damaged.
    """
    head, content = _read(path)
    n, m = head["sizes"]["durations"], head["sizes"]["counts"]
    if name == "durations":
        return np.frombuffer(content, "<f8", n)
    return np.frombuffer(content, "<i8", m, n * _NUMBER_BYTES)


def document(path: Path) -> dict[str, Any]:
    """What a part of columns says besides.

    Raises:
        OutputError: the part is damaged.
    """
    found: dict[str, Any] = _read(path)[0]["document"]
    return found


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        line, _, content = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        whole = sum(head["sizes"].values()) * _NUMBER_BYTES == len(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole, head, content = False, {}, b""
    if not whole:
        advice = "remove it, and give the same command again"
        raise OutputError("is no part of this work, or damaged", where=str(path), advice=advice)
    return head, content

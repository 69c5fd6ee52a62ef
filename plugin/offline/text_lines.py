"""Texts of any size as lines: files and standard input, packed or not, told by content."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from plugin.capture.source import STDIN, damaged_errors, open_source
from plugin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plugin.capture.source import Source

LINE_MAX = 1 << 20
"""Bytes of a line that are kept; the rest of a longer one is passed over."""
_BLOCK = 1 << 18


class Lines(NamedTuple):
    """An open text."""

    name: str
    """Its path, printable."""
    lines: Iterator[bytes]
    """Each with its end, but for a last one that has none; at most :data:`LINE_MAX` bytes."""


@contextmanager
def open_lines(path: Path, progress: Callable[[int], None] | None = None) -> Iterator[Lines]:
    """Open a text.

    Args:
        path: the file, ``-`` for standard input; gzip, xz and zstd are unpacked.
        progress: called with the bytes of the file taken so far.

    Raises:
        InputError: it cannot be opened. While its lines are read: it is packed and damaged.
    """
    # What open_source says of a directory is about captures.
    if path != STDIN and (what := _no_file(path)):
        raise InputError(what, where=str(path))
    with open_source(path) as source:
        yield Lines(source.name, _lines(source, progress))


def _no_file(path: Path) -> str:
    """What it is in place of a file; empty: a file, or nothing."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # such as a name that is too long: opening it will tell
        return ""
    if stat.S_ISDIR(mode):
        return "is a directory; a file is expected"
    # A pipe into which nobody writes, or a device without an end, would be read for ever.
    return "" if stat.S_ISREG(mode) else "is no regular file; give - for standard input"


def _lines(source: Source, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    buffer = memoryview(bytearray(_BLOCK))
    rest, long = b"", False
    while size := _read(source, buffer):
        if progress is not None:
            progress(source.position())
        *whole, rest = (rest + bytes(buffer[:size])).split(b"\n")
        for line in whole:
            # The end of a line whose beginning was given already.
            if not long:
                yield line[:LINE_MAX] + b"\n"
            long = False
        if len(rest) > LINE_MAX:
            if not long:
                yield rest[:LINE_MAX] + b"\n"
            rest, long = b"", True
    if rest and not long:
        yield rest


def _read(source: Source, buffer: memoryview) -> int:
    try:
        return source.read_into(buffer)
    except damaged_errors() as error:
        raise InputError(f"is packed and damaged: {error}", where=source.name) from error

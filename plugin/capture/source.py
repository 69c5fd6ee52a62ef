"""Captures as streams of bytes: files, directories, standard input; gzip, xz and zstd unpacked.

I/O lives here. What a file is, is told by its first bytes, never by its name. Files are opened for
reading only and never mapped: one that its writer cuts must not kill us.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from plugin.errors import CaptureError, install_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

STDIN = Path("-")
_MAGICS = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\xcd\x34",
    b"\x34\xcd\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
)
_GZIP, _XZ, _ZSTD = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_PEEK = 6


class Source(NamedTuple):
    """One open input."""

    name: str
    size: int | None
    """Bytes to come, where that is known (not for streams and packed files)."""
    read_into: Callable[[memoryview], int]
    """Fills part of a buffer; 0 = end. Raises the errors in ``DAMAGED`` on a torn packed stream."""
    position: Callable[[], int]
    """Bytes of the file (before unpacking) that were taken; for progress."""


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a capture; ``Path("-")`` is standard input.

    Raises:
        CaptureError: it cannot be opened, or is packed in a way that needs an extra.
    """
    if path == STDIN:
        yield _unpacked(sys.stdin.buffer, "-", None)
        return
    try:
        raw = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with raw:
        try:
            yield _unpacked(raw, str(path), os.fstat(raw.fileno()).st_size or None)
        except OSError as error:
            raise _unreadable(path, error) from error


def find_captures(
    paths: Iterable[Path], *, skipped: Callable[[Path, int], None] | None = None
) -> Iterator[Path]:
    """The captures among the given paths: files as they are, directories searched by first bytes.

    A directory that cannot be read is given as it is, for whoever opens it to tell why.

    Args:
        paths: Files and directories; of these all files below count (links to directories are not
            followed).
        skipped: Called after each directory with the number of its files that are no captures.

    Raises:
        CaptureError: a directory holds no capture.
    """
    for path in paths:
        if path == STDIN or not _is_directory(path):
            yield path
            continue
        found, others = False, 0
        for file in _below(path):
            if _is_capture(file):
                found = True
                yield file
            else:
                others += 1
        if not found:
            raise CaptureError("no capture in this directory", where=str(path))
        if others and skipped is not None:
            skipped(path, others)


def damaged_errors() -> tuple[type[Exception], ...]:
    """What a torn or damaged packed stream raises; of packers that were not loaded, nothing."""
    errors: list[type[Exception]] = [EOFError]
    for module, name in (
        ("zlib", "error"),
        ("gzip", "BadGzipFile"),
        ("lzma", "LZMAError"),
        ("zstandard", "ZstdError"),
    ):
        if module in sys.modules:
            errors.append(getattr(sys.modules[module], name))
    return tuple(errors)


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # opening it will tell
        return False


def _below(folder: Path) -> list[Path]:
    """All regular files below a directory, in order, and the directories that cannot be read."""
    closed: list[Path] = []
    found: list[Path] = []
    for place, _, names in os.walk(folder, onerror=lambda e: closed.append(Path(e.filename))):
        found += (file for name in names if (file := Path(place, name)).is_file())
    return sorted(found + closed)


def _is_capture(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            start = stream.read(_PEEK)
            if start.startswith(_MAGICS):
                return True
            if not start.startswith((_GZIP, _XZ, _ZSTD)):
                return False
            stream.seek(0)
            head = bytearray(4)
            try:
                _unpacked(stream, str(file), None).read_into(memoryview(head))
            except (OSError, CaptureError):
                return True
            except damaged_errors():
                return True  # a torn capture is to be named, not passed over
            return bytes(head).startswith(_MAGICS)
    except OSError:
        return True


def _unpacked(stream: BinaryIO, name: str, size: int | None) -> Source:
    start = _peek(stream)
    if not start.startswith((_GZIP, _XZ, _ZSTD)):
        return Source(name, size, _reader(stream), _position(stream))
    if start.startswith(_GZIP):
        import gzip

        unpacked: io.BufferedIOBase = gzip.GzipFile(fileobj=stream)
    elif start.startswith(_XZ):
        import lzma

        unpacked = lzma.LZMAFile(stream)  # noqa: SIM115 - lives as long as its stream
    else:
        unpacked = _zstd(stream, name)
    return Source(name, None, _reader(unpacked), _position(stream))


def _zstd(stream: BinaryIO, name: str) -> io.BufferedIOBase:
    try:
        import zstandard
    except ImportError as error:
        raise CaptureError(
            "is packed with zstd, which needs an extra",
            where=name,
            advice=install_extra("zstd"),
        ) from error
    reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    return io.BufferedReader(reader)


def _peek(stream: BinaryIO) -> bytes:
    """The first bytes, without taking them: input may be a pipe."""
    start: bytes = stream.peek(_PEEK)[:_PEEK] if hasattr(stream, "peek") else b""
    return start


def _reader(stream: io.BufferedIOBase | BinaryIO) -> Callable[[memoryview], int]:
    # readinto1 gives what there is: a torn packed stream loses none of what came before the tear,
    # and a pipe need not fill a block before we look at it.
    read: Callable[[memoryview], int] = stream.readinto1  # type: ignore[union-attr]  # BinaryIO has it
    return read


def _position(stream: BinaryIO) -> Callable[[], int]:
    return stream.tell if stream.seekable() else lambda: 0


def _unreadable(path: Path, error: OSError) -> CaptureError:
    return CaptureError(f"cannot be read: {error.strerror or error}", where=str(path))

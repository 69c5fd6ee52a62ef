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
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from plugin.errors import CaptureError, install_extra, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from _typeshed import WriteableBuffer as Buffer

    class ZstdFrame(Protocol):
        """A ``zstandard.ZstdDecompressionObj``."""

        @property
        def eof(self) -> bool:
            """The frame has ended."""

        @property
        def unused_data(self) -> bytes:
            """What came behind its end."""

        def decompress(self, data: bytes, /) -> bytes:
            """What these bytes unpack to."""

    class ZstdUnpacker(Protocol):
        """A ``zstandard.ZstdDecompressor``."""

        def decompressobj(self) -> ZstdFrame:
            """Begin a frame."""


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
_ZSTD_SKIPPABLE = tuple(bytes((first, 0x2A, 0x4D, 0x18)) for first in range(0x50, 0x60))
"""Frames that say nothing; pzstd begins a file with one."""
_PACKED = (_GZIP, _XZ, _ZSTD, *_ZSTD_SKIPPABLE)
_PEEK = 6
_BLOCK = 1 << 16
_ZSTD_STEP = 1024
"""Packed bytes unpacked at once: 4 of them can hold 128 KiB, so at most 32 MiB come out."""


_LOGS = "logs are not read, Zeek's neither: give the captures (pcap, pcapng) that they were made of"


class Source(NamedTuple):
    """One open input."""

    name: str
    """Its path, printable (see :func:`plugin.errors.printable`)."""
    size: int | None
    """Bytes to come, where that is known (not for streams and packed files)."""
    read_into: Callable[[memoryview], int]
    """Fills part of a buffer; 0 = end. Raises the errors in ``DAMAGED`` on a torn packed stream."""
    position: Callable[[], int]
    """Bytes of the file (before unpacking) that were taken; for progress."""
    packed: bool = False
    """What is read was unpacked: a place in it is no place in the file."""


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a capture; ``Path("-")`` is standard input.

    Raises:
        CaptureError: it cannot be opened, is a directory (:func:`find_captures` gives one in which
            it found nothing), or is packed in a way that needs an extra.
    """
    if path == STDIN:
        yield _unpacked(sys.stdin.buffer, "-", None)
        return
    try:
        if _is_directory(path):
            os.scandir(path).close()  # one that cannot be read says so
            advice = _LOGS if next(path.rglob("*.log"), None) is not None else None
            raise CaptureError("no capture in this directory", where=str(path), advice=advice)
        raw = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with raw:
        try:
            yield _unpacked(raw, printable(str(path)), os.fstat(raw.fileno()).st_size or None)
        except OSError as error:
            raise _unreadable(path, error) from error


def find_captures(
    paths: Iterable[Path], *, skipped: Callable[[Path, int], None] | None = None
) -> Iterator[Path]:
    """The captures among the given paths: files as they are, directories searched by first bytes.

    A directory that holds no capture comes itself, as a path that is not there does: opening it
    is the error, so that the others are still read.

    A directory that cannot be read is given as it is, for whoever opens it to tell why.

    Args:
        paths: Files and directories; of these all files below count (links to directories are not
            followed).
        skipped: Called after each directory with the number of its files that are no captures.
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
            yield path
        elif others and skipped is not None:
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
            if not start.startswith(_PACKED):
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
    start, whole = _peek(stream)
    if not start.startswith(_PACKED):
        return Source(name, size, _reader(whole), _position(stream))
    if start.startswith(_GZIP):
        import gzip

        unpacked: io.BufferedIOBase = gzip.GzipFile(fileobj=whole)
    elif start.startswith(_XZ):
        import lzma

        unpacked = lzma.LZMAFile(whole)  # noqa: SIM115 - lives as long as its stream
    else:
        unpacked = _zstd(whole, name)
    return Source(name, None, _reader(unpacked), _position(stream), packed=True)


def _zstd(stream: BinaryIO, name: str) -> io.BufferedIOBase:
    try:
        import zstandard
    except ImportError as error:
        raise CaptureError(
            "is packed with zstd, which needs an extra",
            where=name,
            advice=install_extra("zstd"),
        ) from error
    return io.BufferedReader(_ZstdFrames(stream, zstandard.ZstdDecompressor()))


class _ZstdFrames(io.RawIOBase):
    """Frames one after the other; the end within one is an error.

    zstandard's own reader says nothing when its input ends too early.
    """

    def __init__(self, stream: BinaryIO, unpacker: ZstdUnpacker) -> None:
        self._stream = stream
        self._unpacker = unpacker
        self._frame: ZstdFrame | None = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill a part of the buffer; 0 = the end.

        Raises:
            EOFError: the stream ends within a frame.
            ZstdError: a frame is damaged, or what follows one is none.
        """
        while not self._ready:
            if not self._packed:
                self._packed = self._stream.read(_ZSTD_STEP)
                if not self._packed:
                    break
            frame = self._frame = self._frame or self._unpacker.decompressobj()
            self._ready = memoryview(frame.decompress(self._packed))
            self._packed = frame.unused_data
            if frame.eof:
                self._frame = None
        else:
            target = memoryview(buffer).cast("B")
            size = min(len(target), len(self._ready))
            target[:size] = self._ready[:size]
            self._ready = self._ready[size:]
            return size
        if self._frame is not None:
            raise EOFError("the file ends within a zstd frame")
        return 0


class _Rejoined(io.RawIOBase):
    """The bytes that were looked at, then the rest of a stream that cannot go back."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        if not self._start:
            return _reader(self._rest)(memoryview(buffer).cast("B"))
        target = memoryview(buffer).cast("B")
        size = min(len(target), len(self._start))
        target[:size] = self._start[:size]
        self._start = self._start[size:]
        return size


def _peek(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first bytes, and a stream that still has them: input may be a pipe, and a slow one."""
    start = stream.read(_PEEK)
    if stream.seekable():
        stream.seek(-len(start), os.SEEK_CUR)
        return start, stream
    return start, cast("BinaryIO", io.BufferedReader(_Rejoined(start, stream), _BLOCK))


def _reader(stream: io.BufferedIOBase | BinaryIO) -> Callable[[memoryview], int]:
    # readinto1 gives what there is: a torn packed stream loses none of what came before the tear,
    # and a pipe need not fill a block before we look at it.
    read: Callable[[memoryview], int] = stream.readinto1  # type: ignore[union-attr]  # BinaryIO has it
    return read


def _position(stream: BinaryIO) -> Callable[[], int]:
    return stream.tell if stream.seekable() else lambda: 0


def _unreadable(path: Path, error: OSError) -> CaptureError:
    return CaptureError(f"cannot be read: {error.strerror or error}", where=str(path))

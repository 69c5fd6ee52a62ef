"""Messages on disk until the broker has confirmed them: none is lost, memory stays small.

Segments of records, each with its length and CRC-32; a torn last record (a crash) was never
promised to anybody and is put aside. What is confirmed is noted when the segment before it is done,
so after a crash some messages are sent again: at least once, with the same id.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Self

from plugin.broker.message import Message
from plugin.durable import append, open_new
from plugin.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 256 << 20
SEGMENT_BYTES = 4 << 20
RECORD_MAX = 16 << 20
MOST = 1_000_000_000
_HEAD = struct.Struct("<II")  # bytes of the record, CRC-32 of them
_SIZES = struct.Struct("<HHHI")


class SpoolError(OutputError):
    """The spool cannot be opened or written."""


class SpoolFullError(SpoolError):
    """No more messages are kept: confirm some, or give it more room."""


class Kept(NamedTuple):
    """A message in the spool."""

    number: int
    message: Message


class Spool:
    """A queue on disk with one owner. Numbers count up from 1 with each start."""

    def __init__(
        self, folder: Path, *, max_bytes: int = MAX_BYTES, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Open the spool of a folder, made if it is not there.

        Args:
            folder: Where its files stand; nobody else writes there.
            max_bytes: Beyond it :meth:`put` refuses.
            segment_bytes: After so many bytes a new file is begun.

        Raises:
            SpoolError: the folder is not usable.
        """
        self._folder = folder
        self._max = max_bytes
        self._segment_bytes = segment_bytes
        self.torn: list[Path] = []
        """Files that hold what a crash left unfinished, or what the disk damaged."""
        self._waiting: deque[tuple[int, Path, int, int]] = deque()
        """Number, file, place and size of what is not confirmed, the oldest first."""
        self._done: set[int] = set()
        self._bytes = 0
        self._last = 0
        self._refused = 0
        """Bytes of the record that was last refused; 0 if the last one was taken."""
        try:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._load()
            self._file = self._begin()
        except OSError as error:
            raise SpoolError(
                f"the spool cannot be opened: {error.strerror}", where=str(folder)
            ) from error

    def __len__(self) -> int:
        """Messages that are not confirmed."""
        return len(self._waiting) - len(self._done)

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Whether the last message was refused and there still is no room for it."""
        return self._refused > 0 and self._bytes + self._refused > self._max

    def put(self, message: Message) -> int:
        """Keep a message; when this returns it is on the disk. Gives its number.

        Raises:
            SpoolFullError: there is no room for it.
            SpoolError: the disk would not take it; the spool is as before.
        """
        record = _pack(message)
        if len(record) > RECORD_MAX or self._bytes + len(record) > self._max:
            self._refused = len(record)
            raise SpoolFullError(
                f"the spool is full: {self._bytes} of {self._max} bytes,"
                f" {len(self)} messages wait for the broker",
                where=str(self._folder),
                advice="see why the broker does not take them; nothing is dropped",
            )
        try:
            before = os.fstat(self._file).st_size
            if before >= self._segment_bytes:
                os.close(self._file)
                self._file, before = self._begin(), 0
            append(self._file, record)
        except OSError as error:
            raise SpoolError(
                f"the spool cannot be written: {error.strerror}", where=str(self._folder)
            ) from error
        self._last += 1
        self._refused = 0
        self._bytes += len(record)
        self._waiting.append((self._last, self._path, before, len(record)))
        return self._last

    def waiting(self, after: int = 0, most: int = MOST) -> Iterator[Kept]:
        """Some of what is not confirmed, oldest first, of the ``most`` numbers above ``after``."""
        skipped = max(0, after + 1 - self._waiting[0][0]) if self._waiting else 0
        for number, path, place, size in list(islice(self._waiting, skipped, skipped + most)):
            if number in self._done:
                continue
            with path.open("rb") as stream:
                stream.seek(place)
                record = stream.read(size)
            message = _unpack(record)
            if message is None:
                raise SpoolError("a record is damaged", where=str(path), offset=place)
            yield Kept(number, message)

    def confirm(self, number: int) -> None:
        """The broker has it: it need not be kept. Twice, or never kept, is no error."""
        if not self._waiting or not self._waiting[0][0] <= number <= self._last:
            return
        self._done.add(number)
        while self._waiting and self._waiting[0][0] in self._done:
            first, path, _, _ = self._waiting.popleft()
            self._done.discard(first)
            if path != self._path and (not self._waiting or self._waiting[0][1] != path):
                self._bytes -= path.stat().st_size
                path.unlink()
        if not self._waiting and os.fstat(self._file).st_size:
            self._bytes -= os.fstat(self._file).st_size
            os.ftruncate(self._file, 0)
            os.fsync(self._file)

    def close(self) -> None:
        """Let go of it; what waits, waits on the disk."""
        os.close(self._file)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _load(self) -> None:
        for path in sorted(self._folder.glob("spool-*.bin")):
            content = path.read_bytes()
            place = 0
            while True:
                size = _whole(content, place)
                if not size:
                    break
                self._last += 1
                self._waiting.append((self._last, path, place, size))
                place += size
            if place < len(content):
                self.torn.append(path.with_suffix(f".{len(content)}.torn"))
                self.torn[-1].write_bytes(content[place:])
                os.truncate(path, place)
            if place:
                self._bytes += place
            else:
                path.unlink()

    def _begin(self) -> int:
        numbers = [int(path.stem[6:]) for path in self._folder.glob("spool-*.bin")]
        self._path = self._folder / f"spool-{max(numbers, default=0) + 1:012d}.bin"
        return open_new(self._path)


def _pack(message: Message) -> bytes:
    texts = [part.encode() for part in message[:3]]
    content = b"".join((_SIZES.pack(*map(len, texts), len(message.body)), *texts, message.body))
    return _HEAD.pack(len(content), zlib.crc32(content)) + content


def _whole(content: bytes, place: int) -> int:
    """Bytes of the record that begins there, 0 if it is not whole."""
    if place + _HEAD.size > len(content):
        return 0
    size, crc = _HEAD.unpack_from(content, place)
    end: int = place + _HEAD.size + size
    if end > len(content) or zlib.crc32(content[place + _HEAD.size : end]) != crc:
        return 0
    return end - place


def _unpack(record: bytes) -> Message | None:
    if not record or _whole(record, 0) != len(record):
        return None
    sizes = _SIZES.unpack_from(record, _HEAD.size)
    parts, at = [], _HEAD.size + _SIZES.size
    for size in sizes:
        parts.append(record[at : at + size])
        at += size
    exchange, key, identity = (part.decode() for part in parts[:3])
    return Message(exchange, key, identity, parts[3])

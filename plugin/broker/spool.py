"""Messages on disk until the broker has confirmed them: none is lost, memory stays small.

Segments of records, see :mod:`plugin.broker.segment`; a torn last record (a crash) was never
promised to anybody and is put aside, as is what the disk damaged: what stands behind it is sent.
What is confirmed is noted when the segment before it is done, so after a crash some messages are
sent again: at least once, with the same id.
"""

from __future__ import annotations

import os
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Self

from plugin.broker.segment import pack, parts, unpack
from plugin.durable import FOLDER_MODE, append, open_new, set_aside, sync_folder, write_new
from plugin.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.broker.message import Message
    from plugin.broker.segment import Part

MAX_BYTES = 256 << 20
SEGMENT_BYTES = 4 << 20
RECORD_MAX = 16 << 20
MOST = 1_000_000_000


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
        self.damaged = 0
        """Stretches of bytes that the disk damaged, of one message or more each."""
        self._told: list[str] = []
        self._waiting: deque[tuple[int, Path, int, int]] = deque()
        """Number, file, place and size of what is not confirmed, the oldest first."""
        self._done: set[int] = set()
        self._bytes = 0
        self._last = 0
        self._refused = 0
        """Bytes of the record that was last refused; 0 if the last one was taken."""
        try:
            folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
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

    def told(self) -> list[str]:
        """One sentence for each file in :attr:`torn`, in the same order."""
        return list(self._told)

    def put(self, message: Message) -> int:
        """Keep a message; when this returns it is on the disk. Gives its number.

        Raises:
            SpoolFullError: there is no room for it.
            SpoolError: the disk would not take it; the spool is as before.
        """
        record = pack(message)
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
        """Some of what is not confirmed, oldest first, of the ``most`` numbers above ``after``.

        What the disk has damaged since it was kept is put aside, and no longer waits.

        Raises:
            OSError: it cannot be read, or what is damaged cannot be put aside.
        """
        skipped = max(0, after + 1 - self._waiting[0][0]) if self._waiting else 0
        for number, path, place, size in list(islice(self._waiting, skipped, skipped + most)):
            if number in self._done:
                continue
            with path.open("rb") as stream:
                stream.seek(place)
                record = stream.read(size)
            message = unpack(record)
            if message is None:
                self._say(path, set_aside(path.with_suffix(".torn"), record), 1)
                self.confirm(number)
            else:
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
            found = list(parts(content))
            place = 0
            for part in found:
                if part.whole:
                    self._last += 1
                    self._waiting.append((self._last, path, place, part.size))
                    place += part.size
            if place < len(content):
                self._say(path, _mend(path, content, found), sum(map(_is_damaged, found)))
            self._bytes += place
            if not place:
                path.unlink()

    def _say(self, path: Path, torn: Path, damaged: int) -> None:
        self.torn.append(torn)
        self.damaged += damaged
        where = f"{torn.stat().st_size} bytes were put into {torn}"
        self._told.append(
            f"the spool was damaged in {damaged} place{'s' * (damaged > 1)} of {path.name}, and the"
            f" messages there cannot be sent: {where}; the journal has what they said"
            if damaged
            else f"the last message of {path.name} in the spool was cut short by a crash:"
            f" {where}; nothing that was kept is missing"
        )

    def _begin(self) -> int:
        numbers = [int(path.stem[6:]) for path in self._folder.glob("spool-*.bin")]
        self._path = self._folder / f"spool-{max(numbers, default=0) + 1:012d}.bin"
        return open_new(self._path)


def _is_damaged(part: Part) -> bool:
    return not part.whole and not part.cut


def _mend(path: Path, content: bytes, found: list[Part]) -> Path:
    """Put aside what is no message; a crash at any moment leaves the file as it was, or mended."""
    rest = _joined(content, [part for part in found if not part.whole])
    torn = set_aside(path.with_suffix(".torn"), rest)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, _joined(content, [part for part in found if part.whole]))
    fresh.replace(path)
    sync_folder(path.parent)
    return torn


def _joined(content: bytes, some: list[Part]) -> bytes:
    return b"".join(content[part.place : part.place + part.size] for part in some)

"""The journal on disk: segments of JSON lines, written through to the disk before it is said.

One writer at a time (a lock); readers may read while it writes. A line that a crash left torn is
moved to a file beside the journal, never silently dropped; a line that is whole but wrong stops
the journal, for nothing may be appended to what was tampered with.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from plugin.audit.chain import LINE_MAX, Broken, Entry, check_follows, follow, parse_entry
from plugin.durable import FOLDER_MODE, MODE, append, open_new, set_aside, sync_folder
from plugin.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

SEGMENT_BYTES = 64 << 20
_LOCK = "journal.lock"
_PID_BYTES = 32
_NUMBER = re.compile(rb'\{"number":(\d{1,18}),')
_ENOUGH = 2
"""Files that are read at the start: the last may be empty yet."""


class Fault(NamedTuple):
    """Where a journal is not whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}: line {self.line}: {self.reason}"


class JournalError(OutputError):
    """The journal cannot be opened or written."""


class JournalHeld(JournalError):  # noqa: N818  # it is no fault: somebody works there
    """Another process writes the journal."""


class Draft(NamedTuple):
    """An entry before it has its place in the chain."""

    time: float
    kind: str
    actor: str
    body: Mapping[str, Any]


class Journal:
    """The writer. Use it as a context manager, or close it."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open the journal of a folder, made if it is not there.

        Args:
            folder: Where its files stand; nobody else writes there.
            segment_bytes: After so many bytes a new file is begun.

        Raises:
            JournalHeld: another process writes it.
            JournalError: it is not whole, or the folder is not usable.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self.torn: Path | None = None
        """Where the line that a crash left torn was put, if there was one."""
        try:
            folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        except OSError as error:
            raise JournalError(
                f"the journal cannot be opened: {error.strerror}", where=str(folder)
            ) from error
        try:
            self._take_lock()
            self._leave_pid()
            self.last, self._file = self._open_end()
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, *, time: float, kind: str, actor: str, body: Mapping[str, Any]) -> Entry:
        """Write an entry; when this returns it is on the disk.

        Raises:
            JournalError: it could not be written (the disk is full …); the journal is as before.
            ValueError: the body is no JSON.
        """
        return self.append_all([Draft(time, kind, actor, body)])[0]

    def append_all(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write several entries at once: all of them, or none.

        Raises:
            JournalError, ValueError: as :meth:`append`.
        """
        made: list[Entry] = []
        for draft in drafts:
            made.append(follow(made[-1] if made else self.last, **draft._asdict()))
        if not made:
            return []
        try:
            there = os.fstat(self._file)
            if not there.st_nlink:
                raise JournalError(
                    "the journal was removed while it was written",
                    where=str(self._folder),
                    advice="start Halia again: it begins another",
                )
            if there.st_size >= self._segment_bytes:
                self._next_segment(made[0].number)
            append(self._file, b"".join(entry.line() for entry in made))
        except OSError as error:
            raise JournalError(
                f"the journal cannot be written: {error.strerror}",
                where=str(self._folder),
                advice="free space there; nothing was lost that was written before",
            ) from error
        self.last = made[-1]
        return made

    def told(self) -> list[str]:
        """One sentence on the line that a crash left torn; none if none was."""
        if self.torn is None:
            return []
        where = f"it was put into {self.torn}; nothing that was written before is missing"
        return [f"the journal's last line was cut short by a crash: {where}"]

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)
        os.close(self._lock)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.pread(self._lock, _PID_BYTES, 0).decode("ascii", "replace").strip()
            who = f"process {pid}" if pid.isdecimal() else "another process"
            raise JournalHeld(
                f"{who} writes this journal",
                where=str(self._folder),
                advice="a Halia runs with this state: stop it, or set run.state to another folder",
            ) from error

    def _leave_pid(self) -> None:
        """Say in the lock whose it is; only a help for people, so a full disk is no matter."""
        with suppress(OSError):
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _open_end(self) -> tuple[Entry | None, int]:
        files = segments(self._folder)
        if not files:
            return None, self._create(1)
        try:
            for file in files[:-1]:
                _check_whole(file)
            self.torn = _cut_torn(files[-1])
        except OSError as error:
            raise JournalError(
                f"the journal cannot be read: {error.strerror}", where=str(files[-1])
            ) from error
        last = None
        for entry, fault in _walk(files[-_ENOUGH:], from_start=len(files) <= _ENOUGH):
            last = entry
            if fault is not None:
                raise JournalError(
                    f"the journal is not whole: {fault}",
                    where=str(self._folder),
                    advice="look at it with 'halia audit verify', move it away, begin a new one",
                )
        return last, os.open(files[-1], os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _next_segment(self, number: int) -> None:
        fresh = self._create(number)
        os.close(self._file)
        self._file = fresh

    def _create(self, number: int) -> int:
        name = self._folder / f"journal-{number:012d}.jsonl"
        try:
            return open_new(name)
        except FileExistsError:  # a crash came between making it and its first line
            sync_folder(self._folder)
            return os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def segments(folder: Path) -> list[Path]:
    """The files of a journal, the oldest first."""
    return sorted(folder.glob("journal-*.jsonl"))


def entries(folder: Path, *, after: int = 0) -> Iterator[Entry | Fault]:
    """Read a journal, also while it is being written.

    Where it is not whole a Fault is given; reading goes on behind it. A last line without its
    end is still being written, and is passed over.

    Args:
        folder: Where it stands.
        after: Leave out the entries up to this number: files that hold no others are not opened,
            their lines are not looked at, and the chain is checked from the next entry on.

    Raises:
        InputError: there is no journal, or it cannot be read.
    """
    files = segments(folder)
    if not files:
        below = folder / "journal"
        advice = f"it stands in {below}" if segments(below) else None
        raise InputError("there is no journal here", where=str(folder), advice=advice)
    skipped = sum(_first_number(file) <= after + 1 for file in files[1:])
    try:
        for entry, fault in _walk(files[skipped:], from_start=not after, after=after):
            if fault is not None:
                yield fault
            elif entry is not None and entry.number > after:
                yield entry
    except OSError as error:
        raise InputError(
            f"the journal cannot be read: {error.strerror}", where=str(folder)
        ) from error


def _first_number(file: Path) -> int:
    """The number of a segment's first entry, as its name says."""
    number = file.stem.removeprefix("journal-")
    return int(number) if number.isdecimal() else sys.maxsize


def _number(line: bytes) -> int:
    """The number that a line begins with, without reading the rest of it."""
    found = _NUMBER.match(line)
    return int(found[1]) if found else sys.maxsize


def _walk(
    files: list[Path], *, from_start: bool = False, after: int = 0
) -> Iterator[tuple[Entry | None, Fault | None]]:
    """Each entry, or the fault of its line; an entry is checked against the one before it."""
    last: Entry | None = None
    known = from_start
    passing = after > 0
    for file in files:
        with file.open("rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(LINE_MAX + 1), b""), 1):
                passing = passing and _number(line) <= after
                if passing:
                    continue
                if not line.endswith(b"\n") and len(line) <= LINE_MAX:
                    break
                try:
                    entry = parse_entry(line)
                    if known:
                        check_follows(last, entry)
                except Broken as error:
                    yield last, Fault(str(file), number, str(error))
                    known = False
                    continue
                last, known = entry, True
                yield entry, None


def _check_whole(file: Path) -> None:
    with file.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1))
        end = stream.read()
    if end not in {b"", b"\n"}:
        raise JournalError(
            "the journal is not whole: a file before the last ends within a line", where=str(file)
        )


def _cut_torn(file: Path) -> Path | None:
    """Move what stands behind the last newline to a file of its own."""
    with file.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        start = stream.seek(max(0, size - LINE_MAX - 1))
        tail = stream.read()
        torn = tail[tail.rfind(b"\n") + 1 :]
        if not torn:
            return None
        if start and len(torn) == len(tail):
            raise JournalError(
                "the journal is not whole: its last line is too long", where=str(file)
            )
        kept = set_aside(file.with_name(f"{file.stem}-{size}.torn"), torn)
        stream.truncate(size - len(torn))
        os.fsync(stream.fileno())
        return kept

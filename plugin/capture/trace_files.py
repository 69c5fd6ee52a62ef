"""The files of a capture on disk: one open file a device, finished ones renamed into place.

An open file is called ``NAME.pcap.part`` and holds whole records at any moment, so that it is
readable whatever becomes of us; one that a killed run left is finished by the next.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from plugin.capture import rotate
from plugin.capture.rotate import PART, KeptFile, Limits, OpenFile
from plugin.core import new_engine
from plugin.core.layout import PCAP_HEADER, TOTALS
from plugin.durable import FOLDER_MODE
from plugin.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCK = ".halia-capture.lock"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
_MODE = 0o640
_PIECE = 1 << 20
_RETRY_SECONDS = 10.0
"""How long nothing is written after a disk that said it had room refused."""
_DISK_BLOCK = 4096
"""What a file takes on a disk is a multiple of this."""
_INODES_MIN = 1000
"""With fewer left for new files a disk is as good as full."""
_ROOM_SECONDS = 5.0
"""How often quotas and ages are looked at; the room on the disk is at every tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A file that is complete: it stands under its name and is never written again."""

    path: Path
    mac: str | None
    """The device's address; None when another run began the file under an id of its own."""
    ident: str
    packets: int
    size: int
    first_ns: int | None
    last_ns: int | None
    why: str
    """"time", "size", "stop", "quota", "recovered" (a killed run had left it), or as asked for."""
    missed: int
    """Frames that the kernel dropped and that the disk refused while it was open: any device's."""


class Alarm(NamedTuple):
    """Something that an operator should know."""

    kind: str
    """"disk_full", "disk_ok", "removed", "error"; of the link "capture_down", "capture_up"."""
    text: str


@dataclass(slots=True, kw_only=True)
class FileCounts:
    """What became of what was to be written."""

    written_packets: int = 0
    written_bytes: int = 0
    lost_packets: int = 0
    """Not written: the disk had no room."""
    finished_files: int = 0
    removed_files: int = 0
    removed_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class _Trace:
    name: str
    ident: str
    mac: bytes
    started: float
    missed: int
    size: int = 0
    packets: int = 0
    first: int = 0
    last: int = 0
    descriptor: int = field(default=-1)


def _on_disk(size: int) -> int:
    return -(-size // _DISK_BLOCK) * _DISK_BLOCK


class TraceFiles:
    """The files of all devices in one folder, which is this capture's alone while it runs."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        ident: Callable[[bytes], str] = rotate.mac_ident,
    ) -> None:
        """Take the folder (which is made if it is not there).

        Args:
            folder: Where the files go.
            limits: How large, how old, how many.
            ident: The id of a device in its files' names, by its address.

        Raises:
            OutputError: it cannot be written to, or another capture has it.
        """
        self.folder, self._limits, self._ident = folder, limits, ident
        self.counts = FileCounts()
        self.alarms: list[Alarm] = []
        self.stopped = False
        """The disk has no room: nothing is written."""
        self.kernel_drops = 0
        """Frames that the kernel dropped so far; whoever captures sets it."""
        self.opened: list[tuple[str, str]] = []
        """MAC and name of files begun, for whoever captures to take."""
        self.held = False
        """Finish none for its age or size: what is said of finished ones cannot be kept now."""
        self._open: dict[bytes, _Trace] = {}
        self._held: OrderedDict[bytes, None] = OrderedDict()  # those with a descriptor, by last use
        self._kept: dict[str, KeptFile] = {}
        self._names: set[str] = set()
        self._looked = self._retry_at = 0.0
        self._refusing = False
        try:
            folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise OutputError(f"cannot be used: {error.strerror}", where=str(folder)) from error
        self._lock = -1

    def start(self, now: float) -> list[Finished]:
        """Look at what there is; finish what a killed run left.

        Raises:
            OutputError: another capture writes here, or the folder cannot be written to.
        """
        try:
            flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            self._lock = os.open(LOCK, flags, _MODE, dir_fd=self._folder)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                "another capture writes here",
                where=str(self.folder),
                advice="give each its own --out",
            ) from error
        except OSError as error:
            raise OutputError(
                f"cannot be written to: {error.strerror}", where=str(self.folder)
            ) from error
        found = sorted(
            (entry.stat(follow_symlinks=False).st_mtime, entry.name)
            for entry in os.scandir(self.folder)
            if entry.is_file(follow_symlinks=False)
        )
        for changed, name in found:
            ident = rotate.ident_of(name)
            if ident is not None:
                size = os.stat(name, dir_fd=self._folder).st_size
                self._kept[name] = KeptFile(name, ident, _on_disk(size), changed)
                self._names.add(name)
        left = [name.removesuffix(PART) for _, name in found if name.endswith(PART)]
        parts = [name for name in left if rotate.ident_of(name) is not None]
        return [f for f in (self._recovered(name, now) for name in parts) if f is not None]

    def write(self, mac: bytes, taken: tuple[bytes, int, int, int], now: float) -> None:
        """Add a device's records (as ``Demux.take`` gives them) to its file."""
        data, packets, first, last = taken
        if not packets:
            return
        if self.stopped:
            self.counts.lost_packets += packets
            return
        trace = self._open.get(mac)
        try:
            if trace is None:
                trace = self._created(mac, now)
            self._append(trace, data)
        except OSError as error:
            self._refused(error, packets, now)
            return
        trace.first = min(trace.first, first) if trace.packets else first
        trace.last = max(trace.last, last) if trace.packets else last
        trace.packets += packets
        self.counts.written_packets += packets
        self.counts.written_bytes += len(data)

    def tick(self, now: float) -> list[Finished]:
        """Finish what is due, remove what must go, see whether the disk has room."""
        listed = [OpenFile(t.mac, t.name, t.size, t.started) for t in self._open.values()]
        due = [] if self.held else list(rotate.plan_rotation(listed, now, self._limits))
        due += [(file, "quota") for file in rotate.plan_relief(listed, self._limits)]
        done = [self.finish(file.mac, now, why) for file, why in due]
        crowded = not rotate.plan_writing(self._free(), self._limits, stopped=self.stopped)
        if crowded or self.stopped or not 0 <= now - self._looked < _ROOM_SECONDS:
            self._make_room(now)
        return [file for file in done if file is not None]

    def finish(self, mac: bytes, now: float, why: str) -> Finished | None:
        """Finish a device's file, if it has one that holds something."""
        trace = self._open.pop(mac, None)
        if trace is None:
            return None
        self._let_go(trace)
        part = trace.name + PART
        try:
            if not trace.packets:
                os.unlink(part, dir_fd=self._folder)
                self._names.discard(trace.name)
                return None
            os.rename(part, trace.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            self.alarms.append(Alarm("error", f"{part}: {error.strerror}"))
            return None
        self._kept[trace.name] = KeptFile(trace.name, trace.ident, _on_disk(trace.size), now)
        self.counts.finished_files += 1
        return Finished(
            path=self.folder / trace.name,
            mac=trace.mac.hex(":"),
            ident=trace.ident,
            packets=trace.packets,
            size=trace.size,
            first_ns=trace.first,
            last_ns=trace.last,
            why=why,
            missed=self._missed() - trace.missed,
        )

    def close(self, now: float) -> list[Finished]:
        """Finish all files and leave the folder."""
        done = [self.finish(mac, now, "stop") for mac in list(self._open)]
        self._make_room(now)
        for descriptor in (self._lock, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._lock = self._folder = -1
        return [file for file in done if file is not None]

    def kept(self) -> list[str]:
        """Names of the finished files that are there, in order of their end."""
        return sorted(self._kept, key=lambda name: self._kept[name].finished)

    def sizes(self) -> tuple[int, int, int]:
        """Open files, finished files, bytes of both on the disk."""
        size = sum(_on_disk(t.size) for t in self._open.values()) + sum(
            k.size for k in self._kept.values()
        )
        return len(self._open), len(self._kept), size

    def _missed(self) -> int:
        return self.kernel_drops + self.counts.lost_packets

    def _created(self, mac: bytes, now: float) -> _Trace:
        ident = self._ident(mac)
        if not rotate.is_ident(ident):
            raise AssertionError(f"{ident!r} is no id of a file")
        name = rotate.plan_name(ident, now, self._names)
        trace = _Trace(name=name, ident=ident, mac=mac, started=now, missed=self._missed())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._hold(trace, flags)
        self._open[mac] = trace
        self._names.add(name)
        self.opened.append((mac.hex(":"), name))
        return trace

    def _append(self, trace: _Trace, data: bytes) -> None:
        """Write all or nothing: a write that stops half way is taken back."""
        if not trace.size:
            data = PCAP_HEADER + data
        if trace.descriptor < 0:
            self._hold(trace, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        else:
            self._held.move_to_end(trace.mac)
        done, rest = 0, memoryview(data)
        try:
            while done < len(data):
                done += os.write(trace.descriptor, rest[done:])
        except OSError:
            os.ftruncate(trace.descriptor, trace.size)
            raise
        trace.size += len(data)

    def _hold(self, trace: _Trace, flags: int) -> None:
        while len(self._held) >= max(1, self._limits.max_files):
            self._let_go(self._open[next(iter(self._held))])
        trace.descriptor = os.open(trace.name + PART, flags, _MODE, dir_fd=self._folder)
        self._held[trace.mac] = None

    def _let_go(self, trace: _Trace) -> None:
        if trace.descriptor >= 0:
            os.close(trace.descriptor)
            trace.descriptor = -1
            del self._held[trace.mac]

    def _refused(self, error: OSError, packets: int, now: float) -> None:
        if error.errno not in _NO_ROOM:
            raise OutputError(
                f"cannot be written to: {error.strerror}", where=str(self.folder)
            ) from error
        self.counts.lost_packets += packets
        self._refusing, self._retry_at = True, now + _RETRY_SECONDS
        self._stop(error.strerror or "no room")

    def _stop(self, reason: str) -> None:
        if not self.stopped:
            self.stopped = True
            self.alarms.append(Alarm("disk_full", f"{self.folder}: {reason}; nothing is written"))

    def _make_room(self, now: float) -> None:
        self._looked = now
        free = 0 if self._refusing else self._free()  # a user's quota is in no figure
        self._refusing = False
        open_bytes = sum(_on_disk(trace.size) for trace in self._open.values())
        plan = rotate.plan_removal(self._kept.values(), open_bytes, free, now, self._limits)
        for name, why in plan:
            file = self._kept.pop(name)
            self._names.discard(name)
            try:
                os.unlink(name, dir_fd=self._folder)
            except FileNotFoundError:
                continue  # somebody else took it away
            self.counts.removed_files += 1
            self.counts.removed_bytes += file.size
            self.alarms.append(Alarm("removed", f"{name}: {why}"))
        room = self._free()
        if not rotate.plan_writing(room, self._limits, stopped=self.stopped):
            self._stop(f"{room:,} bytes free")
        elif self.stopped and not -_RETRY_SECONDS <= now - self._retry_at < 0:
            self.stopped = False
            self.alarms.append(Alarm("disk_ok", f"{self.folder}: there is room again"))

    def _free(self) -> int:
        disk = os.fstatvfs(self._folder)
        if disk.f_files and disk.f_favail < _INODES_MIN:
            return 0
        return disk.f_bavail * disk.f_frsize

    def _recovered(self, name: str, now: float) -> Finished | None:
        """Finish a file that a killed run left: cut it after its last whole record, rename it."""
        part = name + PART
        descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=self._folder)
        with os.fdopen(descriptor, "r+b") as stream:
            engine, end, rest = new_engine(stats=False), 0, b""
            while piece := stream.read(_PIECE):
                rest += piece
                used = engine.feed(rest, 0, len(rest), None, None)[0]
                rest = rest[used:]
                end += used
            stream.truncate(end)
        t = dict(zip(TOTALS, engine.totals(), strict=True))
        if not t["packets"]:
            os.unlink(part, dir_fd=self._folder)
            return None
        ident = rotate.ident_of(name) or ""
        free = rotate.plan_name(ident, now, self._names) if name in self._names else name
        os.rename(part, free, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._kept[free] = KeptFile(free, ident, _on_disk(end), now)
        self._names.add(free)
        self.counts.finished_files += 1
        return Finished(
            path=self.folder / free,
            mac=rotate.mac_of(ident),
            ident=ident,
            packets=t["packets"],
            size=end,
            first_ns=t["first"],
            last_ns=t["last"],
            why="recovered",
            missed=0,
        )

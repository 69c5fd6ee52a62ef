"""Frames written to a pcap file in the order of their times, their first bytes only."""

from __future__ import annotations

import heapq
import struct
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from pathlib import Path

SNAP = 58
"""Bytes kept of a frame: Ethernet, IPv4 and TCP with the option that a SYN here has. Payloads are
left out, as they are of no capture to learn from, and may tell the hour at which it was made."""
_SECOND = 1_000_000_000
_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_NANOSECOND_MAGIC = 0xA1B23C4D
_ETHERNET = 1


class Tape:
    """A pcap file being written.

    Args:
        path: of the file.
        began: when the rehearsal is said to have begun, seconds since 1970.
        seconds: how long it lasts; what would pass later is left out.
    """

    def __init__(self, path: Path, began: int, seconds: float) -> None:
        self.frames = 0
        self._path, self._began, self._end = path, began * _SECOND, seconds
        self._file: BinaryIO | None = None
        self._waiting: list[tuple[int, int, bytes, int]] = []
        self._number = 0

    def __enter__(self) -> Self:
        """Begin the file."""
        self._file = self._path.open("wb")
        self._file.write(_FILE.pack(_NANOSECOND_MAGIC, 2, 4, 0, 0, SNAP, _ETHERNET))
        return self

    def __exit__(self, *_: object) -> None:
        """End it with all that was noted in time."""
        self.until(self._end)
        assert self._file is not None
        self._file.close()

    def note(self, at: float, frame: bytes, size: int | None = None) -> None:
        """Note a frame.

        Args:
            at: when it passes, seconds from the beginning; never before what :meth:`until` wrote.
            frame: its first bytes.
            size: of all of it, if that is more.
        """
        self._number += 1  # frames of one time keep their order
        whole = max(len(frame), size or 0)
        entry = (round(at * _SECOND), self._number, frame[:SNAP], whole)
        heapq.heappush(self._waiting, entry)

    def until(self, now: float) -> None:
        """Write what passed before a time: nothing older will come."""
        assert self._file is not None
        end = min(now, self._end) * _SECOND
        while self._waiting and self._waiting[0][0] < end:
            at, _, frame, size = heapq.heappop(self._waiting)
            seconds, rest = divmod(self._began + at, _SECOND)
            self._file.write(_RECORD.pack(seconds, rest, len(frame), size) + frame)
            self.frames += 1

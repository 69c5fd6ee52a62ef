"""One flow of a stream: its packets that are not given out, and where its parts end."""

from __future__ import annotations

import struct
from operator import le
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKED = np.dtype([("time", "<i8"), ("size", "<u4"), ("ttl", "u1"), ("flags", "u1")])
"""A packet that is held: 14 bytes."""
_ROW = struct.Struct("<qIBB")
_FEW = 64
"""Fewer packets are looked at faster one by one than as an array."""


class OpenFlow:
    """A 5-tuple that was heard of less than its time-out ago.

    Attributes:
        key: a ``KEY`` row.
        waiting: packets (``PACKED``) in order of arrival, which others may still come before.
        part: packets of the part that goes on, in order of time.
        due: when it is to be looked at; whoever keeps many flows sets it.
    """

    __slots__ = ("_before", "_idle", "_last", "_limit", "_start", "due", "key", "part", "waiting")

    def __init__(self, key: bytes, limit: int, idle: int) -> None:
        """Begin.

        Args:
            key: a ``KEY`` row.
            limit: ns; a longer pause parts the flow.
            idle: ns; after a longer pause it is another flow.
        """
        self.key, self._limit, self._idle = key, limit, idle
        self.waiting, self.part = bytearray(), bytearray()
        self._start: int | None = None
        self._before = self._last = self.due = 0

    @property
    def size(self) -> int:
        """Packets that are held."""
        return (len(self.waiting) + len(self.part)) // PACKED.itemsize

    @property
    def rests(self) -> bool:
        """Whether it holds nothing: its part was given out, and none has begun."""
        return not self.part and not self.waiting

    def next_due(self) -> int:
        """The time to look at it again, after :meth:`commit`: before it nothing ends."""
        if self.part:
            return min(self._last + self._idle, self._before + self._limit)
        if self.waiting:
            return int(np.frombuffer(bytes(self.waiting), PACKED)["time"].min())
        return self._last + self._idle

    def over(self, horizon: int) -> bool:
        """Whether no packet after the horizon belongs to the part."""
        if self._start is None:
            return False
        return horizon > min(self._last + self._idle, self._before + self._limit)

    def gone(self, horizon: int) -> bool:
        """Whether a packet after the horizon would begin another flow."""
        return self.rests and horizon > self._last + self._idle

    def commit(self, horizon: int | None) -> Iterator[None]:
        """Take the packets that wait into the part; yields where it ends, to be given out.

        The rules are those of :func:`plugin.flows.cut.cut_idle` and, within what that leaves whole,
        :func:`plugin.flows.cut.cut`: the grid of pauses goes on from part to part.

        Args:
            horizon: ns; later packets go on waiting. None: all are taken.
        """
        packets, times = self._taken(horizon)
        if not times:
            return
        if self._start is None:
            self._start = self._before = self._last = times[0]
        looked_at = iter(self._candidates(times))
        begin, at, size = 0, 0, PACKED.itemsize
        while at < len(times):
            if self._parts_at(times[at]):
                self.part += packets[begin * size : at * size]
                begin = at
                if self.part:
                    yield
                # It counts from the grid now, so the next one must be looked at, too.
                after = at + 1
            else:
                after = next((k for k in looked_at if k > at), len(times))
                self._before = times[after - 1]
            self._last = times[after - 1]
            at = after
        self.part += packets[begin * size :]

    def _parts_at(self, now: int) -> bool:
        """Whether a packet begins another part; if so, from where its own pause counts."""
        assert self._start is not None
        if now - self._last > self._idle:
            self._start = self._before = now
            return True
        if now - self._before <= self._limit:
            return False
        since = now - self._start
        self._start += since // self._limit * self._limit if self._limit else since
        self._before = self._start
        return True

    def _candidates(self, times: list[int]) -> Sequence[int]:
        """Packets that may begin a part, the first and those after another part's first aside."""
        if len(times) < _FEW:
            return range(1, len(times))
        gaps = np.diff(np.array(times)).view(np.uint64)
        found: list[int] = np.flatnonzero(gaps > np.uint64(min(self._limit, self._idle))).tolist()
        return [k + 1 for k in found]

    def _taken(self, horizon: int | None) -> tuple[bytes, list[int]]:
        """Packets that wait no more, in order of time, and their times."""
        waiting = bytes(self.waiting)
        times = [row[0] for row in _ROW.iter_unpack(waiting)]
        ordered = all(map(le, times, times[1:]))
        if ordered and (not times or horizon is None or times[-1] <= horizon):
            self.waiting.clear()
            return waiting, times
        block = np.frombuffer(waiting, PACKED)
        block = block[np.argsort(block["time"], kind="stable")]
        n = len(block) if horizon is None else int(np.searchsorted(block["time"], horizon, "right"))
        self.waiting[:] = block[n:].tobytes()
        return block[:n].tobytes(), block["time"][:n].tolist()

"""TPACKET_V3 blocks made by hand, and everything that a demux says about its input."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.core import Demux
from plugin.core.layout import (
    DEMUX_DAMAGED,
    DEMUX_DEVICE_FULL,
    DEMUX_MEMORY_FULL,
    DEMUX_MORE,
    DEMUX_STREAM_FULL,
    DEMUX_TOTALS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

VLAN_VALID, TPID_VALID = 16, 64


class Arrived(NamedTuple):
    """A frame as the kernel gives it: its tag, if it had one, beside it."""

    time: int
    data: bytes
    wire: int = 0
    tci: int = -1
    tpid: int = 0x8100


class Outcome(NamedTuple):
    """Everything that a demux said about an input."""

    files: dict[int, bytes]
    taken: list[tuple[int, int, int, int]]
    stream: bytes
    devices: bytes
    fresh: list[int]
    totals: tuple[int, ...]
    steps: list[tuple[int, ...]]

    def counted(self) -> dict[str, int]:
        return dict(zip(DEMUX_TOTALS, self.totals, strict=True))


def block(frames: Sequence[Arrived], *, room: int = 8) -> bytes:
    """A retired block; each packet stands ``room`` bytes behind its header, aligned to 16."""
    parts, at = [], 48
    for number, f in enumerate(frames):
        mac = 48 + room
        size = -(-(mac + len(f.data)) // 16) * 16
        status = 1 | (VLAN_VALID | TPID_VALID if f.tci >= 0 else 0)
        head = struct.pack(
            "=IIIIIIHHIIHH8x",
            size if number + 1 < len(frames) else 0,
            f.time // 10**9,
            f.time % 10**9,
            len(f.data),
            f.wire or len(f.data),
            status,
            mac,
            mac + 14,
            0,
            max(0, f.tci),
            f.tpid if f.tci >= 0 else 0,
            0,
        )
        parts.append((head + bytes(room) + f.data).ljust(size, b"\0"))
        at += size
    body = b"".join(parts)
    return struct.pack("=IIIIIIQIIII", 1, 0, 1, len(frames), 48, at, 1, 0, 0, 0, 0) + body


def make(kind: Callable[..., Demux], **changed: Any) -> Demux:
    """A demux of one implementation, by default with room for all that a test gives it."""
    settings: dict[str, Any] = {
        "max_devices": 100,
        "buffer": 4096,
        "memory": 1 << 20,
        "stream": 1 << 16,
        "names": False,
        "repeat": 0,
        "seed": bytes(range(16)),
        **changed,
    }
    return kind(**settings)


class Driver:
    """Gives input and takes what must be taken, as a caller does; collects all of it."""

    def __init__(self, demux: Demux) -> None:
        self.demux = demux
        self.files: dict[int, bytes] = {}
        self.taken: list[tuple[int, int, int, int]] = []
        self.stream = b""
        self.steps: list[tuple[int, ...]] = []

    def block(self, data: bytes) -> None:
        at, done, status = 0, 0, -1
        while status not in {DEMUX_MORE, DEMUX_DAMAGED}:
            at, done, status, device = self.demux.block(data, at, done)
            self.steps.append((at, done, status, device))
            self._make_room(status, device)

    def frame(self, f: Arrived) -> None:
        status = -1
        while status != DEMUX_MORE:
            status, device = self.demux.frame(f.time, f.wire or len(f.data), f.data, f.tci, f.tpid)
            self.steps.append((status, device))
            self._make_room(status, device)

    def take(self, devices: Iterable[int]) -> None:
        for device in devices:
            data, packets, first, last = self.demux.take(device)
            self.taken.append((device, packets, first, last))
            self.files[device] = self.files.get(device, b"") + data

    def finish(self) -> Outcome:
        self.take(self.demux.pending())
        self.stream += self.demux.take_stream()
        d = self.demux
        return Outcome(
            self.files, self.taken, self.stream, d.devices(), d.fresh(), d.totals(), self.steps
        )

    def _make_room(self, status: int, device: int) -> None:
        if status == DEMUX_DEVICE_FULL:
            self.take([device])
        elif status == DEMUX_MEMORY_FULL:
            self.take(self.demux.pending())
        elif status == DEMUX_STREAM_FULL:
            self.stream += self.demux.take_stream()


def demuxed(demux: Demux, frames: Sequence[Arrived], *, by: int = 7) -> Outcome:
    """Frames through a demux in blocks of ``by``; 0 = one by one."""
    driver = Driver(demux)
    if not by:
        for f in frames:
            driver.frame(f)
    else:
        for i in range(0, len(frames), by):
            driver.block(block(frames[i : i + by]))
    return driver.finish()


def records(data: bytes) -> list[Arrived]:
    """The records of a pcap without its header: (time, stored bytes, wire length)."""
    out, at = [], 0
    while at < len(data):
        sec, nsec, stored, wire = struct.unpack_from("<IIII", data, at)
        at += 16
        assert at + stored <= len(data)
        out.append(Arrived(sec * 10**9 + nsec, data[at : at + stored], wire))
        at += stored
    return out

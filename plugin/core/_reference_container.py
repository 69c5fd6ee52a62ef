"""pcap and pcapng in plain Python: where the next packet stands in the bytes.

The counterpart of container.h. Rules: nothing changes while bytes are missing; every length is
checked before it is used; what is wrong is told by number (the texts are ``layout.ERRORS``).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURED_MAX = 262_144
BLOCK_MAX = 16 << 20
INTERFACES_MAX = 65_536
LINKS_MAX = 64
TIME_MAX = 1 << 62

(
    ERR_NONE, ERR_FORMAT, ERR_CAPTURED, ERR_BLOCK_LENGTH, ERR_TRAILER, ERR_BYTE_ORDER,
    ERR_VERSION, ERR_INTERFACE, ERR_PACKET_BLOCK, ERR_TOO_MANY_INTERFACES,
) = range(10)  # fmt: skip

_MAGICS = {0xA1B2C3D4: (16, 1000), 0xA1B23C4D: (16, 1), 0xA1B2CD34: (24, 1000)}
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6


class DamagedError(Exception):
    """The container cannot be read on from here: ``number`` and ``value`` say why."""

    def __init__(self, number: int, value: int) -> None:
        super().__init__(number, value)
        self.number = number
        self.value = value


class Interface(NamedTuple):
    """A pcapng interface description."""

    link: int
    snaplen: int
    resolution: int
    offset: int


Record = tuple[int, int, int, int | None, int, int, int]
"""A packet's place: start, captured bytes, wire bytes, time (None = it has none), link type,
interface, where the next record stands. A bare tuple: one is made for each packet."""


def to_ns(units: int, resolution: int, offset: int) -> int:
    """Units of 10^-n (with the high bit: 2^-n) seconds as nanoseconds, clamped to +-2^62."""
    n = resolution & 0x7F
    if resolution & 0x80:
        ns = units * 1_000_000_000 >> n
    else:
        ns = units * 10 ** (9 - n) if n <= 9 else units // 10 ** (n - 9)
    return max(-TIME_MAX, min(TIME_MAX, min(ns, TIME_MAX) + offset * 1_000_000_000))


class Container:
    """The state of one input: its format, byte order and interfaces."""

    def __init__(self) -> None:
        self.format = 0
        self.step: Callable[[bytes, int, int], Record | int | None] = self._file_header
        """The packet at ``at``, or where to go on, or None when bytes are missing; raises
        DamagedError where no record stands. Which function it is depends on the format."""
        self.links: list[int] = []
        self.skip = 0
        self._order = "<"
        self._interfaces: list[Interface] = []
        self._head = struct.Struct("<IIII")
        self._head_size = 16
        self._unit = 1000
        self._link = 0

    def _note_link(self, link: int) -> None:
        if link not in self.links and len(self.links) < LINKS_MAX:
            self.links.append(link)

    def _file_header(self, data: bytes, at: int, end: int) -> int | None:
        if end - at < 4:
            return None
        start = data[at : at + 4]
        if start == b"\x0a\x0d\x0d\x0a":
            self.format = 2
            self.step = self._block
            return at
        for order in "<>":
            known = _MAGICS.get(struct.unpack(order + "I", start)[0])
            if known:
                break
        else:
            raise DamagedError(ERR_FORMAT, int.from_bytes(start, "big"))
        if end - at < 24:
            return None
        self.format = 1
        self.step = self._pcap_record
        self._head = struct.Struct(order + "IIII")
        self._head_size, self._unit = known
        self._link = struct.unpack_from(order + "I", data, at + 20)[0] & 0xFFFF
        self._note_link(self._link)
        return at + 24

    def _pcap_record(self, data: bytes, at: int, end: int) -> Record | None:
        start = at + self._head_size
        if start > end:
            return None
        seconds, fraction, captured, wire = self._head.unpack_from(data, at)
        if captured > CAPTURED_MAX:
            raise DamagedError(ERR_CAPTURED, captured)
        after = start + captured
        if after > end:
            return None
        time = seconds * 1_000_000_000 + fraction * self._unit
        if time > TIME_MAX:
            time = TIME_MAX
        return start, captured, wire, time, self._link, 0, after

    def _block(self, data: bytes, at: int, end: int) -> Record | int | None:
        if self.skip:
            step = min(self.skip, end - at)
            self.skip -= step
            return at + step if step else None
        have = end - at
        if have < 8:
            return None
        kind: int
        size: int
        kind, size = struct.unpack_from(self._order + "II", data, at)
        if kind == _SECTION:
            return self._section(data, at, have)
        if size < 12 or size % 4:
            raise DamagedError(ERR_BLOCK_LENGTH, size)
        if kind not in {_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET}:
            self.skip = max(0, size - have)
            return at + min(size, have)
        if size > BLOCK_MAX:
            raise DamagedError(ERR_BLOCK_LENGTH, size)
        if have < size:
            return None
        if struct.unpack_from(self._order + "I", data, at + size - 4)[0] != size:
            raise DamagedError(ERR_TRAILER, size)
        if kind == _INTERFACE:
            self._describe(data, at, size)
            return at + size
        return self._packet_block(data, at, kind, size)

    def _section(self, data: bytes, at: int, have: int) -> int | None:
        if have < 28:
            return None
        mark = data[at + 8 : at + 12]
        if mark not in {b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"}:
            raise DamagedError(ERR_BYTE_ORDER, int.from_bytes(mark, "big"))
        order = self._order = "<" if mark == b"\x4d\x3c\x2b\x1a" else ">"
        (version,) = struct.unpack_from(order + "H", data, at + 12)
        if version != 1:
            raise DamagedError(ERR_VERSION, version)
        size: int = struct.unpack_from(order + "I", data, at + 4)[0]
        if size < 28 or size % 4 or size > BLOCK_MAX:
            raise DamagedError(ERR_BLOCK_LENGTH, size)
        if have < size:
            return None
        if struct.unpack_from(order + "I", data, at + size - 4)[0] != size:
            raise DamagedError(ERR_TRAILER, size)
        self._interfaces = []
        return at + size

    def _describe(self, data: bytes, at: int, size: int) -> None:
        if size < 20:
            raise DamagedError(ERR_BLOCK_LENGTH, size)
        if len(self._interfaces) >= INTERFACES_MAX:
            raise DamagedError(ERR_TOO_MANY_INTERFACES, INTERFACES_MAX)
        order = self._order
        link, snaplen = struct.unpack_from(order + "HxxI", data, at + 8)
        resolution, offset = 6, 0
        at, end = at + 16, at + size - 4
        while end - at >= 4:
            code, length = struct.unpack_from(order + "HH", data, at)
            at += 4
            if not code or length > end - at:
                break
            if code == 9 and length >= 1:  # if_tsresol
                resolution = data[at]
            if code == 14 and length >= 8:  # if_tsoffset
                (offset,) = struct.unpack_from(order + "q", data, at)
            at += (length + 3) & ~3
        self._interfaces.append(Interface(link, snaplen, resolution, offset))
        self._note_link(link)

    def _packet_block(self, data: bytes, at: int, kind: int, size: int) -> Record:
        order, head = self._order, 12 if kind == _SIMPLE_PACKET else 28
        if size < head + 4:
            raise DamagedError(ERR_BLOCK_LENGTH, size)
        number = 0
        if kind != _SIMPLE_PACKET:
            (number,) = struct.unpack_from(order + ("I" if kind == _PACKET else "H"), data, at + 8)
        if number >= len(self._interfaces):
            raise DamagedError(ERR_INTERFACE, number)
        face = self._interfaces[number]
        time = None
        if kind == _SIMPLE_PACKET:
            (wire,) = struct.unpack_from(order + "I", data, at + 8)
            captured = min(wire, face.snaplen or wire, size - 16)
        else:
            high, low, captured, wire = struct.unpack_from(order + "IIII", data, at + 12)
            time = to_ns(high << 32 | low, face.resolution, face.offset)
            if captured > size - 32:
                raise DamagedError(ERR_PACKET_BLOCK, captured)
        if captured > CAPTURED_MAX:
            raise DamagedError(ERR_CAPTURED, captured)
        return at + head, captured, wire, time, face.link, number & 0xFFFF, at + size

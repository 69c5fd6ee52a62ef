"""The demux in plain Python: frames to the devices they name.

The oracle of demux.h, and its stand-in: same class, same methods, equal on every byte. A frame goes
to its sender and, if it is addressed to one device, to that one too; what a group is sent goes to
its sender alone. Of a frame is kept what ends with its parsed L4 header, with the tag that the
kernel took out put back.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from plugin.core._reference_decode import decode
from plugin.core.layout import (
    DEMUX_DAMAGED,
    DEMUX_DEVICE_FULL,
    DEMUX_MEMORY_FULL,
    DEMUX_MORE,
    DEMUX_STREAM_FULL,
    MAC,
    MARK_LATER_FRAGMENT,
    MARK_TRUNCATED,
    PCAP_HEADER,
    WIRE_LEN_MAX,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from plugin.core._reference_link import Packet

_RECORD_HEADER, _FIRST_ROOM, _FRAME_MAX = 16, 4096, 65_536
_BLOCK_HEADER = _PACKET_HEADER = 48
_VLAN_VALID, _VLAN_TPID_VALID = 16, 64
_U32_MAX = (1 << 32) - 1
_SECOND = 1_000_000_000
_NAMES_PORTS = frozenset({67, 68, 546, 547, 5353})  # DHCP, DHCPv6, mDNS
_NOBODY = bytes(6)

_record = Struct("<IIII").pack
_tag = Struct(">HH").pack
_pack_mac = MAC.struct.pack
_two_u64 = Struct("=QQ").unpack
_words = Struct(">Q").iter_unpack
_REPEATS = 4096
_block_counts = Struct("=12xII").unpack_from  # packets, offset of the first
_packet_header = Struct("=IIIIIIH6xIH").unpack_from
"""next, seconds, nanoseconds, captured, wire, status, where the frame begins, tci, tpid."""


def _fold(a: int, b: int) -> int:
    """The mixing step of wyhash: 64 x 64 -> 128 bits, folded."""
    m = a * b
    return (m ^ m >> 64) & 0xFFFF_FFFF_FFFF_FFFF


class _Device:
    """A slot: an address, what is kept of its frames, its counters."""

    def __init__(self, mac: bytes) -> None:
        self.mac = mac
        self.fresh = True
        self.counters = [0, 0, 0, 0, 0, 0]  # as layout.MAC has them
        self.empty()

    def empty(self) -> None:
        self.kept = bytearray()
        self.room = self.packets = self.first = self.last = 0

    def count(self, column: int, wire: int, time: int) -> None:
        c = self.counters
        if not c[0] and not c[1]:
            c[4] = c[5] = time
        c[column] += 1
        c[column + 2] += wire
        c[4], c[5] = min(c[4], time), max(c[5], time)


class Demux:
    """Frames in, header-only pcap records in one bounded buffer for each device out."""

    def __init__(
        self,
        max_devices: int,
        buffer: int,
        memory: int,
        stream: int,
        names: bool,
        repeat: int,
        seed: bytes,
    ) -> None:
        """Set up a demux.

        Args:
            max_devices: Devices beyond which a new one gets nothing (counted).
            buffer: Bytes that are kept for a device before they must be taken.
            memory: Bytes of all devices' buffers together.
            stream: Bytes of the stream of all frames before it must be taken; 0 = no such stream.
            names: Keep the payloads of DHCP, DHCPv6 and mDNS too.
            repeat: Leave out a frame that equals one within so many ns, once: a switch that mirrors
                both ports of a frame sends it twice. 0 = leave out none.
            seed: 16 random bytes: hashes must not be foreseen by who sends the frames.
        """
        if (
            not 0 < max_devices <= 1 << 24
            or not 256 <= buffer <= 1 << 24
            or memory < 2 * buffer
            or (stream and not buffer <= stream <= 1 << 30)
            or not 0 <= repeat <= _SECOND
            or len(seed) != 16
        ):
            raise ValueError(
                "Demux: 1 to 2^24 devices, buffers of 256 to 2^24 bytes, memory for two of them, a "
                "stream of 0 or at least a buffer, repeats within 0 to 10^9 ns, a seed of 16 bytes"
            )
        self._max, self._buffer, self._memory, self._names = max_devices, buffer, memory, names
        self._repeat, self._repeated = repeat, 0
        self._seen: dict[int, tuple[int, int, int]] = {}
        self._seeds = _two_u64(seed)
        self._ids: dict[bytes, int] = {}
        self._slots: list[_Device | None] = []
        self._free: list[int] = []
        self._held = self._n_fresh = 0
        self._stream_room, self._stream, self._begun = stream, bytearray(), False
        self._frames = self._wire = self._records = self._record_bytes = self._tagged = 0
        self._cut = self._nameless = self._refused = self._damaged = self._first = self._last = 0

    def block(self, data: Buffer, at: int = 0, done: int = 0, /) -> tuple[int, int, int, int]:
        """Take the packets of one TPACKET_V3 block (packet(7), ``linux/if_packet.h``).

        Args:
            data: The block's bytes.
            at: Where to go on; 0 at first, then what was returned.
            done: How many of its packets were taken; 0 at first, then what was returned.

        Returns:
            Where the next packet stands, packets taken, why it stopped (DEMUX_*; DEMUX_MORE = the
            block is done, DEMUX_DAMAGED = leave the rest), and which device is full, -1 = none.
        """
        view = memoryview(data).cast("B")
        size = len(view)
        if size < _BLOCK_HEADER:
            return at, done, self._bad(), -1
        count, first = _block_counts(view)
        if done > count:
            return at, done, self._bad(), -1
        if not done:
            at = first
        while done < count:
            if at > size or size - at < _PACKET_HEADER:
                return at, done, self._bad(), -1
            after, sec, nsec, captured, wire, status, mac, tci, tpid = _packet_header(view, at)
            if mac + captured > size - at:
                return at, done, self._bad(), -1
            frame = bytes(view[at + mac : at + mac + min(captured, _FRAME_MAX)])
            tag = tci & 0xFFFF if status & _VLAN_VALID else -1
            kind = tpid if status & _VLAN_TPID_VALID else 0x8100
            got, full = self._frame((sec, nsec), wire, frame, (tag, kind), captured)
            if got != DEMUX_MORE:
                return at, done, got, full
            done += 1
            if done < count:
                if after < _PACKET_HEADER or after > size - at:
                    return at, done, self._bad(), -1
                at += after
        return at, done, DEMUX_MORE, -1

    def frame(self, time: int, wire: int, data: Buffer, tci: int, tpid: int, /) -> tuple[int, int]:
        """Take one frame.

        Args:
            time: When it came, ns since 1970.
            wire: Its length on the wire, without the tag that was taken out.
            data: Its captured bytes.
            tci: The tag that was taken out of it, -1 = none.
            tpid: That tag's EtherType.

        Returns:
            Why it was not taken (DEMUX_MORE = it was), and which device is full, -1 = none.
        """
        frame = bytes(memoryview(data).cast("B"))
        if (
            not 0 <= time // _SECOND <= _U32_MAX
            or not -1 <= tci < 1 << 16
            or not 0 <= tpid < 1 << 16
        ):
            raise ValueError("frame: a time from 1970 to 2106 in ns, a tag of 16 bits or -1")
        when = time // _SECOND, time % _SECOND
        return self._frame(when, wire, frame[:_FRAME_MAX], (tci, tpid), len(frame))

    def take(self, device: int, /) -> tuple[bytes, int, int, int]:
        """What is kept of a device, which then is kept no longer.

        Returns:
            Whole pcap records, how many, the earliest and the latest time (ns; 0 without any).
        """
        d = self._slot(device)
        out = bytes(d.kept), d.packets, d.first, d.last
        self._held -= d.room
        d.empty()
        return out

    def take_stream(self) -> bytes:
        """The stream of all frames since the last call; at first it begins with pcap's header."""
        head = PCAP_HEADER if self._stream_room and not self._begun else b""
        self._begun = self._begun or bool(head)
        out = head + bytes(self._stream)
        self._stream.clear()
        return out

    def pending(self) -> list[int]:
        """The devices of which something is kept."""
        return [i for i, d in enumerate(self._slots) if d is not None and d.kept]

    def fresh(self) -> list[int]:
        """The devices that are new since the last call."""
        found = [i for i, d in enumerate(self._slots) if d is not None and d.fresh]
        for i in found:
            self._slot(i).fresh = False
        return found

    def devices(self, first: int = 0, count: int = _U32_MAX, /) -> bytes:
        """The ``MAC`` records of the devices; zeros where one was forgotten."""
        return b"".join(
            bytes(MAC.size) if d is None else _pack_mac(d.mac, 0, *d.counters)
            for d in self._slots[first : first + count]
        )

    def forget(self, device: int, /) -> None:
        """Take a device out; its number will be another's. ValueError while something is kept."""
        d = self._slot(device)
        if d.kept:
            raise ValueError("forget: take what the device has first")
        self._held -= d.room
        del self._ids[d.mac]
        self._slots[device] = None
        self._free.append(device)

    def totals(self) -> tuple[int, ...]:
        """The counters named in ``layout.DEMUX_TOTALS``."""
        return (
            self._frames, self._wire, self._records, self._record_bytes, self._tagged, self._cut,
            self._nameless, self._refused, self._repeated, self._damaged, len(self._ids),
            self._first, self._last, self._held,
        )  # fmt: skip

    def _bad(self) -> int:
        self._damaged += 1
        return DEMUX_DAMAGED

    def _slot(self, device: int) -> _Device:
        found = self._slots[device] if 0 <= device < len(self._slots) else None
        if found is None:
            raise ValueError("no such device")
        return found

    def _device(self, mac: bytes) -> int:
        """The device of an address; -1 = a group's or nobody's, -2 = there are too many devices."""
        if mac[0] & 1 or mac == _NOBODY:
            return -1
        known = self._ids.get(mac)
        if known is not None:
            return known
        if len(self._ids) >= self._max:
            return -2
        if self._free:
            known = self._free.pop()
            self._slots[known] = _Device(mac)
        else:
            known = len(self._slots)
            self._slots.append(_Device(mac))
        self._ids[mac] = known
        return known

    def _frame(
        self,
        when: tuple[int, int],
        wire: int,
        frame: bytes,
        tag: tuple[int, int],
        captured: int,
    ) -> tuple[int, int]:
        """One frame into its buffers, or into none and why: then it is to be given again."""
        cut = captured < wire
        time = when[0] * _SECOND + when[1]
        mark = self._hash(frame, wire) if self._repeat else 0
        if self._repeat and self._is_repeated(mark, time, tag[0]):
            return DEMUX_MORE, -1
        if tag[0] >= 0 and len(frame) >= 12:
            frame = frame[:12] + _tag(tag[1], tag[0]) + frame[12:]
            wire = min(_U32_MAX, wire + 4)
        wire_len = min(wire, WIRE_LEN_MAX)
        k = decode(frame, 0, len(frame), wire_len, 1, full=False)
        stored = self._stored(k, len(frame))
        record = _record(*when, stored, wire) + frame[:stored]
        ids = [-1, -1]
        if len(frame) >= 14:
            ids[0] = self._device(frame[6:12])
            ids[1] = self._device(frame[:6]) if frame[:6] != frame[6:12] else -1
        if self._stream_room and self._stream_room - len(self._stream) < len(record):
            return DEMUX_STREAM_FULL, -1
        devices = [self._slot(i) for i in ids if i >= 0]
        for d in devices:
            if self._buffer - len(d.kept) < len(record):
                return DEMUX_DEVICE_FULL, self._ids[d.mac]
        rooms = [self._room(d.room, len(d.kept) + len(record)) for d in devices]
        grown = sum(room - d.room for room, d in zip(rooms, devices, strict=True))
        if self._held + grown > self._memory:
            return DEMUX_MEMORY_FULL, -1
        self._held += grown
        for d, room in zip(devices, rooms, strict=True):
            d.first = min(d.first, time) if d.packets else time
            d.last = max(d.last, time) if d.packets else time
            d.packets += 1
            d.room = room
            d.kept += record
            d.count(int(d.mac != frame[6:12]), wire_len, time)
        if self._stream_room:
            self._stream += record
        self._first = min(self._first, time) if self._frames else time
        self._last = max(self._last, time) if self._frames else time
        self._frames += 1
        if self._repeat:
            self._seen[mark % _REPEATS] = (mark, time, tag[0])
        self._wire += wire_len
        self._records += len(devices)
        self._record_bytes += len(devices) * len(record)
        self._tagged += tag[0] >= 0
        self._cut += bool(k.marks & MARK_TRUNCATED) and cut
        self._nameless += not devices
        self._refused += ids.count(-2)
        return DEMUX_MORE, -1

    def _hash(self, frame: bytes, wire: int) -> int:
        """Eight bytes at a time, the rest filled up with zeros."""
        seed, factor = self._seeds[0], self._seeds[1] | 1
        h = _fold(seed ^ (wire << 32 | len(frame)), factor)
        for (word,) in _words(frame + bytes(-len(frame) % 8)):
            h = _fold(h ^ word, factor)
        return h or 1

    def _is_repeated(self, mark: int, time: int, tci: int) -> bool:
        """Whether this is the second copy of a frame.

        One of the two may lack the tag: a mirror copies a frame as it is at an access port,
        without, and again as it is at a trunk.
        A third would be a first again, so that of equal frames that somebody really sends at most
        half are taken for copies.
        """
        known, when, tag = self._seen.get(mark % _REPEATS, (0, 0, -1))
        if known != mark or abs(time - when) > self._repeat or (tag >= 0 <= tci and tag != tci):
            return False
        del self._seen[mark % _REPEATS]
        self._repeated += 1
        return True

    def _room(self, room: int, size: int) -> int:
        """Room of a buffer that holds so many bytes: doubled until it does."""
        if size <= room:
            return room
        room = room or _FIRST_ROOM
        while room < size:
            room *= 2
        return min(room, self._buffer)

    def _stored(self, k: Packet, captured: int) -> int:
        """Bytes to keep: up to the end of the L4 header, or of the payload if that tells names."""
        stored = k.header_len
        if (
            self._names
            and k.proto == 17
            and k.ip_version
            and not k.marks & MARK_LATER_FRAGMENT
            and (k.src_port in _NAMES_PORTS or k.dst_port in _NAMES_PORTS)
        ):
            stored += k.payload_len
        return min(stored, captured, self._buffer - _RECORD_HEADER)

"""The core in plain Python: the oracle of the compiled one, and its stand-in without a compiler.

Same class, same methods, equal on every byte. It is written to be read; where the two differ, this
file and its four parts say what is right. It touches no file, clock or network: bytes in, records
out.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plugin.core._reference_container import Container, DamagedError
from plugin.core._reference_decode import decode, plain
from plugin.core._reference_sessions import Sessions
from plugin.core.layout import (
    END_CLOCK,
    END_OPEN,
    FAILED,
    MAC,
    MARK_LATER_FRAGMENT,
    MARK_NO_TIME,
    MORE,
    PACKET,
    PACKETS_FULL,
    SESSION,
    SESSIONS_FULL,
    WIRE_LEN_MAX,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from plugin.core._reference_link import Packet

_pack_packet = PACKET.struct.pack_into
_pack_mac = MAC.struct.pack


class Engine:
    """Decode and sessions in one pass over the bytes of one or more captures."""

    def __init__(
        self,
        timeouts: tuple[int, ...],
        backstep: int,
        max_open: int,
        max_macs: int,
        seed: bytes,
        stats: bool,
        bare: bool = False,
    ) -> None:
        """Set up an engine.

        Args:
            timeouts: Idle, then active time-outs in ns, each for tcp, udp, icmp, other.
            backstep: A packet older than the clock by more than this (ns) closes all sessions.
            max_open: Open sessions beyond which the oldest are evicted.
            max_macs: Link addresses beyond which new ones get the index -1.
            seed: 48 random bytes (the compiled core's hash; unused here, Python seeds its own).
            stats: Fill session (and packet) records; without, only count.
            bare: Fill packet records without sessions, directions, and of TCP only ports, flags and
                the header's length; not with ``stats``.
        """
        if (stats and bare) or len(timeouts) != 8 or len(seed) != 48 or not 0 < max_open < 1 << 31:
            raise ValueError("Engine: 8 time-outs, a seed of 48 bytes, limits of 1 to 2^31 - 1")
        self._in = Container()
        self._sessions = Sessions(timeouts[:4], timeouts[4:], max_open, stats=stats)
        self._stats, self._bare = stats, bare
        self._backstep = backstep
        self._max_macs = max_macs
        self._mac_ids: dict[bytes, int] = {}
        self._macs: list[list[int]] = []
        self._counted: dict[bytes, list[int]] = {}  # those that sent or were sent something
        self._dropped = 0
        self._base = 0
        self._error = (0, 0)
        self._packets = self._wire = self._captured = self._first = self._last = self._previous = 0
        self._ip = self._cut = self._later = self._no_time = 0

    def feed(
        self, data: Buffer, start: int, end: int, packets: Buffer | None, sessions: Buffer | None
    ) -> tuple[int, int, int, int]:
        """Take the bytes ``data[start:end]``, as far as they hold whole records.

        Args:
            data: Bytes of a capture; what was not consumed must stand first in the next call.
            start: First byte.
            end: One past the last.
            packets: Room for packet records, or None (only with ``stats`` or ``bare``).
            sessions: Room for the records of sessions that ended; exactly with ``stats``.

        Returns:
            Bytes consumed, packet records and session records written, and why it stopped:
            MORE, PACKETS_FULL, SESSIONS_FULL, FAILED (see ``error()``).
        """
        view = memoryview(data).cast("B")
        wrong = self._stats != (sessions is not None) or (
            packets is not None and not (self._stats or self._bare)
        )
        if wrong or not 0 <= start <= end <= len(view):
            raise ValueError(
                "feed: 0 <= start <= end <= len(data); record buffers exactly with stats=True, "
                "or packets bare"
            )
        out = None if packets is None else memoryview(packets).cast("B")
        rows = 0 if sessions is None else len(memoryview(sessions).cast("B")) // SESSION.size
        room = 0 if out is None else len(out) // PACKET.size
        # Slices of bytes are cheaper than those of a memoryview, by more than a copy costs.
        taken = data if isinstance(data, bytes) else bytes(view)
        at, written, status = start, 0, MORE
        container, stats = self._in, self._stats
        while True:
            try:
                record = container.step(taken, at, end)
            except DamagedError as e:
                self._error = (e.number, e.value)
                status = FAILED
                break
            if record is None:
                break
            if isinstance(record, int):
                at = record
                continue
            place, captured, wire, time, link, interface, after = record
            if out is not None and written == room:
                status = PACKETS_FULL
                break
            now = self._previous if time is None else time
            if not self._tick(now, rows):
                status = SESSIONS_FULL
                break
            wire_len = wire if wire <= WIRE_LEN_MAX else WIRE_LEN_MAX
            short = not stats and not self._bare and link == 1 and time is not None
            if short and self._goes_on(taken, place, captured, wire, now):
                at = after
                continue
            k = decode(taken, place, captured, wire_len, link, full=stats)
            k.time = now
            k.wire_len = wire_len
            k.interface = interface
            if time is None:
                k.marks |= MARK_NO_TIME
                self._no_time += 1
            self._count(k, captured, wire)
            if out is not None:
                _write(out, written * PACKET.size, k)
                written += 1
            at = after
        self._base += at - start
        return at - start, written, self._flush(sessions), status

    def finish(self, sessions: Buffer | None) -> tuple[int, int]:
        """Close what is open: the records written, and whether that was all (else call again)."""
        if self._stats != (sessions is not None):
            raise ValueError("finish: a session buffer exactly with stats=True")
        rows = 0 if sessions is None else len(memoryview(sessions).cast("B")) // SESSION.size
        done = self._sessions.drain(END_OPEN, rows)
        return self._flush(sessions), int(done)

    def next_input(self) -> None:
        """The bytes that follow begin a new file; sessions and MACs go on."""
        self._in = Container()
        self._base = 0
        self._error = (0, 0)

    def totals(self) -> tuple[int, ...]:
        """The counters named in ``layout.TOTALS``."""
        devices = sum(
            1
            for mac, i in self._mac_ids.items()
            if self._macs[i][0] and not mac[0] & 1 and any(mac)
        )
        return (
            self._packets, self._wire, self._captured, self._first, self._last,
            self._sessions.started, len(self._sessions), devices, self._ip, self._cut,
            self._later, self._no_time, self._sessions.evicted, len(self._macs), self._dropped,
        )  # fmt: skip

    def macs(self, first: int = 0, /) -> bytes:
        """The MAC records."""
        rows = islice(self._mac_ids.items(), first, None)
        return b"".join(_pack_mac(mac, 0, *self._macs[i]) for mac, i in rows)

    def links(self) -> list[int]:
        """The link types described so far, in order of first sight."""
        return list(self._in.links)

    def error(self) -> tuple[int, int, int, int, int]:
        """Error number, offset of its record, its value, bytes still to skip, format."""
        number, value = self._error
        return number, self._base, value, self._in.skip, self._in.format

    def _flush(self, sessions: Buffer | None) -> int:
        closed = self._sessions.closed
        if sessions is not None and closed:
            memoryview(sessions).cast("B")[: len(closed) * SESSION.size] = b"".join(closed)
        n = len(closed)
        closed.clear()
        return n

    def _tick(self, time: int, rows: int) -> bool:
        s = self._sessions
        if self._bare:
            return True
        if not self._packets:
            s.clock = time
        elif time < s.clock - self._backstep:
            if not s.drain(END_CLOCK, rows):
                return False
            s.clock = time
        elif time > s.clock:
            s.clock = time
        if s.next_check is not None and s.next_check < s.clock and not s.sweep(rows):
            return False
        return not self._stats or len(s.closed) < rows

    def _mac_id(self, mac: bytes) -> int:
        i = self._mac_ids.get(mac)
        if i is not None:
            return i
        if len(self._macs) >= self._max_macs:
            self._dropped += 1
            return -1
        self._mac_ids[mac] = len(self._macs)
        self._macs.append([0, 0, 0, 0, 0, 0])
        return len(self._macs) - 1

    def _seen(self, mac: int, column: int, k: Packet) -> None:
        row, time = self._macs[mac], k.time
        if not row[0] and not row[1]:
            row[4] = row[5] = time
            address = k.dst if column else k.src
            if address is not None:
                self._counted[address] = row
        row[column] += 1
        row[column + 2] += k.wire_len
        if time > row[5]:
            row[5] = time
        elif time < row[4]:
            row[4] = time

    def _goes_on(self, data: bytes, place: int, captured: int, wire: int, time: int) -> bool:
        """Count one more packet of a session that goes on, from MACs that are known.

        False = something is new or not plain; nothing was changed, the long way is the right one.
        """
        wire_len = wire if wire <= WIRE_LEN_MAX else WIRE_LEN_MAX
        fields = plain(data, place, captured, wire_len)
        if fields is None:
            return False
        dst, src, key, swapped, flags = fields
        sent, received = self._counted.get(src), self._counted.get(dst)
        if (
            sent is None
            or received is None
            or not self._sessions.goes_on(key, flags, swapped=swapped)
        ):
            return False
        sent[0] += 1
        sent[2] += wire_len
        received[1] += 1
        received[3] += wire_len
        for row in (sent, received):
            if time > row[5]:
                row[5] = time
            elif time < row[4]:
                row[4] = time
        self._total(captured, wire, wire_len, time)
        self._ip += 1
        return True

    def _total(self, captured: int, wire: int, wire_len: int, time: int) -> None:
        if not self._packets:
            self._first = self._last = time
        if time > self._last:
            self._last = time
        elif time < self._first:
            self._first = time
        self._packets += 1
        self._previous = time
        self._wire += wire_len
        self._captured += captured
        self._cut += captured < wire

    def _count(self, k: Packet, captured: int, wire: int) -> None:
        known = self._mac_ids
        if k.dst is not None:
            k.dst_mac = known[k.dst] if k.dst in known else self._mac_id(k.dst)
        if k.src is not None:
            k.src_mac = known[k.src] if k.src in known else self._mac_id(k.src)
            if k.src_mac >= 0:
                self._seen(k.src_mac, 0, k)
        if k.dst_mac >= 0:
            self._seen(k.dst_mac, 1, k)
        if k.sha is not None and k.tha is not None:
            k.arp_sha = self._mac_id(k.sha)
            k.arp_tha = self._mac_id(k.tha)
        self._total(captured, wire, k.wire_len, k.time)
        if k.ip_version:
            self._ip += 1
            if k.marks & MARK_LATER_FRAGMENT:
                self._later += 1
            if not self._bare:
                self._sessions.add(k)


def _write(out: memoryview, at: int, k: Packet) -> None:
    """The packet record at ``out[at:]``."""
    _pack_packet(
        out, at, k.time, k.session, k.wire_len, k.ip_len, k.payload_len, k.src_mac, k.dst_mac,
        k.arp_sha, k.arp_tha, k.vlan, k.inner_vlan, k.ethertype, k.src_port, k.dst_port, k.ip_id,
        k.frag, k.tcp_window, k.tcp_mss, k.arp_op, k.src_ip, k.dst_ip, k.tcp_seq, k.tcp_ack,
        k.tcp_tsval, k.proto, k.ip_version, k.direction, k.tcp_flags, k.ttl, k.tos, k.l4_header_len,
        k.tcp_wscale, k.icmp_type, k.icmp_code, k.marks, k.tcp_options, k.layers, k.interface,
        k.header_len,
    )  # fmt: skip

"""Open sessions in plain Python: the counterpart of sessions.h; docs/algorithms.md has the rule."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from plugin.core.layout import (
    END_ACTIVE,
    END_CLOSED,
    END_EVICTED,
    END_IDLE,
    MARK_LATER_FRAGMENT,
    SESSION,
)

if TYPE_CHECKING:
    from plugin.core._reference_link import Packet

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_TCP, _UDP = 6, 17
_CLASS = {6: 0, 17: 1, 1: 2, 58: 2}
_OTHER = 3
_LETTERS = "SHADFR"
Key = tuple[int, int, bytes, bytes, int, int]
_pack = SESSION.struct.pack


class Half:
    """What one side of a session sent (``layout.SESSION``'s orig_ or resp_ fields)."""

    __slots__ = (
        "first", "flags", "gap_max", "gap_min", "gap_sumsq", "ip_bytes", "last", "len_max",
        "len_min", "len_sumsq", "mss", "options", "packets", "payload", "ttl_max", "ttl_min",
        "window", "wire",
    )  # fmt: skip

    def __init__(self) -> None:
        self.packets = self.payload = self.ip_bytes = self.wire = 0
        self.first = self.last = self.gap_min = self.gap_max = 0
        self.gap_sumsq = self.len_sumsq = 0.0
        self.len_min = self.len_max = self.window = self.mss = 0
        self.ttl_min = self.ttl_max = self.flags = self.options = 0

    def count(self, k: Packet) -> None:
        """Take one packet into the statistics."""
        wire = k.wire_len
        if self.packets:
            gap = max(0, k.time - self.last)  # out of order counts as no gap
            if self.packets == 1 or gap < self.gap_min:
                self.gap_min = gap
            self.gap_max = max(self.gap_max, gap)
            seconds = gap / 1e9
            self.gap_sumsq += seconds * seconds
            self.last = max(self.last, k.time)
            self.len_min = min(self.len_min, wire)
            self.len_max = max(self.len_max, wire)
            self.ttl_min = min(self.ttl_min, k.ttl)
            self.ttl_max = max(self.ttl_max, k.ttl)
        else:
            self.first = self.last = k.time
            self.len_min = self.len_max = wire
            self.ttl_min = self.ttl_max = k.ttl
            self.window = k.tcp_window
        self.packets += 1
        self.payload += k.payload_len
        self.ip_bytes += k.ip_len
        self.wire += wire
        self.len_sumsq += float(wire) * float(wire)
        self.flags |= k.tcp_flags
        self.options |= k.tcp_options
        self.mss = self.mss or k.tcp_mss

    def values(self) -> tuple[int | float, ...]:
        """The fields in the record's order."""
        return (
            self.packets, self.payload, self.ip_bytes, self.wire, self.first, self.last,
            self.gap_min, self.gap_max, self.gap_sumsq, self.len_sumsq, self.len_min, self.len_max,
            self.window, self.mss, self.ttl_min, self.ttl_max, self.flags, self.options,
        )  # fmt: skip


class Open:
    """One open session; reused when its key begins anew, as the compiled core's slot is."""

    __slots__ = (
        "end",
        "half",
        "history",
        "icmp",
        "id",
        "key",
        "last",
        "macs",
        "orig",
        "proto",
        "resp",
        "seen",
        "start",
        "swapped",
        "tcp",
        "time",
        "timeout_class",
        "version",
        "vlan",
        "vlans",
    )  # fmt: skip

    id: int
    key: Key
    swapped: bool
    tcp: int
    last: int
    start: int
    proto: int
    timeout_class: int
    version: int
    time: int
    end: int
    orig: tuple[bytes, int]
    resp: tuple[bytes, int]
    macs: list[int]
    icmp: tuple[int, int]
    vlans: tuple[int, int]
    history: str
    seen: int
    half: tuple[Half, Half]

    def row(self, reason: int) -> bytes:
        """The session record."""
        history = self.history.encode()
        return _pack(
            self.id, self.time, self.end, self.orig[0], self.resp[0], self.orig[1], self.resp[1],
            self.proto, self.version, reason, *self.icmp, len(history), *self.vlans, 0, *self.macs,
            history, *self.half[0].values(), *self.half[1].values(),
        )  # fmt: skip


class Sessions:
    """The table of open sessions, its clock and its queues of what to look at next."""

    def __init__(
        self, idle: tuple[int, ...], active: tuple[int, ...], max_open: int, *, stats: bool
    ) -> None:
        self.clock = 0
        self.started = 0
        self.evicted = 0
        self.closed: list[bytes] = []
        self.next_check: int | None = None
        self._idle = idle
        self._active = active
        self._max_open = max_open
        self._stats = stats
        self._open: dict[Key, Open] = {}
        self._queues: tuple[deque[tuple[int, Open]], ...] = (deque(), deque(), deque(), deque())
        self._draining: list[Open] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def _emit(self, s: Open, reason: int) -> None:
        if self._stats:
            self.closed.append(s.row(reason))

    def _over(self, s: Open) -> bool:
        return self.clock - s.last > self._idle[s.timeout_class]

    def sweep(self, room: int) -> bool:
        """Close what has been idle too long; False when ``room`` rows did not suffice."""
        for timeout_class, queue in enumerate(self._queues):
            while queue and queue[0][0] < self.clock:
                s = queue[0][1]
                over = self._over(s)
                if over and self._stats and len(self.closed) >= room:
                    return False
                queue.popleft()
                if over:
                    self._emit(s, END_IDLE)
                    del self._open[s.key]
                else:
                    queue.append((s.last + self._idle[timeout_class], s))
        self.next_check = min((queue[0][0] for queue in self._queues if queue), default=None)
        return True

    def drain(self, reason: int, room: int) -> bool:
        """Close every session in order of id; False when ``room`` rows did not suffice."""
        if self._stats:
            if self._draining is None:
                self._draining = sorted(self._open.values(), key=lambda s: -s.id)
            while self._draining:
                if len(self.closed) >= room:
                    return False
                s = self._draining.pop()
                self._emit(s, END_IDLE if self._over(s) else reason)
            self._draining = None
        self._open.clear()
        for queue in self._queues:
            queue.clear()
        self.next_check = None
        return True

    def add(self, k: Packet) -> None:
        """Put one IP packet into its session."""
        src, dst, sport, dport = k.src_ip, k.dst_ip, k.src_port, k.dst_port
        swapped = src > dst or (src == dst and sport > dport)
        key = (
            (k.proto, k.ip_version, dst, src, dport, sport)
            if swapped
            else (k.proto, k.ip_version, src, dst, sport, dport)
        )
        s = self._open.get(key)
        if s is None:
            if len(self._open) >= self._max_open:
                self._evict()
            s = self._open[key] = Open()
            s.key = key
            s.timeout_class = _CLASS.get(k.proto, _OTHER)
            check = self.clock + self._idle[s.timeout_class]
            self._queues[s.timeout_class].append((check, s))
            if self.next_check is None or check < self.next_check:
                self.next_check = check
            self._begin(s, k, swapped=swapped)
        else:
            reason = self._why_over(s, k)
            if reason:
                self._emit(s, reason)
                self._begin(s, k, swapped=swapped)
        s.last = self.clock
        if k.proto == _TCP:
            if k.tcp_flags & _FIN:
                s.tcp |= 2 if swapped else 1
            if k.tcp_flags & _RST:
                s.tcp |= 4
        k.direction = int(swapped != s.swapped)
        if self._stats:
            self._count(s, k)

    def goes_on(self, key: Key, flags: int, *, swapped: bool) -> bool:
        """Count a packet into an open session that goes on, when only counting.

        Returns:
            False when there is none or it is over (nothing was changed: see :meth:`add`).
        """
        s = self._open.get(key)
        clock = self.clock
        if s is None or clock - s.last > self._idle[s.timeout_class]:
            return False
        if clock - s.start > self._active[s.timeout_class] or (s.tcp >= 3 and flags & _SYN):
            return False  # a SYN with ACK goes the long way too
        s.last = clock
        if flags & _FIN:
            s.tcp |= 2 if swapped else 1
        if flags & _RST:
            s.tcp |= 4
        return True

    def _why_over(self, s: Open, k: Packet) -> int:
        if self._over(s):
            return END_IDLE
        if self.clock - s.start > self._active[s.timeout_class]:
            return END_ACTIVE
        if s.tcp >= 3 and k.tcp_flags & (_SYN | _ACK) == _SYN:  # both FINs (3) or an RST (4 and up)
            return END_CLOSED
        return 0

    def _evict(self) -> None:
        queue = max(self._queues, key=len)
        s = queue.popleft()[1]
        self._emit(s, END_EVICTED)
        del self._open[s.key]
        self.evicted += 1

    def _begin(self, s: Open, k: Packet, *, swapped: bool) -> None:
        flip = k.proto == _TCP and k.tcp_flags & (_SYN | _ACK) == _SYN | _ACK
        s.swapped = swapped != flip
        s.tcp = 0
        s.start = self.clock
        if self._stats:
            s.id = self.started
            s.time = s.end = k.time
            ends = ((k.src_ip, k.src_port), (k.dst_ip, k.dst_port))
            s.orig, s.resp = (ends[1], ends[0]) if flip else ends
            s.macs = [k.dst_mac, k.src_mac] if flip else [k.src_mac, k.dst_mac]
            s.proto = k.proto
            s.version = k.ip_version
            s.icmp = (k.icmp_type, k.icmp_code)
            s.vlans = (k.vlan, k.inner_vlan)
            s.history = "^" if flip else ""
            s.seen = 0
            s.half = (Half(), Half())
        self.started += 1

    def _count(self, s: Open, k: Packet) -> None:
        k.session = s.id
        back = k.direction
        fresh = _letters(k) & ~(s.seen >> (8 if back else 0))
        if fresh:
            s.seen |= fresh << (8 if back else 0)
            letters = "".join(c for i, c in enumerate(_LETTERS) if fresh >> i & 1)
            s.history += letters.lower() if back else letters
        half = s.half[back]
        if not half.packets and k.src_mac >= 0:
            s.macs[back] = k.src_mac
        half.count(k)
        s.end = max(s.end, k.time)


def _letters(k: Packet) -> int:
    """Zeek's history letters of one packet, as bits in the order S H A D F R."""
    if k.proto == _UDP:
        return 8
    if k.proto != _TCP or k.marks & MARK_LATER_FRAGMENT:
        return 0
    f, letters = k.tcp_flags, 0
    if f & _SYN:
        letters |= 2 if f & _ACK else 1
    if f & _RST:
        letters |= 32
    if f & _FIN:
        letters |= 16
    if k.payload_len:
        letters |= 8
    elif f & (_SYN | _FIN | _RST | _ACK) == _ACK:
        letters |= 4
    return letters

"""The session rule a second time, over dpkt and apart from Halia's core: the bench's referee.

The rule, as docs/algorithms.md states it: a session's key is the unordered pair of
{address, port} and the IP protocol; only IP packets have sessions; ports only of TCP, UDP,
SCTP, UDP-Lite and DCCP, and none in later fragments; the outermost IP header counts. The
clock is the latest packet time; a packet more than a minute older than it ends all sessions
and sets the clock back. A session is over when it was idle or open for too long, or when
TCP was closed (both FINs or an RST) and a new SYN comes.

dpkt does the parsing. Where it gives up (cut or contradictory headers, more tags than it
knows), :func:`bench.link.network_bytes` finds the IP header and the fields are read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import dpkt

from bench.link import (
    AUTHENTICATION,
    EXTENSIONS,
    VERSION_4,
    VERSION_6,
    Network,
    l4_start,
    network_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND = 1_000_000_000
BACK_LIMIT = 60 * SECOND
ACTIVE = 3_600 * SECOND
IDLE = {6: 300 * SECOND}
IDLE_OTHERS = 60 * SECOND
PORT_PROTOCOLS = frozenset({6, 17, 33, 132, 136})
FIN, SYN, RST, ACK = 1, 2, 4, 16

Key = tuple[int, int, tuple[bytes, int], tuple[bytes, int]]


class Found(NamedTuple):
    """What the session rule needs of an IP packet."""

    version: int
    proto: int
    src: tuple[bytes, int]
    dst: tuple[bytes, int]
    flags: int


class Counted(NamedTuple):
    """Frames and sessions of a capture."""

    packets: int
    sessions: int


class _Open:
    """An open session: clock at its first and latest packet, and how far TCP has closed."""

    __slots__ = ("closed", "first", "last", "number")

    def __init__(self, number: int, clock: int) -> None:
        self.number = number
        self.first = clock
        self.last = clock
        self.closed = 0


class SessionRule:
    """Assigns session numbers to packets in the order of the file."""

    def __init__(self) -> None:
        self.clock: int | None = None
        self.sessions = 0
        self._open: dict[Key, _Open] = {}

    def packet(self, time: int, found: Found | None) -> int:
        """Count one packet.

        Args:
            time: nanoseconds since 1970.
            found: its IP fields, or None when it is not IP.

        Returns:
            The number of its session, or -1 without one.
        """
        clock = self._tick(time)
        if found is None:
            return -1
        low, high = (found.src, found.dst) if found.src <= found.dst else (found.dst, found.src)
        key = (found.version, found.proto, low, high)
        session = self._open.get(key)
        if session is None or self._is_over(session, clock, found):
            session = self._open[key] = _Open(self.sessions, clock)
            self.sessions += 1
        session.last = clock
        if found.flags & RST:
            session.closed = 3
        elif found.flags & FIN:
            session.closed |= 1 if found.src == low else 2
        return session.number

    def _tick(self, time: int) -> int:
        clock = self.clock
        if clock is not None and time < clock - BACK_LIMIT:
            self._open.clear()
            clock = time
        elif clock is None or time > clock:
            clock = time
        self.clock = clock
        return clock

    @staticmethod
    def _is_over(session: _Open, clock: int, found: Found) -> bool:
        if clock - session.last > IDLE.get(found.proto, IDLE_OTHERS):
            return True
        if clock - session.first > ACTIVE:
            return True
        return session.closed == 3 and found.flags & (SYN | ACK) == SYN


def _ports_and_flags(proto: int, l4: object) -> tuple[int, int, int]:
    """Ports and TCP flags of what dpkt left as L4: a parsed object, or bytes it gave up on."""
    if isinstance(l4, dpkt.tcp.TCP):
        return l4.sport, l4.dport, l4.flags
    if isinstance(l4, dpkt.udp.UDP | dpkt.sctp.SCTP):
        return l4.sport, l4.dport, 0
    octets = bytes(l4) if isinstance(l4, dpkt.Packet) else l4
    if proto not in PORT_PROTOCOLS or not isinstance(octets, bytes) or len(octets) < 4:
        return 0, 0, 0
    flags = octets[13] if proto == 6 and len(octets) > 13 else 0
    return int.from_bytes(octets[:2]), int.from_bytes(octets[2:4]), flags


def _by_dpkt(ip: object) -> Found | None:
    """The fields of an IP header that dpkt read as Halia's rule does, else None."""
    if isinstance(ip, dpkt.ip.IP) and ip.v == VERSION_4 and ip.p != AUTHENTICATION:
        return _of_ipv4(ip)
    if isinstance(ip, dpkt.ip6.IP6) and ip.v == VERSION_6:
        return _of_ipv6(ip)
    return None


def _of_ipv4(ip: dpkt.ip.IP) -> Found:
    sport, dport, flags = (0, 0, 0) if ip.offset else _ports_and_flags(ip.p, ip.data)
    return Found(4, ip.p, (ip.src, sport), (ip.dst, dport), flags)


def _of_ipv6(ip: dpkt.ip6.IP6) -> Found | None:
    if getattr(ip, "p", 0) in EXTENSIONS:
        return None
    if any(isinstance(head, _DOUBTFUL) for head in ip.all_extension_headers):
        return None
    sport, dport, flags = _ports_and_flags(ip.p, ip.data)
    return Found(6, ip.p, (ip.src, sport), (ip.dst, dport), flags)


# dpkt goes on behind a fragment header that is not the first extension header, takes ESP for
# an extension header, and passes over the AH of IPv6 but not over mobility headers and others:
# all these are read from the bytes instead. So are Cisco's inter-switch frames, into which it
# looks and Halia does not.
_DOUBTFUL = (dpkt.ip6.IP6FragmentHeader, dpkt.ip6.IP6ESPHeader, dpkt.ip6.IP6AHHeader)


_INTER_SWITCH = (b"\x01\x00\x0c\x00\x00", b"\x03\x00\x0c\x00\x00")


def of_bytes(network: Network) -> Found | None:
    """Fields of an IP header that dpkt did not take."""
    place = l4_start(network)
    if place is None:
        return None
    octets = network.octets
    version, size = network.version, (4 if network.version == VERSION_4 else 16)
    at = 12 if version == VERSION_4 else 8
    src, dst = octets[at : at + size], octets[at + size : at + 2 * size]
    l4 = b"" if place.later_fragment else octets[place.offset : place.end]
    sport, dport, flags = _ports_and_flags(place.proto, l4)
    return Found(version, place.proto, (src, sport), (dst, dport), flags)


def found_in(linktype: int, frame: bytes) -> Found | None:
    """The IP fields of a frame, by dpkt where dpkt can.

    Args:
        linktype: the pcap link type.
        frame: captured bytes.

    Returns:
        None when the frame is not IP.
    """
    if linktype == dpkt.pcap.DLT_EN10MB:
        try:
            ip = dpkt.ethernet.Ethernet(frame).data
        except (dpkt.UnpackError, IndexError):
            ip = None
        found = _by_dpkt(ip)
        if found is not None and frame[:5] not in _INTER_SWITCH:
            return found
    network = network_bytes(linktype, frame)
    return None if network is None else of_bytes(network)


def frames(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Time (ns), link type and bytes of each frame of a capture, by dpkt's reader."""
    with path.open("rb") as octets:
        reader = dpkt.pcap.UniversalReader(octets)
        linktype = reader.datalink() & 0xFFFF  # above are the bits of the frame check sequence
        for seconds, frame in reader:
            # Floats hold microseconds of this century exactly once rounded.
            nanos = (
                int(seconds * SECOND)
                if not isinstance(seconds, float)
                else round(seconds * 1e6) * 1_000
            )
            yield nanos, linktype, frame


def count_sessions(path: Path) -> Counted:
    """Frames and sessions of a capture by the session rule over dpkt."""
    rule = SessionRule()
    packets = 0
    for time, linktype, frame in frames(path):
        packets += 1
        rule.packet(time, found_in(linktype, frame))
    return Counted(packets, rule.sessions)

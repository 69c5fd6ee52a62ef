"""Where the IP header starts: the few link headers, read without dpkt.

Only for frames that dpkt gives up on, so nothing here has to be fast.
"""

from __future__ import annotations

from typing import NamedTuple

ETHERNET, NULL, RAW_OLD, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 1, 0, 12, 101, 108, 113, 228, 229, 276
TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
IP4, IP6, MPLS, MPLS_MULTI, PPPOE = 0x0800, 0x86DD, 0x8847, 0x8848, 0x8864
PPP_TYPES = {0x0021: IP4, 0x0057: IP6, 0x21: IP4, 0x57: IP6}
EXTENSIONS = frozenset({0, 43, 60, 135})
FRAGMENT, AH = 44, 51


class Network(NamedTuple):
    """An IP header and what follows it."""

    version: int
    octets: bytes


class Place(NamedTuple):
    """Where the L4 header starts and the packet ends, and the protocol."""

    proto: int
    offset: int
    end: int
    later_fragment: bool


def _u16(octets: bytes, at: int) -> int:
    """A 16-bit number, or -1 beyond the end."""
    return int.from_bytes(octets[at : at + 2]) if at + 2 <= len(octets) else -1


def _labels(frame: bytes, at: int) -> tuple[int, int]:
    """Skip MPLS labels: (EtherType guessed from the first nibble or -1, offset)."""
    while at + 4 <= len(frame):
        bottom = frame[at + 2] & 1
        at += 4
        if bottom:
            version = frame[at] >> 4 if at < len(frame) else 0
            return {4: IP4, 6: IP6}.get(version, -1), at
    return -1, at


def _session_stage(frame: bytes, at: int) -> tuple[int, int]:
    """Skip PPPoE and PPP: (EtherType or -1, offset)."""
    if at + 8 > len(frame):
        return -1, at
    return PPP_TYPES.get(_u16(frame, at + 6), -1), at + 8


def _payload(frame: bytes, ethertype: int, at: int) -> tuple[int, int]:
    """Skip tags, labels, PPPoE, LLC/SNAP: (EtherType or -1, offset)."""
    for _ in range(8):
        if ethertype in TAGS:
            ethertype, at = _u16(frame, at + 2), at + 4
        elif ethertype in (MPLS, MPLS_MULTI):
            ethertype, at = _labels(frame, at)
        elif ethertype == PPPOE:
            ethertype, at = _session_stage(frame, at)
        elif 0 <= ethertype <= 1500 and frame[at : at + 3] == b"\xaa\xaa\x03":
            ethertype, at = _u16(frame, at + 6), at + 8
        else:
            break
    return ethertype, at


def _start(linktype: int, frame: bytes) -> tuple[int, int]:
    """EtherType behind the link header (0 = look at the first nibble) and its offset."""
    if linktype == ETHERNET:
        return _payload(frame, _u16(frame, 12), 14)
    if linktype == SLL:
        return _payload(frame, _u16(frame, 14), 16)
    if linktype == SLL2:
        return _payload(frame, _u16(frame, 0), 20)
    if linktype in (NULL, LOOP):
        return 0, 4
    if linktype in (RAW_OLD, RAW, IPV4, IPV6):
        return 0, 0
    return -1, 0


def network_bytes(linktype: int, frame: bytes) -> Network | None:
    """The outermost IP header of a frame, or None.

    Args:
        linktype: the pcap link type.
        frame: captured bytes.
    """
    ethertype, at = _start(linktype, frame)
    if ethertype == -1 or at >= len(frame):
        return None
    version = frame[at] >> 4
    if {IP4: 4, IP6: 6, 0: version}.get(ethertype) != version or version not in (4, 6):
        return None
    octets = frame[at:]
    if len(octets) < (20 if version == 4 else 40):
        return None
    return Network(version, octets)


def _place4(octets: bytes) -> Place | None:
    size = (octets[0] & 15) * 4
    total = _u16(octets, 2)
    if size < 20:
        return None
    end = total if total >= size else len(octets)
    return Place(octets[9], size, end, bool(_u16(octets, 6) & 0x1FFF))


def _place6(octets: bytes) -> Place:
    following, at = octets[6], 40
    length = _u16(octets, 4)
    end = 40 + length if length else len(octets)
    later = False
    while at + 8 <= min(end, len(octets)):
        if following in EXTENSIONS:
            size = (octets[at + 1] + 1) * 8
        elif following == AH:
            size = (octets[at + 1] + 2) * 4
        elif following == FRAGMENT:
            later = bool(_u16(octets, at + 2) & 0xFFF8)
            size = 8
        else:
            break
        following, at = octets[at], at + size
        if later:
            break
    return Place(following, at, end, later)


def l4_start(network: Network) -> Place | None:
    """Where L4 starts in an IP packet, or None when its header is impossible."""
    return _place4(network.octets) if network.version == 4 else _place6(network.octets)

"""Where the IP header starts and where L4 does: read here for the frames that dpkt gives up on.

Written from the standards and apart from Halia's core; nothing here has to be fast.
"""

from __future__ import annotations

from typing import NamedTuple

ETHERNET, SLL, SLL2, C_HDLC = 1, 113, 276, 104
LOOPBACK = frozenset({0, 108})
RAW = frozenset({12, 14, 101})
RAW_4, RAW_6 = 228, 229
PPP_LINKS = frozenset({9, 50})
CISCO_ADDRESSES = (b"\x0f", b"\x8f")
TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
IP4, IP6, PPPOE, BACKBONE = 0x0800, 0x86DD, 0x8864, 0x88E7
MPLS = frozenset({0x8847, 0x8848})
PPP_MPLS = 0x8847
PPP_TYPES = {0x21: IP4, 0x57: IP6, 0x281: PPP_MPLS}
LENGTHS = 1_500  # a "type" up to here is an 802.3 length
EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
FRAGMENT, AUTHENTICATION = 44, 51
NOTHING = -1
COOKED_LLC = 4  # the protocol of a cooked capture whose frame goes on with LLC
TAG, BACKBONE_TAG, SNAP, PPPOE_HEAD = 4, 18, 8, 6
VERSION_4, VERSION_6 = 4, 6
HEAD_4, HEAD_6 = 20, 40
EXTENSION_HEAD = 8


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
    """A 16-bit number, or NOTHING beyond the end."""
    return int.from_bytes(octets[at : at + 2]) if at + 2 <= len(octets) else NOTHING


def _by_nibble(frame: bytes, at: int) -> int:
    """The EtherType that the first four bits of an IP header tell."""
    version = frame[at] >> 4 if at < len(frame) else 0
    return {VERSION_4: IP4, VERSION_6: IP6}.get(version, NOTHING)


def _behind_labels(frame: bytes, at: int) -> tuple[int, int]:
    """Skip MPLS labels."""
    while at + TAG <= len(frame):
        at += TAG
        if frame[at - 2] & 1:
            return _by_nibble(frame, at), at
    return NOTHING, at


def _behind_ppp(frame: bytes, at: int) -> tuple[int, int]:
    """Skip PPP's protocol field, of one (odd) byte or of two."""
    if at < len(frame) and frame[at] & 1:
        return PPP_TYPES.get(frame[at], NOTHING), at + 1
    return PPP_TYPES.get(_u16(frame, at), NOTHING), at + 2


def _behind_llc(frame: bytes, at: int) -> tuple[int, int]:
    """Skip LLC: SNAP with the null OUI has an EtherType, and 6 is IP."""
    if frame[at : at + 6] == b"\xaa\xaa\x03\x00\x00\x00":
        return _u16(frame, at + 6), at + SNAP
    if frame[at : at + 3] == b"\x06\x06\x03":
        return IP4, at + 3
    return NOTHING, at


def _behind(frame: bytes, ethertype: int, at: int) -> tuple[int, int]:
    """Skip one header that stands between the link and the network layer."""
    if 0 <= ethertype <= LENGTHS:
        return _behind_llc(frame, at)
    if ethertype in TAGS:
        return _u16(frame, at + 2), at + TAG
    if ethertype in MPLS:
        return _behind_labels(frame, at)
    if ethertype == BACKBONE:
        return _u16(frame, at + 16), at + BACKBONE_TAG
    return _behind_ppp(frame, at + PPPOE_HEAD)


def _first(linktype: int, frame: bytes) -> tuple[int, int]:
    """The EtherType behind the link header and its place."""
    found = (NOTHING, 0)
    if linktype == ETHERNET:
        found = _u16(frame, 12), 14
    elif linktype in (SLL, SLL2):
        kind, size = (_u16(frame, 14), 16) if linktype == SLL else (_u16(frame, 0), 20)
        found = (0 if kind == COOKED_LLC else kind), size
    elif linktype == C_HDLC or (linktype in PPP_LINKS and frame[:1] in CISCO_ADDRESSES):
        found = _u16(frame, 2), 4
    elif linktype in PPP_LINKS:
        found = _behind_ppp(frame, 2 if frame[:2] == b"\xff\x03" else 0)
    elif linktype in (RAW_4, RAW_6):
        found = (IP4 if linktype == RAW_4 else IP6), 0
    elif linktype in LOOPBACK | RAW:
        start = 4 if linktype in LOOPBACK else 0
        found = _by_nibble(frame, start), start
    return found


def network_bytes(linktype: int, frame: bytes) -> Network | None:
    """The outermost IP header of a frame, or None.

    Args:
        linktype: the pcap link type.
        frame: captured bytes.
    """
    ethertype, at = _first(linktype, frame)
    while ethertype not in (IP4, IP6):
        skippable = 0 <= ethertype <= LENGTHS or ethertype in TAGS | MPLS | {BACKBONE, PPPOE}
        if not skippable or at >= len(frame):
            return None
        ethertype, at = _behind(frame, ethertype, at)
    version = VERSION_4 if ethertype == IP4 else VERSION_6
    octets = frame[at:]
    if len(octets) < (HEAD_4 if version == VERSION_4 else HEAD_6) or octets[0] >> 4 != version:
        return None
    return Network(version, octets)


def _place4(octets: bytes) -> Place | None:
    size = (octets[0] & 15) * 4
    if size < HEAD_4:
        return None
    end = _u16(octets, 2) or len(octets)  # segmentation offload leaves 0
    later = bool(_u16(octets, 6) & 0x1FFF)
    if octets[9] == AUTHENTICATION and not later:
        return _chain(octets, octets[9], size, end, frozenset({AUTHENTICATION}))
    return Place(octets[9], size, end, later)


def _place6(octets: bytes) -> Place:
    length = _u16(octets, 4)
    end = HEAD_6 + length if length else len(octets)
    known = EXTENSIONS | {FRAGMENT, AUTHENTICATION}
    return _chain(octets, octets[6], HEAD_6, end, known)


def _chain(octets: bytes, following: int, at: int, end: int, known: frozenset[int]) -> Place:
    """Follow extension headers to the L4 header, to a later fragment or to the cut."""
    while following in known and at + EXTENSION_HEAD <= min(end, len(octets)):
        if following == FRAGMENT:
            size = EXTENSION_HEAD
        elif following == AUTHENTICATION:
            size = (octets[at + 1] + 2) * 4
        else:
            size = (octets[at + 1] + 1) * EXTENSION_HEAD
        later = following == FRAGMENT and bool(_u16(octets, at + 2) & 0xFFF8)
        following, at = octets[at], at + size
        if later:
            return Place(following, at, end, later_fragment=True)
    return Place(following, at, end, later_fragment=False)


def l4_start(network: Network) -> Place | None:
    """Where L4 starts in an IP packet, or None when its header is impossible."""
    return _place4(network.octets) if network.version == VERSION_4 else _place6(network.octets)

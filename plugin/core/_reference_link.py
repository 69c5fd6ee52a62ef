"""A packet's record, and a frame's way to its network layer, in plain Python.

With ``_reference_decode`` the counterpart of decode.h: link headers, tags and shims.
"""

from __future__ import annotations

from struct import Struct

from plugin.core.layout import (
    LAYER_LLC,
    LAYER_MPLS,
    LAYER_PBB,
    LAYER_PPPOE,
    LAYER_QINQ,
    LAYER_VLAN,
    MARK_BROADCAST,
    MARK_MULTICAST,
    MARK_TRUNCATED,
)

IPV4, IPV6, ARP, RARP, MPLS, MPLS_MULTICAST = 0x0800, 0x86DD, 0x0806, 0x8035, 0x8847, 0x8848
_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_PPPOE_SESSION, _PBB, _LENGTH_MAX = 0x8864, 0x88E7, 1500
SHIMS = _VLAN_TAGS | {MPLS, MPLS_MULTICAST, _PPPOE_SESSION, _PBB}
_PPP = {0x21: IPV4, 0x57: IPV6, 0x281: MPLS}
_NO_IP = bytes(16)
_BROADCAST = b"\xff" * 6

_u16 = Struct(">H").unpack_from
_two_u16 = Struct(">HH").unpack_from


class Packet:
    """The fields of a packet record (see ``layout.PACKET``); MACs as 6 bytes or None.

    A small object whose class attributes are the values of what was not there.
    """

    time = 0
    session = -1
    wire_len = ip_len = payload_len = 0
    src: bytes | None = None
    dst: bytes | None = None
    sha: bytes | None = None
    tha: bytes | None = None
    src_mac = dst_mac = arp_sha = arp_tha = -1
    vlan = inner_vlan = -1
    ethertype = src_port = dst_port = ip_id = frag = tcp_window = tcp_mss = arp_op = 0
    src_ip = dst_ip = _NO_IP
    tcp_seq = tcp_ack = tcp_tsval = 0
    proto = ip_version = tcp_flags = ttl = tos = l4_header_len = 0
    direction = tcp_wscale = 255
    icmp_type = icmp_code = marks = tcp_options = layers = interface = header_len = 0


def by_nibble(data: bytes, at: int, end: int) -> int:
    return {4: IPV4, 6: IPV6}.get(data[at] >> 4, 0) if at < end else 0


def _addresses(dst: bytes, src: bytes, k: Packet) -> None:
    k.dst = dst
    k.src = src
    if dst[0] & 1:
        k.marks |= MARK_BROADCAST if dst == _BROADCAST else MARK_MULTICAST


def link_layer(data: bytes, at: int, end: int, link: int, k: Packet) -> tuple[int, int]:
    """Where the next header stands and its EtherType (0 = none we know); -1 = cut."""
    have = end - at
    if link == 1:  # Ethernet
        if have < 14:
            return -1, 0
        _addresses(data[at : at + 6], data[at + 6 : at + 12], k)
        (kind,) = _u16(data, at + 12)
        at += 14
        return _llc(data, at, end, k) if kind <= _LENGTH_MAX else (at, kind)
    if link in {113, 276}:
        return _cooked(data, at, have, link, k)
    if link in {12, 14, 101}:  # raw IP: 12 and 14 are BSD's numbers for it
        return (at, by_nibble(data, at, end)) if have > 0 else (-1, 0)
    if link in {228, 229}:
        return at, IPV4 if link == 228 else IPV6
    if link in {0, 108}:  # BSD loopback: the family's value differs by system, the nibble does not
        return (at + 4, by_nibble(data, at + 4, end)) if have >= 4 else (-1, 0)
    # Cisco HDLC also where PPP is announced: its address byte begins no PPP frame.
    if link == 104 or (link in {9, 50} and have >= 1 and data[at] in {0x0F, 0x8F}):
        return (at + 4, _cisco(_u16(data, at + 2)[0])) if have >= 4 else (-1, 0)
    if link in {9, 50}:  # PPP
        if have >= 2 and data[at] == 0xFF and data[at + 1] == 3:
            at += 2
        return _ppp(data, at, end, k)
    return at, 0


def _cisco(kind: int) -> int:
    """Cisco HDLC's type: an EtherType, but 0x8035 is its keep-alive (SLARP), not RARP."""
    return 0 if kind == RARP else kind


def _cooked(data: bytes, at: int, have: int, link: int, k: Packet) -> tuple[int, int]:
    """Linux cooked capture, version 1 (113) or 2 (276)."""
    size = 16 if link == 113 else 20
    if have < size:
        return -1, 0
    if link == 113:
        (to,), (length,), (kind,) = _u16(data, at), _u16(data, at + 4), _u16(data, at + 14)
        address = at + 6
    else:
        to, length, (kind,) = data[at + 10], data[at + 11], _u16(data, at)
        address = at + 12
    if length == 6:
        k.src = data[address : address + 6]
    k.marks |= {1: MARK_BROADCAST, 2: MARK_MULTICAST}.get(to, 0)
    return _llc(data, at + size, at + have, k) if kind == 4 else (at + size, kind)


def _llc(data: bytes, at: int, end: int, k: Packet) -> tuple[int, int]:
    """IEEE 802.2: an EtherType only behind SNAP with OUI 0, or the IP service access point."""
    k.layers |= LAYER_LLC
    if end - at >= 8 and data[at : at + 6] == b"\xaa\xaa\x03\x00\x00\x00":
        return at + 8, _u16(data, at + 6)[0]
    if end - at >= 3 and data[at : at + 3] == b"\x06\x06\x03":
        return at + 3, IPV4
    return at, 0


def _ppp(data: bytes, at: int, end: int, k: Packet) -> tuple[int, int]:
    """The PPP protocol field, compressed (one odd byte) or not."""
    if at < end and data[at] & 1:
        return at + 1, _PPP.get(data[at], 0)
    if end - at >= 2:
        return at + 2, _PPP.get(_u16(data, at)[0], 0)
    k.marks |= MARK_TRUNCATED
    return at, 0


def shim(data: bytes, at: int, end: int, kind: int, k: Packet) -> tuple[int, int]:
    """One tag or shim between the link header and the network layer."""
    have = end - at
    if kind in _VLAN_TAGS and have >= 4:
        tag, kind = _two_u16(data, at)
        if k.vlan < 0:
            k.vlan = tag & 0xFFF
            k.layers |= LAYER_VLAN
        else:
            if k.inner_vlan < 0:
                k.inner_vlan = tag & 0xFFF
            k.layers |= LAYER_QINQ
        return _llc(data, at + 4, end, k) if kind <= _LENGTH_MAX else (at + 4, kind)
    if kind in {MPLS, MPLS_MULTICAST}:
        k.layers |= LAYER_MPLS
        while end - at >= 4:
            at += 4
            if data[at - 2] & 1:
                return at, by_nibble(data, at, end)
    elif kind == _PPPOE_SESSION and have >= 6:
        k.layers |= LAYER_PPPOE
        return _ppp(data, at + 6, end, k)
    elif kind == _PBB and have >= 18:  # I-TAG, customer addresses, EtherType
        k.layers |= LAYER_PBB
        (kind,) = _u16(data, at + 16)
        return _llc(data, at + 18, end, k) if kind <= _LENGTH_MAX else (at + 18, kind)
    k.marks |= MARK_TRUNCATED
    return at, 0

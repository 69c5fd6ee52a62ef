"""One frame to its header fields, in plain Python: the counterpart of decode.h.

Every read is bounded by the captured end; a packet is a small object whose class attributes are the
values of what was not there.
"""

from __future__ import annotations

from struct import Struct

from plugin.core.layout import (
    LAYER_IPV6_EXT,
    LAYER_LLC,
    LAYER_MPLS,
    LAYER_PBB,
    LAYER_PPPOE,
    LAYER_QINQ,
    LAYER_VLAN,
    MARK_BROADCAST,
    MARK_FRAGMENT,
    MARK_IP_MULTICAST,
    MARK_LATER_FRAGMENT,
    MARK_MULTICAST,
    MARK_TRUNCATED,
    OPT_EOL,
    OPT_MSS,
    OPT_NOP,
    OPT_OTHER,
    OPT_SACK,
    OPT_SACK_OK,
    OPT_TIMESTAMP,
    OPT_WSCALE,
)

IPV4, IPV6, ARP, RARP, MPLS, MPLS_MULTICAST = 0x0800, 0x86DD, 0x0806, 0x8035, 0x8847, 0x8848
_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_PPPOE_SESSION, _PBB, _LENGTH_MAX = 0x8864, 0x88E7, 1500
_SHIMS = _VLAN_TAGS | {MPLS, MPLS_MULTICAST, _PPPOE_SESSION, _PBB}
_PPP = {0x21: IPV4, 0x57: IPV6, 0x281: MPLS}
_MAPPED = bytes(10) + b"\xff\xff"
_NO_IP = bytes(16)
_BROADCAST = b"\xff" * 6

_u16 = Struct(">H").unpack_from
_u32 = Struct(">I").unpack_from
_ipv4 = Struct(">BBHHHBBxx4s4s").unpack_from
_ipv6 = Struct(">IHBB16s16s").unpack_from
_tcp = Struct(">HHIIBBH").unpack_from
_ports = Struct(">HH").unpack_from
_L4_SIZE = {17: 8, 136: 8, 33: 16, 132: 12}


class Packet:
    """The fields of a packet record (see ``layout.PACKET``); MACs as 6 bytes or None."""

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


def decode(data: bytes, start: int, captured: int, wire: int, link: int, *, full: bool) -> Packet:
    """The header fields of the frame ``data[start:start + captured]`` of link type ``link``.

    Args:
        data: Bytes that hold the frame.
        start: Where it begins.
        captured: Its captured bytes.
        wire: Its bytes on the wire, clipped.
        link: libpcap's link type number.
        full: Parse TCP options too.
    """
    k = Packet()
    end = start + captured
    at, kind = _link_layer(data, start, end, link, k)
    if at < 0:
        k.marks |= MARK_TRUNCATED
        k.header_len = captured
        return k
    while kind in _SHIMS:
        at, kind = _shim(data, at, end, kind, k)
    k.ethertype = kind
    if kind == IPV4:
        at = _parse_ipv4(data, start, at, end, wire, k, full)
    elif kind == IPV6:
        at = _parse_ipv6(data, start, at, end, wire, k, full)
    elif kind in {ARP, RARP}:
        at = _parse_arp(data, at, end, k)
    k.header_len = at - start
    return k


def _by_nibble(data: bytes, at: int, end: int) -> int:
    return {4: IPV4, 6: IPV6}.get(data[at] >> 4, 0) if at < end else 0


def _addresses(dst: bytes, src: bytes, k: Packet) -> None:
    k.dst = dst
    k.src = src
    if dst[0] & 1:
        k.marks |= MARK_BROADCAST if dst == _BROADCAST else MARK_MULTICAST


def _link_layer(data: bytes, at: int, end: int, link: int, k: Packet) -> tuple[int, int]:
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
        return (at, _by_nibble(data, at, end)) if have > 0 else (-1, 0)
    if link in {228, 229}:
        return at, IPV4 if link == 228 else IPV6
    if link in {0, 108}:  # BSD loopback: the family's value differs by system, the nibble does not
        return (at + 4, _by_nibble(data, at + 4, end)) if have >= 4 else (-1, 0)
    if link == 104 or (link == 50 and have >= 1 and data[at] in {0x0F, 0x8F}):  # Cisco HDLC
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


def _shim(data: bytes, at: int, end: int, kind: int, k: Packet) -> tuple[int, int]:
    """One tag or shim between the link header and the network layer."""
    have = end - at
    if kind in _VLAN_TAGS and have >= 4:
        tag, kind = _ports(data, at)
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
                return at, _by_nibble(data, at, end)
    elif kind == _PPPOE_SESSION and have >= 6:
        k.layers |= LAYER_PPPOE
        return _ppp(data, at + 6, end, k)
    elif kind == _PBB and have >= 18:  # I-TAG, customer addresses, EtherType
        k.layers |= LAYER_PBB
        (kind,) = _u16(data, at + 16)
        return _llc(data, at + 18, end, k) if kind <= _LENGTH_MAX else (at + 18, kind)
    k.marks |= MARK_TRUNCATED
    return at, 0


def _parse_arp(data: bytes, at: int, end: int, k: Packet) -> int:
    if end - at < 8:
        k.marks |= MARK_TRUNCATED
        return at
    (k.arp_op,) = _u16(data, at + 6)
    if data[at + 4] != 6 or data[at + 5] != 4 or _u16(data, at + 2)[0] != IPV4:
        return at + 8
    if end - at < 28:
        k.marks |= MARK_TRUNCATED
        return at + 8
    k.sha = data[at + 8 : at + 14]
    k.tha = data[at + 18 : at + 24]
    k.src_ip = _MAPPED + data[at + 14 : at + 18]
    k.dst_ip = _MAPPED + data[at + 24 : at + 28]
    return at + 28


def _parse_ipv4(
    data: bytes, start: int, at: int, end: int, wire: int, k: Packet, full: bool
) -> int:
    if end - at < 20 or not 0x45 <= data[at] <= 0x4F:
        k.marks |= MARK_TRUNCATED
        return at
    first: int
    size: int
    first, k.tos, size, k.ip_id, frag, k.ttl, k.proto, src, dst = _ipv4(data, at)
    head = (first & 15) * 4
    room = wire - (at - start)
    if room < 0:
        room = 0
    k.ip_version = 4
    size = k.ip_len = size or room  # segmentation offload leaves 0
    k.frag = frag
    k.src_ip = _MAPPED + src
    k.dst_ip = _MAPPED + dst
    if dst[0] >> 4 == 14 or dst == b"\xff\xff\xff\xff":
        k.marks |= MARK_IP_MULTICAST
    if frag & 0x3FFF:
        k.marks |= MARK_FRAGMENT
    if frag & 0x1FFF:
        k.marks |= MARK_LATER_FRAGMENT
    if size < head or end - at < head:
        k.marks |= MARK_TRUNCATED
        return min(end, at + head)
    if size > room:
        k.marks |= MARK_TRUNCATED
    if end > at + size:
        end = at + size  # what follows is the link's padding
    rest = size - head
    at += head
    if frag & 0x1FFF:
        k.payload_len = rest
        return at
    if k.proto == 51:
        at, rest = _extensions(data, at, end, rest, k)
    return _transport(data, at, end, rest, k, full)


def _parse_ipv6(
    data: bytes, start: int, at: int, end: int, wire: int, k: Packet, full: bool
) -> int:
    if end - at < 40 or data[at] >> 4 != 6:
        k.marks |= MARK_TRUNCATED
        return at
    first, rest, k.proto, k.ttl, k.src_ip, k.dst_ip = _ipv6(data, at)
    room = max(0, wire - (at - start))
    k.ip_version = 6
    k.tos = first >> 20 & 0xFF
    if not rest and room > 40:
        rest = room - 40  # jumbogram or offload
    size = k.ip_len = rest + 40
    if k.dst_ip[0] == 0xFF:
        k.marks |= MARK_IP_MULTICAST
    if size > room:
        k.marks |= MARK_TRUNCATED
    end = min(end, at + size)
    at, rest = _extensions(data, at + 40, end, rest, k)
    if k.marks & MARK_LATER_FRAGMENT:
        k.payload_len = rest
        return at
    return _transport(data, at, end, rest, k, full)


_CHAINED = frozenset({0, 43, 44, 51, 60, 135, 139, 140})


def _extensions(data: bytes, at: int, end: int, rest: int, k: Packet) -> tuple[int, int]:
    """Passes over IPv6 extension headers, and AH in either version; sets ``k.proto``."""
    while k.proto in _CHAINED and (k.ip_version == 6 or k.proto == 51):
        if end - at < 8:  # the chain is cut: what follows cannot be known
            k.marks |= MARK_TRUNCATED
            return end, rest
        if k.proto == 51:
            size = (data[at + 1] + 2) * 4
        elif k.proto == 44:
            size = 8
            (place,) = _u16(data, at + 2)
            k.marks |= MARK_FRAGMENT
            k.frag = place >> 3 | (place & 1) << 13
            (k.ip_id,) = _u16(data, at + 6)
            if place & 0xFFF8:
                k.marks |= MARK_LATER_FRAGMENT
        else:
            size = (data[at + 1] + 1) * 8
        k.layers |= LAYER_IPV6_EXT
        k.proto = data[at]
        at = min(end, at + size)
        rest = max(0, rest - size)
        if k.marks & MARK_LATER_FRAGMENT:
            break
    return at, rest


def _transport(data: bytes, at: int, end: int, rest: int, k: Packet, full: bool) -> int:
    """The L4 header, returns its end; ``rest`` = bytes of the IP payload by the IP length."""
    have, proto, need = end - at, k.proto, 0
    if proto == 6:
        need = _parse_tcp(data, at, have, k, full)
    elif proto in _L4_SIZE:
        need = k.l4_header_len = _L4_SIZE[proto]
        if have >= 4:
            k.src_port, k.dst_port = _ports(data, at)
    elif proto in {1, 58}:
        need = k.l4_header_len = 8
        if have >= 1:
            k.icmp_type = data[at]
        if have >= 2:
            k.icmp_code = data[at + 1]
    if rest > need:
        k.payload_len = rest - need
    if have < need:
        k.marks |= MARK_TRUNCATED
        return end
    return at + need


def _parse_tcp(data: bytes, at: int, have: int, k: Packet, full: bool) -> int:
    """The TCP fields that were captured; returns the header's length."""
    need = 20
    if have >= 16:
        k.src_port, k.dst_port, k.tcp_seq, k.tcp_ack, offset, k.tcp_flags, k.tcp_window = _tcp(
            data, at
        )
        k.l4_header_len = (offset >> 4) * 4
    else:
        if have >= 4:
            k.src_port, k.dst_port = _ports(data, at)
        if have >= 8:
            (k.tcp_seq,) = _u32(data, at + 4)
        if have >= 12:
            (k.tcp_ack,) = _u32(data, at + 8)
        if have < 14:
            return need
        k.l4_header_len = (data[at + 12] >> 4) * 4
        k.tcp_flags = data[at + 13]
    if k.l4_header_len < 20:
        k.marks |= MARK_TRUNCATED
    else:
        need = k.l4_header_len
    if full and have > 20 and need > 20:
        _tcp_options(data, at + 20, at + min(have, need), k)
    return need


def _tcp_options(data: bytes, at: int, end: int, k: Packet) -> None:
    while at < end:
        kind = data[at]
        if kind == 0:
            k.tcp_options |= OPT_EOL
            return
        if kind == 1:
            k.tcp_options |= OPT_NOP
            at += 1
            continue
        if end - at < 2 or not 2 <= data[at + 1] <= end - at:
            return
        size = data[at + 1]
        if kind == 2 and size == 4:
            k.tcp_options |= OPT_MSS
            (k.tcp_mss,) = _u16(data, at + 2)
        elif kind == 3 and size == 3:
            k.tcp_options |= OPT_WSCALE
            k.tcp_wscale = data[at + 2]
        elif kind == 4:
            k.tcp_options |= OPT_SACK_OK
        elif kind == 5:
            k.tcp_options |= OPT_SACK
        elif kind == 8 and size == 10:
            k.tcp_options |= OPT_TIMESTAMP
            (k.tcp_tsval,) = _u32(data, at + 2)
        else:
            k.tcp_options |= OPT_OTHER
        at += size

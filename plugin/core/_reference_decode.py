"""One frame to its header fields, in plain Python: the counterpart of decode.h.

Every read is bounded by the captured end.
"""

from __future__ import annotations

from struct import Struct

from plugin.core._reference_link import ARP, IPV4, IPV6, RARP, SHIMS, Packet, link_layer, shim
from plugin.core.layout import (
    LAYER_IPV6_EXT,
    MARK_FRAGMENT,
    MARK_IP_MULTICAST,
    MARK_LATER_FRAGMENT,
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

_MAPPED = bytes(10) + b"\xff\xff"

_u16 = Struct(">H").unpack_from
_u32 = Struct(">I").unpack_from
_ipv4 = Struct(">BBHHHBBxx4s4s").unpack_from
_ipv6 = Struct(">IHBB16s16s").unpack_from
_tcp = Struct(">HHIIBBH").unpack_from
_ports = Struct(">HH").unpack_from
_L4_SIZE = {17: 8, 136: 8, 33: 16, 132: 12}


def decode(data: bytes, start: int, captured: int, wire: int, link: int, *, full: bool) -> Packet:
    """The header fields of the frame ``data[start:start + captured]`` of link type ``link``.

    Args:
        data: Bytes that hold the frame.
        start: Where it begins.
        captured: Its captured bytes.
        wire: Its bytes on the wire, clipped.
        link: libpcap's link type number.
        full: Take TCP numbers, window and options too.
    """
    k = Packet()
    end = start + captured
    at, kind = link_layer(data, start, end, link, k)
    if at < 0:
        k.marks |= MARK_TRUNCATED
        k.header_len = captured
        return k
    while kind in SHIMS:
        at, kind = shim(data, at, end, kind, k)
    k.ethertype = kind
    if kind == IPV4:
        at = _parse_ipv4(data, start, at, end, wire, k, full)
    elif kind == IPV6:
        at = _parse_ipv6(data, start, at, end, wire, k, full)
    elif kind in {ARP, RARP}:
        at = _parse_arp(data, at, end, k)
    k.header_len = at - start
    return k


_ethernet_ipv4 = Struct(">6s6sHBxHxxHxB2x4s4sHH").unpack_from
_ethernet_ipv6 = Struct(">6s6sHB3xHBx16s16sHH").unpack_from
Key = tuple[int, int, bytes, bytes, int, int]
"""Of a session: protocol, IP version, lower and higher address, their ports."""
Plain = tuple[bytes, bytes, Key, bool, int]


def plain(data: bytes, start: int, captured: int, wire: int) -> Plain | None:
    """The short way for most of what is counted: whole TCP and UDP headers in IP in Ethernet.

    Returns:
        What counting looks at, as :func:`decode` would give it: destination and source MAC, the
        session's key, whether the sender's is the higher address, TCP flags; None where the frame
        is another one.
    """
    if captured < 42:
        return None
    dst, src, kind, first, size, frag, proto, a, b, sport, dport = _ethernet_ipv4(data, start)
    if kind == IPV4:
        if first != 0x45 or frag & 0x3FFF or size > wire - 14:
            return None
        a, b, version, flags_at = _MAPPED + a, _MAPPED + b, 4, start + 47
    elif kind == IPV6 and captured >= 74:
        dst, src, kind, first, size, proto, a, b, sport, dport = _ethernet_ipv6(data, start)
        if first >> 4 != 6 or size > wire - 54:
            return None
        size, version, flags_at = size + 20, 6, start + 67  # as if the header were IPv4's
    else:
        return None
    if proto == 6 and size >= 40 and captured >= 54:
        flags = data[flags_at]
    elif proto == 17 and size >= 28:
        flags = 0
    else:
        return None
    if a > b or (a == b and sport > dport):
        return dst, src, (proto, version, b, a, dport, sport), True, flags
    return dst, src, (proto, version, a, b, sport, dport), False, flags


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
        if not full:
            k.tcp_seq = k.tcp_ack = k.tcp_window = 0
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

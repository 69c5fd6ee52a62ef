"""Header bytes of the generated frames, built a column at a time for many frames at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


KINDS = (
    "tcp4",
    "udp4",
    "icmp4",
    "tcp6",
    "udp6",
    "icmp6",
    "vlan_tcp4",
    "qinq_udp4",
    "mpls_tcp4",
    "ext6_udp",
    "frag4_udp",
    "arp",
    "llc",
)
ODD_KINDS = KINDS[6:]

SYN, ACK, FIN = 2, 16, 1
TCP_LEN, UDP_LEN, ICMP_LEN = 32, 8, 8
PIECE = 1_480  # bytes of a fragment


class Columns(NamedTuple):
    """One row a frame: everything that its headers are made from."""

    micros: NDArray[np.int64]
    kind: NDArray[np.int64]
    nth: NDArray[np.int64]  # place in its flow
    left: NDArray[np.int64]  # frames of the flow still to come
    back: NDArray[np.bool_]  # from responder to originator
    payload: NDArray[np.int64]  # wanted bytes after the L4 header
    ports: NDArray[np.int64]  # (rows, 2)
    hosts: NDArray[np.int64]  # (rows, 2)

    def pick(self, rows: NDArray[np.int64] | slice) -> Columns:
        """The chosen rows."""
        return Columns(
            micros=self.micros[rows],
            kind=self.kind[rows],
            nth=self.nth[rows],
            left=self.left[rows],
            back=self.back[rows],
            payload=self.payload[rows],
            ports=self.ports[rows],
            hosts=self.hosts[rows],
        )


class Block(NamedTuple):
    """Headers of some frames of one kind: bytes (rows, width) and bytes on the wire (rows)."""

    octets: NDArray[np.uint8]
    wire_len: NDArray[np.int64]


def big_endian(values: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Unsigned integers as ``width`` bytes in network order: (rows,) -> (rows, width)."""
    wide = np.ascontiguousarray(values, ">u8").view(np.uint8).reshape(len(values), 8)
    return wide[:, 8 - width :]


def constant(octets: bytes, rows: int) -> NDArray[np.uint8]:
    """The same bytes in every row."""
    return np.broadcast_to(np.frombuffer(octets, np.uint8), (rows, len(octets)))


def _ends(columns: Columns, pair: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """(sender's, receiver's) of a pair (originator's, responder's)."""
    back = columns.back
    return (
        np.where(back, pair[:, 1], pair[:, 0]),
        np.where(back, pair[:, 0], pair[:, 1]),
    )


def _ethernet(columns: Columns, tail: bytes) -> NDArray[np.uint8]:
    """Both MAC addresses and the fixed bytes after them; responders stand behind a gateway."""
    rows = len(columns.back)
    macs = np.stack([0x0200_0000_0000 + columns.hosts[:, 0], np.full(rows, 0x0200_00FF_0001)], 1)
    src, dst = _ends(columns, macs)
    return np.hstack([big_endian(dst, 6), big_endian(src, 6), constant(tail, rows)])


def _ipv4(
    columns: Columns, proto: int, length: NDArray[np.int64], fragment: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """IPv4 headers without options; ``length`` bytes follow, ``fragment`` is flags + offset."""
    rows = len(length)
    pair = np.stack([0x0A00_0000 + columns.hosts[:, 0], 0xC612_0000 + columns.hosts[:, 1]], axis=1)
    src, dst = _ends(columns, pair)
    # Fragments of one datagram share the identification: three frames each.
    ident = (columns.nth // 3) & 0xFFFF
    return np.hstack(
        [
            constant(b"\x45\x00", rows),
            big_endian(length + 20, 2),
            big_endian(ident, 2),
            big_endian(fragment, 2),
            constant(bytes([64, proto, 0, 0]), rows),
            big_endian(src, 4),
            big_endian(dst, 4),
        ]
    )


def _ipv6(columns: Columns, following: int, length: NDArray[np.int64]) -> NDArray[np.uint8]:
    """IPv6 headers; ``length`` bytes follow (extension headers included)."""
    rows = len(length)
    prefix = constant(bytes.fromhex("20010db80000000000000000"), rows)
    pair = np.stack([columns.hosts[:, 0], 0x1_0000 + columns.hosts[:, 1]], axis=1)
    src, dst = _ends(columns, pair)
    return np.hstack(
        [
            constant(b"\x60\x00\x00\x00", rows),
            big_endian(length, 2),
            constant(bytes([following, 64]), rows),
            prefix,
            big_endian(src, 4),
            prefix,
            big_endian(dst, 4),
        ]
    )


def _tcp(columns: Columns) -> NDArray[np.uint8]:
    """TCP headers of 32 bytes: SYN with MSS, scale and SACK, later ones with timestamps."""
    rows = len(columns.nth)
    src, dst = _ends(columns, columns.ports)
    opening = columns.nth < 2
    closing = (columns.left < 2) & (columns.nth > 2)
    flags = opening * SYN + (columns.nth > 0) * ACK + closing * FIN
    syn_options = constant(bytes.fromhex("020405b4010303070402 0101".replace(" ", "")), rows)
    options = np.where(
        opening[:, None],
        syn_options,
        np.hstack(
            [
                constant(b"\x01\x01\x08\x0a", rows),
                big_endian(columns.micros & 0xFFFF_FFFF, 4),
                constant(bytes(4), rows),
            ]
        ),
    ).astype(np.uint8)
    return np.hstack(
        [
            big_endian(src, 2),
            big_endian(dst, 2),
            big_endian(columns.nth * 1_448 & 0xFFFF_FFFF, 4),
            big_endian(columns.nth * 100 & 0xFFFF_FFFF, 4),
            constant(b"\x80", rows),
            big_endian(flags.astype(np.int64), 1),
            constant(b"\xfa\xf0\x00\x00\x00\x00", rows),
            options,
        ]
    )


def _udp(columns: Columns, payload: NDArray[np.int64]) -> NDArray[np.uint8]:
    """UDP headers."""
    src, dst = _ends(columns, columns.ports)
    rows = len(src)
    length = big_endian(payload + UDP_LEN, 2)
    return np.hstack([big_endian(src, 2), big_endian(dst, 2), length, constant(bytes(2), rows)])


def _echo(columns: Columns, request: int, reply: int) -> NDArray[np.uint8]:
    """ICMP or ICMPv6 echo messages."""
    kind = np.where(columns.back, reply, request)
    rows = len(kind)
    return np.hstack(
        [
            big_endian(kind, 1),
            constant(bytes(3), rows),
            big_endian(columns.ports[:, 0], 2),
            big_endian(columns.nth & 0xFFFF, 2),
        ]
    )


def _room(columns: Columns, taken: int) -> NDArray[np.int64]:
    """Payload that still fits an MTU of 1,500 bytes beside ``taken`` header bytes."""
    return np.minimum(columns.payload, 1_500 - taken)


def _v4(columns: Columns, link: bytes, proto: int) -> Block:
    """IPv4 with TCP, UDP or ICMP behind some link header."""
    size = {6: TCP_LEN, 17: UDP_LEN, 1: ICMP_LEN}[proto]
    payload = _room(columns, 20 + size)
    head = _ethernet(columns, link)
    ip = _ipv4(columns, proto, payload + size, np.full(len(payload), 0x4000))
    octets = np.hstack([head, ip, _l4(columns, proto, payload)])
    return Block(octets, octets.shape[1] + payload)


def _v6(columns: Columns, proto: int) -> Block:
    """IPv6 with TCP, UDP or ICMPv6."""
    size = {6: TCP_LEN, 17: UDP_LEN, 58: ICMP_LEN}[proto]
    payload = _room(columns, 40 + size)
    head = _ethernet(columns, b"\x86\xdd")
    octets = np.hstack([head, _ipv6(columns, proto, payload + size), _l4(columns, proto, payload)])
    return Block(octets, octets.shape[1] + payload)


def _l4(columns: Columns, proto: int, payload: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The L4 header of a protocol number."""
    if proto == 6:
        return _tcp(columns)
    if proto == 17:
        return _udp(columns, payload)
    return _echo(columns, *((8, 0) if proto == 1 else (128, 129)))


def _ext6(columns: Columns) -> Block:
    """IPv6 with a hop-by-hop and a destination options header before UDP."""
    payload = _room(columns, 40 + 16 + UDP_LEN)
    rows = len(payload)
    octets = np.hstack(
        [
            _ethernet(columns, b"\x86\xdd"),
            _ipv6(columns, 0, payload + 16 + UDP_LEN),
            constant(bytes.fromhex("3c00010400000000"), rows),
            constant(bytes.fromhex("1100010400000000"), rows),
            _udp(columns, payload),
        ]
    )
    return Block(octets, octets.shape[1] + payload)


def _frag4(columns: Columns) -> Block:
    """UDP datagrams of three fragments: only the first has the ports."""
    place = columns.nth % 3
    # A flow's last datagram may miss its end, as on a link that drops.
    columns = columns._replace(back=np.zeros(len(place), np.bool_))
    payload = np.where(place == 2, 200, PIECE - UDP_LEN)
    more = np.where(place == 2, 0, 0x2000)
    offset = (place * (PIECE // 8) | more).astype(np.int64)
    octets = np.hstack(
        [
            _ethernet(columns, b"\x08\x00"),
            _ipv4(columns, 17, payload + UDP_LEN, offset),
            _udp(columns, np.full(len(place), 2 * PIECE + 200)),
        ]
    )
    return Block(octets, octets.shape[1] + payload)


def _arp(columns: Columns) -> Block:
    """ARP requests and replies."""
    rows = len(columns.back)
    sender, target = _ends(columns, columns.hosts)
    operation = np.where(columns.back, 2, 1)
    octets = np.hstack(
        [
            _ethernet(columns, b"\x08\x06"),
            constant(bytes.fromhex("0001080006 04".replace(" ", "")), rows),
            big_endian(operation, 2),
            big_endian(0x0200_0000_0000 + sender, 6),
            big_endian(0x0A00_0000 + sender, 4),
            big_endian(0x0200_0000_0000 + target, 6),
            big_endian(0x0A00_0000 + target, 4),
        ]
    )
    return Block(octets, np.full(rows, 60))


def _llc(columns: Columns) -> Block:
    """802.3 frames with LLC (spanning tree): no IP at all."""
    rows = len(columns.back)
    octets = np.hstack(
        [_ethernet(columns, b"\x00\x26"), constant(b"\x42\x42\x03" + bytes(35), rows)]
    )
    return Block(octets, np.full(rows, 60))


_BUILDERS: dict[str, Callable[[Columns], Block]] = {
    "tcp4": lambda c: _v4(c, b"\x08\x00", 6),
    "udp4": lambda c: _v4(c, b"\x08\x00", 17),
    "icmp4": lambda c: _v4(c, b"\x08\x00", 1),
    "tcp6": lambda c: _v6(c, 6),
    "udp6": lambda c: _v6(c, 17),
    "icmp6": lambda c: _v6(c, 58),
    "vlan_tcp4": lambda c: _v4(c, bytes.fromhex("8100002a0800"), 6),
    "qinq_udp4": lambda c: _v4(c, bytes.fromhex("88a80064810000650800"), 17),
    "mpls_tcp4": lambda c: _v4(c, bytes.fromhex("88470001013f"), 6),
    "ext6_udp": _ext6,
    "frag4_udp": _frag4,
    "arp": _arp,
    "llc": _llc,
}


def headers(kind: int, columns: Columns) -> Block:
    """Headers of rows that all are of one kind.

    Args:
        kind: index into :data:`KINDS`.
        columns: the rows.

    Returns:
        Their header bytes and lengths on the wire (before padding to 60 bytes).
    """
    return _BUILDERS[KINDS[kind]](columns)

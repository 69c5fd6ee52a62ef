"""Frames and captures made by hand, byte for byte: what the core's tests feed it."""

from __future__ import annotations

import struct
from typing import NamedTuple

A, B = bytes.fromhex("0e0000000001"), bytes.fromhex("0e0000000002")
IP_A, IP_B = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
IP6_A, IP6_B = bytes.fromhex("fd" + "00" * 14 + "01"), bytes.fromhex("fd" + "00" * 14 + "02")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SECOND = 1_000_000_000


class Frame(NamedTuple):
    """One captured frame: when (ns), its bytes, its length on the wire (0 = that of its bytes)."""

    time: int
    data: bytes
    wire: int = 0


def ethernet(payload: bytes, kind: int = 0x0800, src: bytes = A, dst: bytes = B) -> bytes:
    return dst + src + struct.pack(">H", kind) + payload


def vlan(payload: bytes, vid: int, kind: int = 0x0800) -> bytes:
    """What follows an 802.1Q EtherType."""
    return struct.pack(">HH", vid, kind) + payload


def ipv4(  # noqa: PLR0913, PLR0917 - a header has that many fields
    payload: bytes,
    proto: int,
    src: bytes = IP_A,
    dst: bytes = IP_B,
    options: bytes = b"",
    frag: int = 0,
    total: int | None = None,
    ttl: int = 64,
) -> bytes:
    head = 5 + len(options) // 4
    size = head * 4 + len(payload) if total is None else total
    return (
        struct.pack(">BBHHHBBH", 0x40 | head, 0, size, 7, frag, ttl, proto, 0)
        + src
        + dst
        + options
        + payload
    )


def ipv6(payload: bytes, next_header: int, src: bytes = IP6_A, dst: bytes = IP6_B) -> bytes:
    return struct.pack(">IHBB", 0x60000000, len(payload), next_header, 63) + src + dst + payload


def tcp(
    sport: int,
    dport: int,
    flags: int = ACK,
    payload: bytes = b"",
    *,
    options: bytes = b"",
    seq: int = 1,
) -> bytes:
    options += b"\x00" * (-len(options) % 4)
    offset = (5 + len(options) // 4) << 4
    return (
        struct.pack(">HHIIBBHHH", sport, dport, seq, 2, offset, flags, 8192, 0, 0)
        + options
        + payload
    )


def udp(sport: int, dport: int, payload: bytes = b"x") -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def icmp(kind: int, code: int = 0) -> bytes:
    return struct.pack(">BBHHH", kind, code, 0, 1, 1)


def arp(
    op: int, sha: bytes = A, spa: bytes = IP_A, tha: bytes = bytes(6), tpa: bytes = IP_B
) -> bytes:
    return struct.pack(">HHBBH", 1, 0x0800, 6, 4, op) + sha + spa + tha + tpa


def tcp_frame(time: float, flags: int = ACK, payload: bytes = b"", *, back: bool = False) -> Frame:
    """A frame of the session 10.0.0.1:40000 > 10.0.0.2:80, or back."""
    if back:
        data = ethernet(ipv4(tcp(80, 40000, flags, payload), 6, IP_B, IP_A), src=B, dst=A)
    else:
        data = ethernet(ipv4(tcp(40000, 80, flags, payload), 6))
    return Frame(round(time * SECOND), data)


def udp_frame(time: float, sport: int = 5000, dport: int = 53) -> Frame:
    return Frame(round(time * SECOND), ethernet(ipv4(udp(sport, dport), 17)))


def pcap(
    *frames: Frame, link: int = 1, big: bool = False, nano: bool = True, modified: bool = False
) -> bytes:
    order = ">" if big else "<"
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if nano else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for f in frames:
        fraction = f.time % SECOND // (1 if nano and not modified else 1000)
        size = len(f.data)
        parts += (
            struct.pack(order + "IIII", f.time // SECOND, fraction, size, f.wire or size),
            bytes(8) * modified,
            f.data,
        )
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += b"\x00" * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def described(link: int = 1, options: bytes = b"", order: str = "<", snaplen: int = 0) -> bytes:
    """An interface description block."""
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + b"\x00" * (-len(value) % 4)


def enhanced(data: bytes, units: int, interface: int = 0, order: str = "<") -> bytes:
    """An enhanced packet block."""
    head = struct.pack(
        order + "IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(data), len(data)
    )
    return block(6, head + data, order)

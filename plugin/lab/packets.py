"""Whole packets as raw sockets send them: headers that the kernel would not write so. Pure.

Sizes in bytes, addresses as packed bytes. Fields are those of RFC 791 (IPv4), 768 (UDP), 9293
(TCP), 792 (ICMP) and 2131 (DHCP).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

TCP, UDP, ICMP = 6, 17, 1
SYN = 0x02
DHCP_CLIENT, DHCP_SERVER = 68, 67
BROADCAST = b"\xff" * 4
EVERYBODY = b"\xff" * 6
NOBODY = bytes(4)
_TTL = 64
_DHCP_MAGIC = bytes((99, 130, 83, 99))
_DHCP_LEAST = 300
"""Relays may drop shorter ones (RFC 1542, section 2.1)."""


def checksum(content: bytes) -> int:
    """Give the Internet checksum (RFC 1071) of a header with zero in its place."""
    padded = content + bytes(len(content) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source: bytes, target: bytes, protocol: int, content: bytes, number: int = 0) -> bytes:
    """Put an IPv4 header before a payload; ``number`` is its identification."""
    start = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(content), number & 0xFFFF, 0, _TTL, protocol, 0,
        source, target,
    )  # fmt: skip
    return start[:10] + struct.pack(">H", checksum(start)) + start[12:] + content


def udp(source: bytes, target: bytes, ports: tuple[int, int], content: bytes) -> bytes:
    """Give a UDP datagram with its checksum, without IP header; ports from, to."""
    size = 8 + len(content)
    start = struct.pack(">HHHH", *ports, size, 0)
    found = checksum(_pseudo(source, target, UDP, size) + start + content) or 0xFFFF
    return start[:6] + struct.pack(">H", found) + content


def tcp_syn(source: bytes, target: bytes, ports: tuple[int, int], number: int) -> bytes:
    """Give a TCP segment that asks for a connection (MSS 1460), without IP header."""
    options = b"\x02\x04\x05\xb4"
    words = (*ports, number & 0xFFFFFFFF, 0, (20 + len(options)) // 4 << 4, SYN, 64_240)
    start = struct.pack(">HHIIBBHHH", *words, 0, 0) + options
    found = checksum(_pseudo(source, target, TCP, len(start)) + start)
    return start[:16] + struct.pack(">H", found) + start[18:]


def echo_request(identifier: int, number: int, content: bytes) -> bytes:
    """Give an ICMP echo request, without IP header."""
    start = struct.pack(">BBHHH", 8, 0, 0, identifier & 0xFFFF, number & 0xFFFF)
    return start[:2] + struct.pack(">H", checksum(start + content)) + start[4:] + content


def dhcp_discover(chance: Random) -> bytes:
    """Give the DHCPDISCOVER of a client that chance invents: each asks for an address anew."""
    client = b"\x02" + chance.randbytes(5)
    head = struct.pack(">BBBBIHH", 1, 1, 6, 0, chance.getrandbits(32), 0, 0x8000)
    options = b"\x35\x01\x01" + b"\x37\x04\x01\x03\x06\x0f" + b"\xff"
    body = head + bytes(16) + client.ljust(16, b"\0") + bytes(192) + _DHCP_MAGIC + options
    return body.ljust(_DHCP_LEAST, b"\0")


def frame(source: bytes, target: bytes, kind: int, content: bytes) -> bytes:
    """Put an Ethernet header before a payload, and bytes behind it up to the least length."""
    return (target + source + struct.pack(">H", kind) + content).ljust(60, b"\0")


def _pseudo(source: bytes, target: bytes, protocol: int, size: int) -> bytes:
    return source + target + struct.pack(">BBH", 0, protocol, size)

"""DHCP and mDNS frames made by hand, in which the device A tells its name."""

from __future__ import annotations

import struct

from tests import frames as f

EVERYBODY = b"\xff" * 6


def dhcp(options: bytes, chaddr: bytes = f.A, ports: tuple[int, int] = (68, 67)) -> bytes:
    head = b"\x01\x01\x06\x00" + bytes(24) + chaddr + bytes(10 + 192) + b"\x63\x82\x53\x63"
    packet = f.ipv4(f.udp(*ports, head + options), 17, bytes(4), b"\xff" * 4)
    return f.ethernet(packet, dst=EVERYBODY)


def option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


def record(name: bytes, kind: int, value: bytes) -> bytes:
    return name + struct.pack(">HHIH", kind, 0x8001, 120, len(value)) + value


def mdns(*records: bytes, questions: bytes = b"", flags: int = 0x8400, v6: bool = False) -> bytes:
    head = struct.pack(">6H", 0, flags, questions.count(b"\0\0\x01"), len(records), 0, 0)
    datagram = f.udp(5353, 5353, head + questions + b"".join(records))
    if v6:
        return f.ethernet(f.ipv6(datagram, 17), 0x86DD, dst=bytes.fromhex("3333000000fb"))
    return f.ethernet(f.ipv4(datagram, 17, dst=bytes((224, 0, 0, 251))), dst=b"\1\0^\0\0\xfb")


PRINTER = b"\x07Printer\x05local\0"
HOST = option(53, b"\1") + option(12, "Büro-PC".encode()) + option(55, b"\1\3\6") + b"\xff"

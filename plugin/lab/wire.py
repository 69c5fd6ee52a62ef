"""Bytes of the protocols that hosts speak: enough of each to be what it says it is. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

SSH_BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
IPP_GET_PRINTER_ATTRIBUTES = 0x000B
IPP_PRINT_JOB = 0x0002
PJL_START = b"\x1b%-12345X"
_LABEL = 60
_NTP = struct.Struct(">BBBbII4sQQQQ")
_NTP_EPOCH = 2_208_988_800
_KEX_NAMES = (
    b"curve25519-sha256,ecdh-sha2-nistp256",
    b"ssh-ed25519,rsa-sha2-512",
    b"chacha20-poly1305@openssh.com,aes128-ctr",
    b"chacha20-poly1305@openssh.com,aes128-ctr",
    b"hmac-sha2-256",
    b"hmac-sha2-256",
    b"none",
    b"none",
    b"",
    b"",
)


def noise(chance: Random, size: int) -> bytes:
    """Give bytes that look like encrypted or packed ones."""
    return chance.randbytes(size)


def dns_query(chance: Random, name: str) -> bytes:
    """Ask for the IPv4 address of a name (RFC 1035)."""
    labels = b"".join(bytes([len(p)]) + p.encode("ascii") for p in name.split("."))
    return (
        struct.pack(">6H", chance.getrandbits(16), 0x0100, 1, 0, 0, 0) + labels + b"\0\0\x01\0\x01"
    )


def dns_answer(query: bytes, address: bytes) -> bytes:
    """Answer a query with one address (4 bytes); empty if it is no query."""
    if len(query) < 17 or query[2] & 0x80:
        return b""
    end = query.find(b"\0", 12)
    if end < 0 or len(query) < end + 5:
        return b""
    question = query[12 : end + 5]
    head = query[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0)
    return head + question + struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + address


def dns_carrying(load: bytes, zone: str) -> str:
    """Hide bytes in a name of a zone: hexadecimal, in labels of 60 letters at most."""
    text = load.hex()
    labels = [text[at : at + _LABEL] for at in range(0, len(text), _LABEL)]
    return ".".join((*labels, zone))


def rdp_request() -> bytes:
    """Ask a remote desktop for a connection: TPKT, X.224, RDP negotiation (MS-RDPBCGR 2.2.1.1)."""
    return bytes((3, 0, 0, 19, 14, 0xE0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0))


def rdp_confirm() -> bytes:
    """Grant it."""
    return bytes((3, 0, 0, 19, 14, 0xD0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 2, 0, 0, 0))


def ntp_packet(mode: int, now: float, origin: bytes = bytes(8)) -> bytes:
    """Give an NTP packet (RFC 5905): mode 3 asks, mode 4 answers; ``now`` in Unix seconds."""
    stamp = int((now + _NTP_EPOCH) * (1 << 32)) & (1 << 64) - 1
    stratum = 0 if mode == 3 else 2
    asked = int.from_bytes(origin)
    return _NTP.pack(4 << 3 | mode, stratum, 6, -20, 0, 0, bytes(4), stamp, asked, stamp, stamp)


def syslog_line(host: str, chance: Random) -> bytes:
    """Give one line as RFC 3164 has it, without its date: many devices leave it out."""
    text = chance.choice(("job done", "link up", "session opened", "status ok", "cache flushed"))
    return (
        f"<{chance.choice((14, 30, 38))}>{host} app[{chance.randrange(100, 999)}]: {text}".encode()
    )


def ssh_packet(payload: bytes) -> bytes:
    """Wrap a payload as SSH's binary packet before encryption (RFC 4253 section 6)."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def ssh_kexinit(chance: Random) -> bytes:
    """Give SSH_MSG_KEXINIT with the name-lists of a present-day peer."""
    lists = b"".join(struct.pack(">I", len(n)) + n for n in _KEX_NAMES)
    return ssh_packet(b"\x14" + noise(chance, 16) + lists + bytes(5))


def ipp_request(operation: int, uri: str, document: bytes = b"") -> bytes:
    """Give an IPP request as the body of a POST (RFC 8010)."""

    def attribute(tag: int, name: bytes, value: bytes) -> bytes:
        sizes = struct.pack(">BH", tag, len(name)), struct.pack(">H", len(value))
        return sizes[0] + name + sizes[1] + value

    return (
        struct.pack(">HHI", 0x0200, operation, 1)
        + b"\x01"
        + attribute(0x47, b"attributes-charset", b"utf-8")
        + attribute(0x48, b"attributes-natural-language", b"en")
        + attribute(0x45, b"printer-uri", uri.encode("ascii"))
        + b"\x03"
        + document
    )


def ipp_response(request: bytes, chance: Random) -> bytes:
    """Answer an IPP request: successful-ok and a printer's state."""
    number = request[4:8] if len(request) >= 8 else bytes(4)
    body = b"\x01\x47\0\x12attributes-charset\0\x05utf-8\x04\x23\0\x0dprinter-state\0\x04\0\0\0\x03"
    return struct.pack(">HH", 0x0200, 0) + number + body + b"\x03" + noise(chance, 600)


def http_request(method: str, host: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
    """Give an HTTP/1.1 request that closes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: lab/1", "Connection: close"]
    if body:
        lines += [f"Content-Type: {kind or 'text/plain'}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def http_response(body: bytes, kind: str = "text/html") -> bytes:
    """Give an HTTP/1.1 response that closes."""
    head = f"HTTP/1.1 200 OK\r\nServer: lab\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    return head.encode("ascii") + b"\r\nConnection: close\r\n\r\n" + body


def gadget_call(serial: int, count: int) -> bytes:
    """Give the call of a gadget: a protocol that is its maker's own."""
    return struct.pack(">4sHIQ", b"GDGT", 1, count & 0xFFFFFFFF, serial) + bytes(14)


def arp_reply(source_mac: bytes, source_ip: bytes, target_mac: bytes, target_ip: bytes) -> bytes:
    """Give an Ethernet frame with an ARP reply (RFC 826): ``source_ip`` is at ``source_mac``."""
    head = target_mac + source_mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2)
    return (head + source_mac + source_ip + target_mac + target_ip).ljust(60, b"\0")

"""What devices call themselves, in frames that they send: DHCP and mDNS. Pure.

DHCP (RFC 2131, 2132): the client's host name, option 12, else the first label of its full name,
option 81 (RFC 4702). mDNS (RFC 6762): the name of an A or AAAA record whose address is the one
that the packet came from. Names come from anybody: every length is checked before it is used, a
frame can name nobody but its own sender, and what comes out is short and printable.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from plugin.records import mac_text

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME_MAX = 63
"""Characters: a label of DNS."""
LEAST = 70
"""Bytes: no shorter frame tells a name."""
MDNS_PORT, DHCP_CLIENT, DHCP_SERVER = 5353, 68, 67
_IPV4, _IPV6, _TAGS, _TAGS_MAX = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100), 2
_UDP = 17
_MORE_OR_LATER = 0x3FFF
_DHCP_OPTIONS, _DHCP_COOKIE = 240, b"\x63\x82\x53\x63"
_DHCP_CHADDR = slice(28, 34)
_REQUEST_ON_ETHERNET = b"\x01\x01\x06"
_HOST_NAME, _FULL_NAME, _PAD, _END = 12, 81, 0, 255
_FULL_NAME_HEAD, _WIRE_FORMAT = 3, 0x04
_RECORDS_MAX, _LABELS_MAX, _POINTER = 64, 128, 0xC0
_A, _AAAA = 1, 28
_LOCAL = b"local"


class Announced(NamedTuple):
    """A device that told its name."""

    mac: str
    """Lower case with colons."""
    name: str
    how: str
    """``dhcp`` or ``mdns``."""


class _Datagram(NamedTuple):
    source: bytes
    """The sender's address, 4 or 16 bytes."""
    ports: tuple[int, int]
    payload: bytes


def announced_in(frame: bytes) -> Announced | None:
    """The name that an Ethernet frame's sender tells of itself; None if it tells none.

    Args:
        frame: whatever was captured; no bytes make it raise.
    """
    if len(frame) < LEAST:
        return None
    datagram = _datagram(frame)
    if datagram is None:
        return None
    sender = frame[6:12]
    if datagram.ports == (DHCP_CLIENT, DHCP_SERVER):
        how, told = "dhcp", _dhcp_name(datagram.payload, sender)
    elif datagram.ports[0] == MDNS_PORT:
        how, told = "mdns", _mdns_name(datagram)
    else:
        return None
    name = clean(told)
    return Announced(mac_text(sender), name, how) if name else None


def clean(told: bytes) -> str:
    """A name that is fit to be shown: printable, in one line, short; empty if nothing is left."""
    text = told.decode("utf-8", "replace").replace("\ufffd", "?")
    printable = "".join(c for c in text if c.isprintable())
    return printable.strip()[:NAME_MAX].rstrip()


def _datagram(frame: bytes) -> _Datagram | None:
    at, kind = 14, int.from_bytes(frame[12:14], "big")
    for _ in range(_TAGS_MAX):
        if kind in _TAGS:
            kind = int.from_bytes(frame[at + 2 : at + 4], "big")
            at += 4
    if kind == _IPV4 and len(frame) >= at + 20:
        head = (frame[at] & 0x0F) * 4
        flags = int.from_bytes(frame[at + 6 : at + 8], "big")
        if frame[at + 9] != _UDP or flags & _MORE_OR_LATER or head < 20:  # noqa: PLR2004 - RFC 791
            return None
        source, at = frame[at + 12 : at + 16], at + head
    elif kind == _IPV6 and len(frame) >= at + 40 and frame[at + 6] == _UDP:
        source, at = frame[at + 8 : at + 24], at + 40
    else:
        return None
    if len(frame) < at + 8:
        return None
    from_port, to_port, length = struct.unpack_from(">HHH", frame, at)
    return _Datagram(source, (from_port, to_port), frame[at + 8 : at + length])


def _dhcp_name(message: bytes, sender: bytes) -> bytes:
    """The client's name, if the frame's sender is that client."""
    if (
        message[:3] != _REQUEST_ON_ETHERNET
        or message[_DHCP_CHADDR] != sender
        or message[_DHCP_OPTIONS - 4 : _DHCP_OPTIONS] != _DHCP_COOKIE
    ):
        return b""
    host, full = b"", b""
    for code, value in _options(message):
        if code == _HOST_NAME:
            host = host or value
        elif code == _FULL_NAME:
            full = full or _first_label(value)
    return host.partition(b"\0")[0] or full


def _options(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = _DHCP_OPTIONS
    while at < len(message) and message[at] != _END:
        if message[at] == _PAD:
            at += 1
            continue
        value = message[at + 2 : at + 2 + message[at + 1]] if at + 1 < len(message) else b""
        yield message[at], value
        at += 2 + len(value) if value else 2


def _first_label(value: bytes) -> bytes:
    """The host in a client's full name: flags, two bytes of no use, the name."""
    if len(value) <= _FULL_NAME_HEAD:
        return b""
    name = value[_FULL_NAME_HEAD:]
    if value[0] & _WIRE_FORMAT:
        return name[1 : 1 + name[0]] if name[0] < _POINTER else b""
    return name.partition(b".")[0]


def _mdns_name(datagram: _Datagram) -> bytes:
    """The name of the sender's address among the records of an answer."""
    message = datagram.payload
    if len(message) < 12 or not message[2] & 0x80:  # noqa: PLR2004 - RFC 1035 4.1.1: header, QR
        return b""
    questions, *records = struct.unpack_from(">4H", message, 4)
    at: int | None = 12
    for _ in range(min(questions, _RECORDS_MAX)):
        at = _after_name(message, at)
        at = None if at is None else at + 4
    for _ in range(min(sum(records), _RECORDS_MAX)):
        begin, at = at, _after_name(message, at)
        if begin is None or at is None or len(message) < at + 10:
            break
        kind, _, length = struct.unpack_from(">HxxIH", message, at)
        value = message[at + 10 : at + 10 + length]
        if kind in {_A, _AAAA} and value == datagram.source:
            return _host(message, begin)
        at += 10 + length
    return b""


def _after_name(message: bytes, at: int | None) -> int | None:
    """Where the bytes of a name end; None if it does not."""
    for _ in range(_LABELS_MAX):
        if at is None or at >= len(message):
            return None
        size = message[at]
        if size >= _POINTER:
            return at + 2
        at += 1 + size
        if not size:
            return at
    return None


def _host(message: bytes, at: int) -> bytes:
    """The first label of a name in ``.local``; pointers lead backwards only, so they end."""
    labels: list[bytes] = []
    limit = at
    for _ in range(_LABELS_MAX):
        if at >= len(message) or not message[at]:
            break
        size = message[at]
        if size >= _POINTER:
            to = int.from_bytes(message[at : at + 2], "big") & 0x3FFF
            if to >= limit:
                return b""
            at = limit = to
            continue
        labels.append(message[at + 1 : at + 1 + size])
        at += 1 + size
    return labels[0] if [label.lower() for label in labels[1:]] == [_LOCAL] else b""

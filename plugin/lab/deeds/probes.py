"""Looking around: scans, sweeps, guesses, and one visit to every machine's door for admins."""

from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
from collections import deque
from typing import TYPE_CHECKING

from plugin.lab import packets, wire
from plugin.lab.profiles import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab.plan import Plan

SCANNED_PORTS = range(1, 1025)
SWEPT_PORTS = (445, 22, 80)
PINGED_BYTES = 56
"""As ping sends them."""
OPEN_MAX = 64
"""Connections that a scanner keeps open at once."""
DOORS = ("winrm", "rdp")
"""Services by which machines are administered, and which nobody here uses else."""
_PATIENCE = 2.0


def scan(what: Plan) -> Iterator[None]:
    """Vertical scan: every low port of one host, in an order of chance, again and again."""
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    waiting = Waiting()
    while True:
        for port in chance.sample(SCANNED_PORTS, len(SCANNED_PORTS)):
            waiting.try_connect(what.target, port)
            yield


def sweep(what: Plan) -> Iterator[None]:
    """Horizontal scan: a few ports of every address of its network."""
    addresses = [str(address) for address in ipaddress.ip_network(what.target).hosts()]
    waiting = Waiting()
    while True:
        for port in SWEPT_PORTS:
            for address in addresses:
                waiting.try_connect(address, port)
                yield


def ping_sweep(what: Plan) -> Iterator[None]:
    """Ping sweep: an echo request to every address of a network, each after the other.

    Behind a router, if there is one: to addresses of its own network that nobody has no echo
    request would be sent, only the questions who has them.
    """
    addresses = [str(address) for address in ipaddress.ip_network(what.target).hosts()]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        number = 0
        while True:
            for address in addresses:
                number += 1
                with contextlib.suppress(OSError):  # nobody has it
                    sock.sendto(
                        packets.echo_request(what.seed, number, bytes(PINGED_BYTES)), (address, 0)
                    )
                yield


def brute(what: Plan) -> Iterator[None]:
    """Brute force: one password after the other at a mailbox, each on a connection of its own."""
    count = 0
    while True:
        count += 1
        with (
            contextlib.suppress(OSError),
            socket.create_connection((what.target, SERVICES["imap"].port), _PATIENCE) as peer,
        ):
            peer.recv(1024)
            peer.sendall(b"a LOGIN anna guess%d\r\n" % count)
            peer.recv(1024)
            peer.sendall(b"b LOGOUT\r\n")
        yield


def fan_out(what: Plan) -> Iterator[None]:
    """Fan-out: knocks at the doors for administrators of machine after machine, and is answered.

    What a worm does that has stolen a password, and no person: each door is knocked at once in
    a round, in an order of chance.
    """
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    doors = [(address, name) for address in what.targets for name in DOORS]
    while True:
        for address, name in chance.sample(doors, len(doors)):
            with (
                contextlib.suppress(OSError),
                socket.create_connection((address, SERVICES[name].port), _PATIENCE) as peer,
            ):
                peer.sendall(_knock(name, chance))
                peer.recv(4096)
            yield


def _knock(name: str, chance: random.Random) -> bytes:
    """The first message at a door."""
    if name == "rdp":
        return wire.rdp_request()
    return wire.http_request("POST", "machine.lab.example", "/wsman", wire.noise(chance, 400))


class Waiting:
    """Connections under way: as many as a scanner keeps open, the oldest closed first."""

    def __init__(self) -> None:
        """Begin with none."""
        self.open: deque[socket.socket] = deque()

    def try_connect(self, address: str, port: int) -> None:
        """Send a SYN; what comes back is for the kernel to see."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex((address, port))
        self.open.append(sock)
        if len(self.open) > OPEN_MAX:
            self.open.popleft().close()

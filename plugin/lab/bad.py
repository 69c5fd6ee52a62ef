"""What a host does when it turns bad: real packets, at rates that the lab's switch can carry."""

from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import InputError, nearest
from plugin.lab import wire
from plugin.lab.profiles import SERVICES, serves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from plugin.lab.topology import Host, Topology

SCANNED_PORTS = range(1, 1025)
SWEPT_PORTS = (445, 22, 80)
FLOOD_PORT = 9
BEACON_BYTES = 220
OPEN_MAX = 64
"""Connections that a scanner keeps open at once."""


class Plan(NamedTuple):
    """What exactly a bad host does: the truth that a detector is held to."""

    host: str
    kind: str
    target: str
    """An address, or a network for a sweep."""
    rate: float
    """Connections, attempts, calls or packets a second."""
    seconds: float | None
    """How long; None: until it is calmed."""
    seed: int
    mac: str
    about: str
    """For ARP spoofing: the address that the host claims to have."""
    target_mac: str


class Kind(NamedTuple):
    """One way to be bad."""

    rate: float
    act: Callable[[Plan], Iterator[None]]
    """Does one step at each ``next``."""
    prefers: str | None
    """Service of the host that it is turned against, if the caller names none."""


def plan(
    topology: Topology,
    host: str,
    kind: str,
    *,
    target: str | None = None,
    seconds: float | None = None,
    rate: float | None = None,
) -> Plan:
    """Choose what a bad host does, and to whom.

    Args:
        topology: the lab.
        host: who turns bad.
        kind: one of `KINDS`.
        target: a host's name; by default one in its VLAN that has what the kind looks for, at
            another port: no frame between two hosts behind one port reaches the switch.
        seconds: how long; by default until it is calmed.
        rate: steps a second, instead of the kind's own.

    Raises:
        InputError: no such host, kind or target; or there is none that the switch would see.
    """
    if kind not in KINDS:
        raise InputError(f"no such kind{nearest(kind, KINDS)}", where=kind)
    me = _host(topology, host)
    if not me.addresses:
        raise InputError("has no address", where=host)
    peers = topology.peers(host)
    if not peers:
        raise InputError("is alone in its VLAN", where=host)
    victim = _host(topology, target) if target else _choose(topology, me, kind)
    if not victim.addresses or victim.name == host:
        raise InputError(f"cannot be the target of {host}", where=victim.name)
    claimed = me.gateway or next((p.ip for p in peers if p.name != victim.name), None) or me.ip
    return Plan(
        host=host,
        kind=kind,
        target=_target(kind, me, victim),
        rate=rate or KINDS[kind].rate,
        seconds=seconds,
        seed=topology.seed,
        mac=me.mac,
        about=str(claimed),
        target_mac=victim.mac,
    )


def run(what: Plan) -> None:
    """Be bad as planned: a step each 1/rate seconds, caught up in bursts of at most a tick."""
    steps = KINDS[what.kind].act(what)
    began = time.monotonic()
    done = 0
    while True:
        elapsed = time.monotonic() - began
        if what.seconds is not None and elapsed >= what.seconds:
            return
        due = int(elapsed * what.rate) + 1
        # What the machine was too slow for is left out: a bad host has no debts.
        done = max(done, due - max(1, int(what.rate / 20)))
        while done < due:
            next(steps)
            done += 1
        time.sleep(min(1 / what.rate, 0.5))


def _scan(what: Plan) -> Iterator[None]:
    """Vertical scan: every low port of one host, in an order of chance, again and again."""
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    waiting = _Waiting()
    while True:
        for port in chance.sample(SCANNED_PORTS, len(SCANNED_PORTS)):
            waiting.try_connect(what.target, port)
            yield


def _sweep(what: Plan) -> Iterator[None]:
    """Horizontal scan: a few ports of every address of its network."""
    addresses = [str(address) for address in ipaddress.ip_network(what.target).hosts()]
    waiting = _Waiting()
    while True:
        for port in SWEPT_PORTS:
            for address in addresses:
                waiting.try_connect(address, port)
                yield


def _brute(what: Plan) -> Iterator[None]:
    """Brute force: one password after the other at a mailbox, each on a connection of its own."""
    count = 0
    while True:
        count += 1
        with (
            contextlib.suppress(OSError),
            socket.create_connection((what.target, SERVICES["imap"].port), 2) as peer,
        ):
            peer.recv(1024)
            peer.sendall(b"a LOGIN anna guess%d\r\n" % count)
            peer.recv(1024)
            peer.sendall(b"b LOGOUT\r\n")
        yield


def _beacon(what: Plan) -> Iterator[None]:
    """Beacon: calls home at equal times, with as many bytes each time.

    At a port of its own: among a person's visits to the same one it would not be regular.
    """
    chance = random.Random(what.seed)  # noqa: S311 - no secret
    while True:
        body = wire.noise(chance, BEACON_BYTES)
        request = wire.http_request("POST", "update.example", "/c", body)
        with (
            contextlib.suppress(OSError),
            socket.create_connection((what.target, SERVICES["home"].port), 2) as peer,
        ):
            peer.sendall(request)
            while peer.recv(65_536):
                pass
        yield


def _flood(what: Plan) -> Iterator[None]:
    """Flood: datagrams to one port, as fast as told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        load = bytes(64)
        while True:
            with contextlib.suppress(OSError):  # "port unreachable" comes back as an error
                sock.sendto(load, (what.target, FLOOD_PORT))
            yield


def _arp_spoof(what: Plan) -> Iterator[None]:
    """ARP spoofing: tells its victim, and it alone, that the gateway's address is its own."""
    me, victim = (bytes.fromhex(mac.replace(":", "")) for mac in (what.mac, what.target_mac))
    frame = wire.arp_reply(me, socket.inet_aton(what.about), victim, socket.inet_aton(what.target))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))
        while True:
            sock.send(frame)
            yield


KINDS: Mapping[str, Kind] = {
    "scan": Kind(200, _scan, None),
    "sweep": Kind(60, _sweep, None),
    "brute": Kind(8, _brute, "imap"),
    "beacon": Kind(0.2, _beacon, "home"),
    "flood": Kind(4000, _flood, None),
    "arp-spoof": Kind(2, _arp_spoof, None),
}


def _choose(topology: Topology, me: Host, kind: str) -> Host:
    """Choose a victim: one at another port, that serves what the kind looks for, no gateway."""
    wanted = KINDS[kind].prefers
    at = {host.name: (switch.name, port.number) for switch, port, host in topology.places()}
    serving = [p for p in topology.peers(me.name) if wanted is None or wanted in serves(p)]
    if not serving:
        raise InputError(
            f"nobody in its VLAN serves {wanted}", where=me.name, advice="name a target"
        )
    fitting = [p for p in serving if at[p.name] != at[me.name]]
    if not fitting:
        names = ", ".join(p.name for p in serving)
        raise InputError(
            f"whoever fits ({names}) is behind its own port, where the switch sees nothing",
            where=me.name,
            advice="name a target",
        )
    inside = [p for p in fitting if p.ip != me.gateway]
    if kind == "beacon":  # calls outside, where there is an outside
        inside = [p for p in fitting if p.ip == me.gateway] or inside
    chance = random.Random(f"{topology.seed}/{me.name}/{kind}")  # noqa: S311 - no secret
    return chance.choice(inside or fitting)


def _target(kind: str, me: Host, victim: Host) -> str:
    """What a victim is called: a beacon calls an address outside its own network, if he has one."""
    network = me.addresses[0].network
    if kind == "sweep":
        return str(network)
    outside = [str(one.ip) for one in victim.addresses if one.ip not in network]
    return outside[0] if kind == "beacon" and outside else str(victim.ip)


def _host(topology: Topology, name: str) -> Host:
    try:
        return topology.host(name)
    except KeyError:
        known = nearest(name, {host.name for host in topology.hosts})
        raise InputError(f"no such host{known}", where=name) from None


class _Waiting:
    """Connections under way: as many as a scanner keeps open, the oldest closed first."""

    def __init__(self) -> None:
        self._open: deque[socket.socket] = deque()

    def try_connect(self, address: str, port: int) -> None:
        """Send a SYN; what comes back is for the kernel to see."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex((address, port))
        self._open.append(sock)
        if len(self._open) > OPEN_MAX:
            self._open.popleft().close()

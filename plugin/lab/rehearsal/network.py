"""Stations on one switch: who has which address, who knows whose MAC, and what passes it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from plugin.lab import packets

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from contextvars import Context
    from ipaddress import IPv4Interface

    from plugin.lab.rehearsal.tape import Tape
    from plugin.lab.topology import Host, Topology

DELAY = 0.0002
"""Seconds from a host to another."""
KNOWN_SECONDS = (15.0, 45.0)
"""For how long a neighbour's MAC is believed without asking again (Linux: half to three halves of
30 s)."""
ASKED_TIMES, ASKED_EVERY = 3, 1.0
"""How often, and how far apart, a neighbour is asked for before he is given up."""
FIRST_PORT, LAST_PORT = 32_768, 60_999
"""Of clients, as Linux has them."""
_ARP, _IPV4 = 0x0806, 0x0800
_ARP_HEAD = bytes.fromhex("00010800060400")


class Place(NamedTuple):
    """An address and a port of a station."""

    address: bytes
    port: int


@dataclass(slots=True)
class Station:
    """A host on the switch."""

    name: str
    mac: bytes
    addresses: tuple[IPv4Interface, ...]
    gateway: bytes | None
    port: tuple[str, int]
    """Which switch and port it hangs on."""
    known: dict[bytes, float] = field(default_factory=dict)
    """Neighbours, and until when their MAC is believed."""
    next_port: int = FIRST_PORT

    @property
    def ip(self) -> bytes:
        """Its own address."""
        return self.addresses[0].ip.packed

    def free_port(self) -> int:
        """The next port for a client."""
        self.next_port = self.next_port + 1 if self.next_port < LAST_PORT else FIRST_PORT
        return self.next_port


class Listener(NamedTuple):
    """Somebody who takes connections or datagrams at a port."""

    factory: object
    """Makes the protocol of a connection; or the one of all datagrams."""
    context: Context
    """Whose tasks those are."""


class Network:
    """The switch, all stations on it, and who listens where.

    Args:
        topology: of one switch; all of its hosts that have an address, in one VLAN.
        tape: takes what passes the switch.
        loop: has the time.
    """

    def __init__(self, topology: Topology, tape: Tape, loop: AbstractEventLoop) -> None:
        self.tape, self.loop = tape, loop
        self.streams: dict[Place, Listener] = {}
        self.datagrams: dict[Place, Listener] = {}
        self.chance = random.Random(f"{topology.seed}/network")  # noqa: S311 - no secret
        self.stations = {
            host.name: _station(host, (switch.name, port.number))
            for switch, port, host in topology.places()
            if host.addresses
        }
        self._owner = {
            one.ip.packed: station
            for station in self.stations.values()
            for one in station.addresses
        }

    def owner(self, address: bytes) -> Station | None:
        """Whose address it is."""
        return self._owner.get(address)

    async def find(self, me: Station, target: bytes) -> Station | None:
        """Learn the MAC of the next hop to an address, by ARP where it is not known.

        Returns:
            Whose address it is; None: nobody's behind the router, so no answer will come.

        Raises:
            OSError: it is nobody's in the own network, or there is no way.
        """
        near = ipaddress.ip_address(target) in me.addresses[0].network
        hop = target if near else me.gateway
        if hop is None:
            raise OSError(errno.ENETUNREACH, "no way to it")
        neighbour = self._owner.get(hop)
        now = self.loop.time()
        if me.known.get(hop, -1.0) < now:
            known = hop in me.known
            me.known[hop] = now + self.chance.uniform(*KNOWN_SECONDS)
            for _ in range(1 if neighbour else ASKED_TIMES):
                to = neighbour.mac if known and neighbour else packets.EVERYBODY
                self._arp(me, to, 1, me.ip, bytes(6), hop)
                if neighbour is not None:
                    self._arp(neighbour, me.mac, 2, hop, me.mac, me.ip, delay=DELAY)
                await asyncio.sleep(2 * DELAY if neighbour else ASKED_EVERY)
        if neighbour is None:
            me.known.pop(hop, None)
            raise OSError(errno.EHOSTUNREACH, "nobody has this address")
        return self._owner.get(target)

    def pass_on(self, at: float, ends: tuple[bytes, bytes], protocol: int, content: bytes) -> None:
        """Let an IPv4 packet pass the switch.

        Args:
            at: when.
            ends: addresses from and to.
            protocol: of what is in it.
            content: its header and payload.
        """
        source, target = (self._station_at(ends[0], ends[1]), self._station_at(ends[1], ends[0]))
        if source.port == target.port:
            return  # behind one port: the switch sees nothing
        packet = packets.ipv4(*ends, protocol, content, self.chance.getrandbits(16))
        self._note(at, packets.frame(source.mac, target.mac, _IPV4, packet))

    def _station_at(self, address: bytes, peer: bytes) -> Station:
        """Who stands at the cable for an address: the router for all that nobody has."""
        found = self._owner.get(address)
        if found is not None:
            return found
        gateway = self._owner[peer].gateway
        assert gateway is not None, "found by ARP before"
        return self._owner[gateway]

    def _arp(  # noqa: PLR0913 - the fields of the packet
        self, sender: Station, to: bytes, operation: int, sender_ip: bytes, target_mac: bytes,
        target_ip: bytes, *, delay: float = 0.0,
    ) -> None:  # fmt: skip
        body = _ARP_HEAD + bytes([operation]) + sender.mac + sender_ip + target_mac + target_ip
        self._note(self.loop.time() + delay, packets.frame(sender.mac, to, _ARP, body))

    def _note(self, at: float, frame: bytes) -> None:
        self.tape.note(at, frame)
        self.tape.until(self.loop.time())


def _station(host: Host, port: tuple[str, int]) -> Station:
    gateway = None if host.gateway is None else ipaddress.ip_address(host.gateway).packed
    mac = bytes.fromhex(host.mac.replace(":", ""))
    return Station(host.name, mac, host.addresses, gateway, port)

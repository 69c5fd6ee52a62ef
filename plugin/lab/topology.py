"""What a lab is made of: frozen records of switches, ports, VLANs, hosts and operator ACLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Interface

FAUCET_MAC = "0e:00:00:00:00:01"
"""Faucet's own default address: it drops frames of whoever else has it."""
NAME_MAX = 11
"""Letters of a host's or switch's name: a NIC has 15, and is called `to-HOST` or `SWITCH-PORT`."""


class Vlan(NamedTuple):
    """A VLAN with its operator's ACLs."""

    name: str
    vid: int
    acls_in: tuple[str, ...] = ()
    acls_out: tuple[str, ...] = ()


class Link(NamedTuple):
    """The other end of a cable between two switches."""

    switch: str
    port: int


class Port(NamedTuple):
    """A port of a switch and what hangs on it."""

    number: int
    hosts: tuple[str, ...]
    vlan: str | None
    """The native VLAN's name."""
    tagged: tuple[str, ...]
    acls_in: tuple[str, ...]
    link: Link | None
    collector: bool

    @property
    def behind_edge(self) -> bool:
        """Whether an unmanaged switch stands between the port and its hosts.

        So with several hosts on one port, and where frames are tagged: there it also takes the
        tags off, as hosts here have no VLAN interfaces (not every kernel can make them).
        """
        return len(self.hosts) > 1 or (bool(self.tagged) and bool(self.hosts))


class Switch(NamedTuple):
    """A datapath."""

    name: str
    dp_id: int
    ports: tuple[Port, ...]
    settings: Mapping[str, Any]
    """More fields of this datapath for faucet.yaml, taken as they are."""


class Host(NamedTuple):
    """A host: what it is called, how it is addressed, and what it does."""

    name: str
    mac: str
    addresses: tuple[IPv4Interface, ...]
    """The first is its own; others stand for networks behind it, such as the outside."""
    gateway: str | None
    vlan: str | None
    """The VLAN behind a port that is only tagged."""
    profile: str | None
    serves: tuple[str, ...]
    """Services beside those of its profile."""
    uses: tuple[str, ...]
    """Services that it uses beside those of its profile."""

    @property
    def ip(self) -> str | None:
        """Its address without the prefix length; None for a collector."""
        return str(self.addresses[0].ip) if self.addresses else None


class Topology(NamedTuple):
    """A whole lab, as its YAML file tells it."""

    name: str
    seed: int
    pace: float
    """Seconds of a profile's clock that pass in one second."""
    vlans: tuple[Vlan, ...]
    switches: tuple[Switch, ...]
    hosts: tuple[Host, ...]
    acls: Mapping[str, Any]
    """The operator's ACLs by name, in Faucet's own words."""
    text: str
    """The YAML that it was read from."""

    def host(self, name: str) -> Host:
        """Give a host by its name (KeyError if there is none)."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def places(self) -> Iterator[tuple[Switch, Port, Host]]:
        """Give each host with the port that it hangs on."""
        for switch in self.switches:
            for port in switch.ports:
                for name in port.hosts:
                    yield switch, port, self.host(name)

    def collector(self) -> str | None:
        """Name the host on the mirror port."""
        return next((h.name for _, port, h in self.places() if port.collector), None)

    def peers(self, name: str) -> tuple[Host, ...]:
        """Give the other hosts that have an address and stand in the same VLAN."""
        vlans = {host.name: host.vlan or port.vlan for _, port, host in self.places()}
        return tuple(
            h for h in self.hosts if h.name != name and h.addresses and vlans[h.name] == vlans[name]
        )

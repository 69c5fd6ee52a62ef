"""What hosts do: services by name, and profiles that say who runs and uses which. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.lab.topology import Host, Topology


class Service(NamedTuple):
    """A service's transport and its port, as on real hosts."""

    transport: str
    """"tcp" or "udp"."""
    port: int


SERVICES: Mapping[str, Service] = {
    "web": Service("tcp", 80),
    "dns": Service("udp", 53),
    "ntp": Service("udp", 123),
    "ssh": Service("tcp", 22),
    "smb": Service("tcp", 445),
    "ipp": Service("tcp", 631),
    "jetdirect": Service("tcp", 9100),
    "smtp": Service("tcp", 25),
    "imap": Service("tcp", 143),
    "syslog": Service("udp", 514),
    "home": Service("tcp", 8080),
    "rdp": Service("tcp", 3389),
    "winrm": Service("tcp", 5985),
    "gadget": Service("tcp", 34567),
    "gadget-call": Service("udp", 34569),
}


class Use(NamedTuple):
    """How a client uses a service: every so many seconds, more or less."""

    service: str
    every: float
    """Mean seconds from one use to the next."""
    jitter: float = 0.5
    """Largest deviation, as a part of ``every``."""


class Profile(NamedTuple):
    """What one kind of host runs and uses."""

    serves: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()


PROFILES: Mapping[str, Profile] = {
    "printer": Profile(
        ("jetdirect", "ipp", "web"), (Use("dns", 45), Use("ntp", 64, 0.1), Use("syslog", 30))
    ),
    "file server": Profile(
        ("smb", "ssh"), (Use("dns", 40), Use("ntp", 64, 0.1), Use("syslog", 20))
    ),
    "workstation": Profile(
        (),
        (
            Use("dns", 5),
            Use("web", 6),
            Use("smb", 12),
            Use("imap", 20),
            Use("smtp", 40),
            Use("ipp", 30),
            Use("jetdirect", 45),
            Use("ntp", 90, 0.1),
        ),
    ),
    "admin workstation": Profile((), (Use("dns", 8), Use("ssh", 10), Use("web", 12))),
    "web server": Profile(("web", "ssh"), (Use("dns", 20), Use("ntp", 64, 0.1), Use("syslog", 15))),
    "mail relay": Profile(("smtp", "imap"), (Use("dns", 8), Use("smtp", 15), Use("ntp", 64, 0.1))),
    "name server": Profile(("dns", "ntp", "syslog"), ()),
    "outside": Profile(("web", "dns", "ntp", "smtp", "home"), ()),
    "unknown gadget": Profile(("gadget", "gadget-call"), (Use("gadget-call", 3, 0.05),)),
}


def serves(host: Host) -> tuple[str, ...]:
    """Name the services of a host: its profile's and its own."""
    profile = PROFILES[host.profile] if host.profile else Profile()
    return tuple(dict.fromkeys((*profile.serves, *host.serves)))


def uses(host: Host) -> tuple[Use, ...]:
    """Give what a host uses: its profile's ways, and each service named for it every 10 s."""
    profile = PROFILES[host.profile] if host.profile else Profile()
    named = {use.service for use in profile.uses}
    return (*profile.uses, *(Use(name, 10) for name in host.uses if name not in named))


def targets(topology: Topology, host: Host, service: str) -> tuple[str, ...]:
    """Give the addresses where a host finds a service.

    These are the servers in its VLAN by their own address, and by their other addresses (the
    networks that they stand for) as well. A gadget calls everyone: its maker's way to find more.
    """
    peers = topology.peers(host.name)
    if service == "gadget-call":
        return tuple(str(peer.addresses[0].ip) for peer in peers)
    return tuple(
        str(address.ip) for peer in peers if service in serves(peer) for address in peer.addresses
    )

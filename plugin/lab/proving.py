"""What an isolation does, seen from the hosts themselves: who reaches whom, before, during, after.

Nothing here asks Halia: echo requests (RFC 792) between hosts, counted where they are sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plugin.lab.lab import Lab
    from plugin.lab.topology import Host, Topology

COUNT = 4
_INTERVAL, _PATIENCE = "0.2", "1"
_RECEIVED = re.compile(r"(\d+) received")


class Cast(NamedTuple):
    """Who plays in it: names of hosts."""

    bad: str
    neighbour: str
    """An innocent one, at a port of its own if there is one."""
    other: str
    """Whom both want to reach."""
    remedy: str
    """Whom the quarantined one may still reach."""
    remedy_address: str


class Reached(NamedTuple):
    """Whether echo requests were answered: all, some, or none of them."""

    answered: int
    sent: int = COUNT

    @property
    def alive(self) -> bool:
        """All were answered."""
        return self.answered == self.sent

    @property
    def dead(self) -> bool:
        """None was."""
        return self.answered == 0


def cast(topology: Topology, bad: str) -> Cast | None:
    """Choose who plays: hosts at other ports than the bad one's; None: there are too few."""
    mine = _port_of(topology, bad)
    others = [
        host
        for host in topology.hosts
        if host.profile not in {None, "outside"}
        and host.name != bad
        and host.addresses
        and _port_of(topology, host.name) != mine
    ]
    remedies = [host for host in others if host.profile == "web server"]
    rest = [host for host in others if host not in remedies]
    if not remedies or len(rest) < 2:  # noqa: PLR2004 - a neighbour and somebody to talk to
        return None
    return Cast(bad, rest[0].name, rest[1].name, remedies[0].name, str(remedies[0].ip))


def reach(lab: Lab, host: str, whom: Host) -> Reached:
    """Send echo requests from one host to another."""
    words = ["ping", "-c", str(COUNT), "-i", _INTERVAL, "-W", _PATIENCE, str(whom.ip)]
    found = _RECEIVED.search(lab.run(host, words).stdout)
    return Reached(int(found[1]) if found is not None else 0)


def _port_of(topology: Topology, name: str) -> tuple[str, int] | None:
    places = ((switch, port) for switch, port, host in topology.places() if host.name == name)
    return next(((switch.name, port.number) for switch, port in places), None)

"""What a host does when it turns bad: real packets, at rates that the lab's switch can carry."""

from __future__ import annotations

import ipaddress
import random
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from plugin.errors import InputError, nearest
from plugin.lab.deeds import arp, floods, hidden, probes
from plugin.lab.plan import Plan
from plugin.lab.profiles import serves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from plugin.lab.topology import Host, Topology

__all__ = ["KINDS", "Kind", "Plan", "plan", "run"]

FARM_MACHINES = 40
OUTER_PREFIX = 24
"""Length of the prefix of what is swept behind a router."""
EVERYBODY = "255.255.255.255"
TICK, WAIT_MAX = 0.01, 0.5
"""Seconds between looks at the clock: of what is fast at most, of what is slow at most."""
Place = Literal["host", "outside", "network", "outer network", "everybody"]


class Kind(NamedTuple):
    """One way to be bad."""

    rate: float
    act: Callable[[Plan], Iterator[None]]
    """Does one step at each ``next``."""
    prefers: str | None = None
    """Service of the host that it is turned against, if the caller names none."""
    at: Place = "host"
    """What of the victim it goes to: his address; one that he stands for outside, if he does; his
    and everybody's network, or the one outside; or all who hear it."""
    machines: int = 0
    """Of a farm: it takes so many to do it to."""


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
        targets=tuple(str(one.ip) for one in victim.addresses),
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
        # Until the next step, and no later: a beacon is to be as regular as the machine lets it.
        until = began + done / what.rate - time.monotonic()
        time.sleep(min(max(until, min(1 / what.rate, TICK)), WAIT_MAX))


KINDS: Mapping[str, Kind] = {
    "scan": Kind(200, probes.scan),
    "sweep": Kind(60, probes.sweep, at="network"),
    "ping-sweep": Kind(20, probes.ping_sweep, at="outer network"),
    "brute": Kind(8, probes.brute, "imap"),
    "fan-out": Kind(4, probes.fan_out, "winrm", machines=FARM_MACHINES),
    "beacon": Kind(0.2, hidden.beacon, "home", at="outside"),
    "dns-tunnel": Kind(20, hidden.dns_tunnel, "dns"),
    "icmp-tunnel": Kind(50, hidden.icmp_tunnel, at="outside"),
    "exfiltrate": Kind(3, hidden.exfiltrate, "home", at="outside"),
    "flood": Kind(4000, floods.udp_flood),
    "syn-flood": Kind(300, floods.syn_flood),
    "icmp-flood": Kind(300, floods.icmp_flood),
    "dhcp-flood": Kind(50, floods.dhcp_flood, at="everybody"),
    "amplify": Kind(100, floods.amplify, at="outside"),
    "arp-spoof": Kind(2, arp.spoof),
    "conflict": Kind(2, arp.conflict),
}
_OUTWARD = frozenset({"outside", "outer network"})


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
    if KINDS[kind].at in _OUTWARD:  # where there is an outside
        inside = [p for p in fitting if p.ip == me.gateway] or inside
    chance = random.Random(f"{topology.seed}/{me.name}/{kind}")  # noqa: S311 - no secret
    return chance.choice(inside or fitting)


def _target(kind: str, me: Host, victim: Host) -> str:
    """What a victim is called: see `Kind.at`."""
    network = me.addresses[0].network
    outside = [one.ip for one in victim.addresses if one.ip not in network]
    at = KINDS[kind].at
    if at == "everybody":
        return EVERYBODY
    if at == "outer network" and outside:
        return str(ipaddress.ip_network((outside[0], OUTER_PREFIX), strict=False))
    if at in {"network", "outer network"}:
        return str(network)
    return str(outside[0]) if at == "outside" and outside else str(victim.ip)


def _host(topology: Topology, name: str) -> Host:
    try:
        return topology.host(name)
    except KeyError:
        known = nearest(name, {host.name for host in topology.hosts})
        raise InputError(f"no such host{known}", where=name) from None

"""Networks in which devices are isolated, and what should become of each of their frames.

:class:`Model` says it in words of its own, from the operator's ACLs, from where the mirror stands
and from the isolations that are in force: not from any rule of the hook.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.stations import ALL, UDP6_PORTS, UDP_PORTS, Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plugin.actions import Isolation, Service
    from plugin.faucet.hook import Mode
    from plugin.lab import Topology
    from tests.stations import Device

COPIES = 2
"""Frames of each kind."""
SIX = ("plain6", "dns6", "nd-ask", "nd-answer", "ll-answer")
SIX_BACK = ("plain6", "dns6-answer", "nd-ask", "nd-answer", "ll-ask", "dhcp6-answer")
COLLECTOR, REMEDY = "col", "remedy"
DENIED_DNS = "desk"
"""The operator's ACLs deny DNS to this device, and what is ``at-port`` or ``at-vlan``."""
ACLS = """
acls:
  at_port:
    - rule: {dl_type: 0x800, nw_proto: 17, udp_dst: 5007, actions: {allow: 0}}
    - rule: {dl_type: 0x800, nw_proto: 17, ipv4_dst: 192.0.2.2/32, udp_dst: 53, actions: {allow: 0}}
    - rule: {actions: {allow: 1}}
  at_vlan:
    - rule: {dl_type: 0x800, nw_proto: 17, udp_dst: 5009, actions: {allow: 0}}
    - rule: {dl_type: 0x800, nw_proto: 17, ipv4_dst: 192.0.2.2/32, udp_dst: 53, actions: {allow: 0}}
    - rule: {actions: {allow: 1}}
"""
HOSTS = """
gateway: 10.0.0.6
hosts:
  victim: {address: 10.0.0.1/24}
  desk: {address: 10.0.0.2/24}
  m1: {address: 10.0.0.3/24}
  m2: {address: 10.0.0.4/24}
  server: {address: 10.0.0.5/24}
  outside: {vlan: office, address: 10.0.0.6/24}
  remedy: {address: 10.0.0.7/24}
  spare: {address: 10.0.0.8/24}
  col:
"""
ONE_SWITCH = """
name: isolating
vlans:
  office: {vid: 100VLAN}
  apart: {vid: 666}
switches:
  sw1:
    dp_id: 1
    ports:
      1: {host: victim, vlan: officePORT}
      2: {host: desk, vlan: office}
      3: {hosts: [m1, m2], vlan: officePORT}
      4: {host: server, vlan: office}
      5: {host: outside, tagged: [office, apart]}
      7: {host: remedy, vlan: apart}
      8: {host: spare, vlan: office}
      9: {host: col, collector: true}
"""
TWO_SWITCHES = """
name: isolating-two
vlans:
  office: {vid: 100VLAN}
  apart: {vid: 666}
switches:
  sw1:
    dp_id: 1
    ports:
      2: {host: desk, vlan: office}
      4: {host: server, vlan: office}
      5: {host: outside, tagged: [office, apart]}
      8: {host: spare, vlan: office}
      9: {host: col, collector: true}
      10: {link: sw2/10, tagged: [office, apart]}
  sw2:
    dp_id: 2
    ports:
      1: {host: victim, vlan: officePORT}
      3: {hosts: [m1, m2], vlan: office}
      7: {host: remedy, vlan: apart}
      10: {link: sw1/10, tagged: [office, apart]}
"""


def network(switches: str = ONE_SWITCH, *, port: bool = False, vlan: bool = False) -> str:
    """Give the text of a topology.

    Args:
        switches: what stands where.
        port: the operator has an ACL at the ports of the victim and, on one switch, of m1 and m2.
        vlan: he has one at the VLAN of all.
    """
    text = switches.replace("PORT", ", acls_in: [at_port]" if port else "")
    return text.replace("VLAN", ", acls_in: [at_vlan]" if vlan else "") + HOSTS + ACLS


class Spot(NamedTuple):
    """A port of a switch."""

    dp: str
    port: int


class Fate(NamedTuple):
    """What becomes of a frame."""

    at: frozenset[str]
    """The hosts where it arrives, once each."""
    copies: int
    """How often it arrives at the collector."""
    maybe: frozenset[str] = frozenset()
    """Hosts where it may arrive: a switch on the way may know that the receiver is elsewhere."""


@dataclass(kw_only=True)
class Model:
    """What should become of frames."""

    topology: Topology
    devices: Mapping[str, Device]
    home: dict[str, str]
    """The host at whose port each device speaks now."""
    mode: Mode = "none"
    """Where everything is mirrored."""
    left_out: frozenset[Service] = frozenset()
    """Services that the operator's ACLs do not permit, so that no quarantine has them."""
    without_udp: frozenset[Service] = frozenset()
    """DNS servers that the operator's ACLs permit over TCP alone."""
    isolated: dict[str, Isolation] = field(default_factory=dict)
    """By device."""
    watched: frozenset[str] = frozenset()
    """Devices that are watched by themselves: none at a port that ends in an operator's ACL."""
    _spots: dict[str, Spot] = field(init=False)

    def __post_init__(self) -> None:
        """Look up where hosts are, and where the operator denies what."""
        places = list(self.topology.places())
        self._spots = {h.name: Spot(s.name, p.number) for s, p, h in places}
        self._vlans = {h.name: h.vlan or p.vlan for _, p, h in places}
        self._at_port = {self._spots[h.name] for _, p, h in places if p.acls_in}
        ports = Counter(self._spots.values())
        self._shared = {host for host, spot in self._spots.items() if ports[spot] > 1}
        """Hosts that share a port: an unmanaged switch passes frames on between them."""
        self._behind = {h.name for _, p, h in places if p.behind_edge}
        self._uplinks = {self._spots[h.name] for _, p, h in places if p.tagged}
        """Hosts behind an unmanaged switch, whichever."""
        self._at_vlan = {vlan.name for vlan in self.topology.vlans if vlan.acls_in}
        self._collects = self._spots[COLLECTOR].dp

    def spot(self, device: str) -> Spot:
        """Give the port at which a device speaks."""
        return self._spots[self.home[device]]

    def keeps_link(self, host: str) -> bool:
        """Tell whether the port of a host stays up without it: an unmanaged switch is between."""
        return host in self._behind

    def is_watchable(self, device: str) -> bool:
        """Tell whether a device is watched: at a switch with a collector, by no operator's ACL.

        A watch would let pass what that denies.
        """
        spot = self.spot(device)
        return spot.dp == self._collects and spot not in self._at_port

    def is_redirected(self, device: str) -> bool:
        """Tell whether a device is sent to the remediation port: nobody is whose frames are tagged.

        That goes by where it was when the rules were written.
        """
        one = self.isolated.get(device)
        if one is None or not one.action.redirect or one.place is None:
            return False
        return Spot(one.place.dp, one.place.port) not in self._uplinks

    def vlan(self, host: str) -> str | None:
        """Name the VLAN in which a host is."""
        for one in self.isolated.values():
            there = one.place is not None and Spot(one.place.dp, one.place.port)
            if one.action.kind == "revlan" and there == self._spots[host]:
                return one.action.vlan
        return self._vlans[host]

    def is_certain(self, frame: Frame) -> bool:
        """Tell whether a frame's way can be known, where an unmanaged switch has its say.

        Who moved away from a shared port is still there for its unmanaged switch, until that hears
        otherwise; who is in another VLAN is not heard there at all.
        """
        here, there = self.home[frame.source], self.home.get(frame.to)
        if there is None:
            return True
        left = self.spot(frame.to) != self._spots[frame.to] and frame.to in self._shared
        if left and self.spot(frame.source) == self._spots[frame.to]:
            return False
        return here not in self._shared or self.vlan(here) == self.vlan(there)

    def fate(self, frame: Frame) -> Fate:
        """Tell what should become of a frame."""
        here = self.spot(frame.source)
        beside = {h for h, spot in self._spots.items() if spot == here} - {self.home[frame.source]}
        if frame.to == ALL:
            far = self._beyond(frame)
            return Fate(far.at | beside, far.copies)
        there = self.home[frame.to]
        if there in beside:  # the unmanaged switch passes it on by itself
            return Fate(frozenset({there}), 0)
        if there == self.home[frame.source] and there in self._behind:
            return Fate(frozenset(), 0)  # and sends nothing back
        return self._beyond(frame)

    def _beyond(self, frame: Frame) -> Fate:
        """Tell what becomes of a frame that has reached the switch."""
        source = self.isolated.get(frame.source)
        here = self.spot(frame.source)
        collected = int(here.dp == self._collects)
        ends = {
            device: self.isolated[device].action
            for device in (frame.source, frame.to)
            if device in self.isolated
        }
        actions = [one for one in ends.values() if one.kind in {"block", "quarantine"}]
        if frame.source == REMEDY and self.is_redirected(frame.to):
            return Fate(frozenset({self.home[frame.to]}), collected)
        # Who is blocked has no services. What a quarantined device sends is decided by its own
        # services, whoever is there: else it goes no further than to the remediation port.
        alone = source is not None and source.action.kind == "quarantine"
        deciding = {frame.source} if alone else ends.keys()
        served = {device for device in deciding if self._served(frame, device)}
        if actions and (not served or any(one.kind == "block" for one in actions)):
            blocked = any(one.kind == "block" for one in actions)
            redirected = self.is_redirected(frame.source) and not blocked
            return Fate(frozenset({REMEDY} if redirected else ()), collected)
        limited = source is not None and source.action.kind == "limit"
        by_rule = served or ({frame.source} if limited else set())
        first = collected and self._copied(frame, here, by_rule)
        if self._denied_at_port(frame, here):
            return Fate(frozenset(), 0)
        vlan = self.vlan(self.home[frame.source])
        if vlan in self._at_vlan and (self._is_denied_dns(frame) or frame.kind == "at-vlan"):
            return Fate(frozenset(), int(first and self.mode in {"tail", "none"}))
        at, maybe = self._receivers(frame, here, vlan)
        second = not collected and self._crosses(frame, here)
        second = second and self._copied(frame, None, by_rule)
        return Fate(at, int(first or second), maybe)

    def _receivers(
        self, frame: Frame, here: Spot, vlan: str | None
    ) -> tuple[frozenset[str], frozenset[str]]:
        members = {
            host
            for host, spot in self._spots.items()
            if self.vlan(host) == vlan and spot != here and host != COLLECTOR
        }
        if frame.to == ALL:
            return frozenset(members | self._helped(frame)), frozenset()
        there = self.home[frame.to]
        if self.spot(frame.to) == here:  # a switch sends nothing back to where it came from
            return frozenset(), frozenset()
        if there in members:
            return frozenset({there}), frozenset()
        # A device of another VLAN is unknown here, but for other switches, whichever: these may
        # have learned it when it was in this one.
        near = self.spot(frame.to).dp == here.dp
        maybe = frozenset(members & self._behind if near else members)
        return frozenset(members) - maybe, maybe

    def _crosses(self, frame: Frame, here: Spot) -> bool:
        """Tell whether a frame comes to the other switch."""
        if frame.to == ALL or self.vlan(self.home[frame.to]) != self.vlan(self.home[frame.source]):
            return True
        return self.spot(frame.to).dp != here.dp

    def _copied(
        self, frame: Frame, here: Spot | None = None, by_rule: set[str] | None = None
    ) -> bool:
        """Tell whether a frame that enters a switch with a collector is copied there.

        Where the mirror stands at the tail of the ports, ports that end in an ACL of the operator
        have none; but what a rule of ours on a device lets pass there, the rule copies.
        """
        if self.mode in {"vlan", "out"}:
            return True
        if self.mode == "none" and self.watched.isdisjoint(by_rule or {frame.source, frame.to}):
            return False
        return bool(by_rule) or here not in self._at_port

    def _helped(self, frame: Frame) -> set[str]:
        """Hosts that hear who-has of the remediation server for a device that is sent to it."""
        asked = self.isolated.get(frame.about)
        if frame.source != REMEDY or asked is None or not self.is_redirected(frame.about):
            return set()
        spot = self.spot(frame.about)
        return {host for host, other in self._spots.items() if other == spot}

    def _served(self, frame: Frame, device: str) -> bool:
        """Whether a frame belongs to a service that a quarantined device keeps."""
        peer = frame.to if device == frame.source else frame.source
        kept = [one for one in self.isolated[device].action.allow if one not in self.left_out]
        leaving = device == frame.source
        return any(
            self._dhcp(frame, leaving=leaving)
            if one.kind == "dhcp"
            else self._reached(frame, peer, one, leaving=leaving)
            for one in kept
        )

    @staticmethod
    def _dhcp(frame: Frame, *, leaving: bool) -> bool:
        """Whether a frame is of DHCP, or of how a DHCPv6 server finds its client."""
        out, back = {"dhcp", "dhcp6", "ll-answer"}, {"dhcp-answer", "dhcp6-answer", "ll-ask"}
        return frame.kind in (out if leaving else back)

    def _reached(self, frame: Frame, peer: str, one: Service, *, leaving: bool) -> bool:
        """Whether a frame is between a device and a server that it may reach, or finds that."""
        whose = next(d for d in self.devices.values() if one.address in {d.ip, d.ip6})
        six = one.address == whose.ip6
        finding = {"nd-ask", "nd-answer"} if six else {"arp", "arp-answer"}
        if frame.kind in finding:
            return (frame.about or peer) == whose.name
        if peer != whose.name:
            return False
        if one.kind == "dns":
            word = "dns" + "6" * six + "-answer" * (not leaving)
            return frame.kind == word and one not in self.without_udp
        return frame.kind in (UDP6_PORTS.keys() - {"dhcp6", "dhcp6-answer"} if six else UDP_PORTS)

    @staticmethod
    def _is_denied_dns(frame: Frame) -> bool:
        return frame.kind == "dns" and frame.to == DENIED_DNS

    def _denied_at_port(self, frame: Frame, here: Spot) -> bool:
        """Tell whether the operator's ACL at the port denies a frame: no service is among them."""
        return here in self._at_port and (self._is_denied_dns(frame) or frame.kind == "at-port")


def all_frames(devices: Iterable[str]) -> list[Frame]:
    """Give every kind of frame between all devices, some of each."""
    names = [name for name in devices if name != COLLECTOR]
    found = [Frame(name, ALL, kind) for name in names for kind in ("plain", "dhcp", "dhcp-answer")]
    for kind in ("arp", "nd-ask"):
        found += [Frame(name, ALL, kind, about) for name in names for about in ("server", "desk")]
        asked = ("victim", "m1")
        found += [Frame(name, ALL, kind, one) for name in (REMEDY, "server") for one in asked]
    found += [Frame(name, ALL, "dhcp6") for name in names]
    for source in names:
        for to in names:
            if source != to:
                found += [Frame(source, to, kind) for kind in ("plain", "at-port", "at-vlan")]
    served = ("server", "desk", "outside")
    for name in names:
        for one in served:
            if name != one:
                found += [Frame(name, one, kind) for kind in ("dns", "arp-answer")]
                found += [Frame(name, one, kind) for kind in SIX]
                kinds = ("dns-answer", "arp-answer", "dhcp-answer", *SIX_BACK)
                found += [Frame(one, name, kind) for kind in kinds if name not in served]
    return list(dict.fromkeys(found)) * COPIES


def mistakes(
    model: Model, sent: Mapping[int, Frame], seen: Mapping[int, Mapping[str, int]]
) -> list[str]:
    """Say which frames came where they should not, did not come where they should, came twice."""
    found: Counter[str] = Counter()
    for number, frame in sent.items():
        fate = model.fate(frame)
        arrived = dict(seen[number])
        copies = arrived.pop(COLLECTOR, 0)
        wanted = dict.fromkeys(fate.at, 1) | {h: 1 for h in fate.maybe if h in arrived}
        if arrived != wanted:
            found[f"{frame}: arrives at {arrived}, and should at {sorted(wanted)}"] += 1
        if copies != fate.copies:
            found[f"{frame}: {copies} copies, and should be {fate.copies}"] += 1
    return [f"{count} of {line}" for line, count in found.items()]

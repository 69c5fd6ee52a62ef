"""What we put into Faucet's configuration: names, rules, and the one file that only we write. Pure.

Faucet lays all ACLs of a port out as one table in which the first match ends the search. So the
hook has no catch-all: its rules match single devices, and all else falls through to what comes
after it, the operator's ACLs or our tail. The order of rules inside the hook is that of
:class:`Stages`. docs/faucet.md tells what was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from plugin.faucet.tree import flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOOK, TAIL, REMED, VLAN, OUT = "halia_hook", "halia_tail", "halia_remed", "halia_vlan", "halia_out"
PORT = "halia_port"
"""Used by no port: it marks the file's port mirrors as ours, whoever writes the file anew."""
QUARANTINE = "halia_quarantine"
QUARANTINE_VID = 666
INCLUDE = "halia_isolation.yaml"
HEAD = (
    "# Written by Halia. Do not edit: it is written anew, and changes are lost.",
    "# To end every isolation: halia release --all, with the daemon or without it.",
)
"""Of our include file."""
OURS = re.compile(r"halia_(hook|tail|remed|vlan|out|port)(_.+)?")
"""ACLs of these names are ours to write and to remove."""
PRIMING_MAC = "02:00:5e:00:00:fe"
"""A locally administered address that no device has: Faucet refuses an ACL without rules."""
COOKIE_MAX = 0xFFFF

Mode = Literal["vlan", "tail", "out", "port", "none"]
"""Where everything is mirrored: VLAN hook, tail of the port's ACLs, VLAN's egress, Faucet's own
port mirror (each frame between two of its ports twice), nowhere."""
Port = str | int
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator decides."""

    collector: Port | None = None
    """The port that copies go to, by name or number; None: each datapath's only output_only one."""
    mode: Mode | None = None
    """Where all is mirrored; None: as the operator's own ACLs allow."""
    quarantine_vid: int | None = None
    """VLAN for quarantined ports: None declares 666, 0 none; an existing one is used."""
    remediation: str | None = None
    """``DP:PORT`` of the remediation server, where redirected devices are sent."""
    ignored_vlans: frozenset[int] = frozenset()
    """Numbers of VLANs that are not mirrored, where the mode mirrors VLAN by VLAN."""
    include: str = INCLUDE

    @property
    def quarantine(self) -> int:
        """The quarantine VLAN's number; 0 is none."""
        return QUARANTINE_VID if self.quarantine_vid is None else self.quarantine_vid


class Target(NamedTuple):
    """One datapath as the hook sees it."""

    dp: str
    collector: Port | None
    """The port that copies go to; None: this datapath has none."""
    suffix: str = ""
    """What its ACLs' names end in, where datapaths need ACLs of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is installed: decided once, and written into the root file."""

    mode: Mode
    targets: tuple[Target, ...]
    include: str = INCLUDE
    wide_priming: bool = False
    """Prime every match field: table-feature hardware restarts cold at a new one."""
    ignored_vlans: frozenset[int] = frozenset()
    """VLANs without the hook that mirrors."""

    def distinct(self) -> Iterable[Target]:
        """Give one datapath for each set of ACLs: those with a common collector share one."""
        return {one.suffix: one for one in self.targets}.values()


class HookRule(NamedTuple):
    """One rule of the hook: it matches one device, and may be copied to the collector."""

    match: tuple[tuple[str, str | int], ...]
    allow: bool
    mirror: bool
    cookie: int
    """Arrives as the flow's cookie, 1 to 65535: how our flows are told from everyone's."""
    more: tuple[tuple[str, Any], ...] = ()
    """Further actions: ``meter``, ``output``."""
    about: str = ""
    """A word for who reads the file; it changes nothing at the switch."""

    def render(self, collector: Port | None) -> Rule:
        """Give the rule as Faucet takes it."""
        assert 0 < self.cookie <= COOKIE_MAX
        assert any(field in {"dl_src", "dl_dst"} for field, _ in self.match), "a catch-all"
        actions: Rule = {"allow": int(self.allow), **dict(self.more)}
        if self.mirror and collector is not None:
            actions["mirror"] = collector
        said = {"description": self.about} if self.about else {}
        return {"rule": {**dict(self.match), **said, "cookie": self.cookie, "actions": actions}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The hook's rules by stage, in the order in which they are tried.

    Isolation outranks watching. Who is blocked may not speak by what lets others through; who is
    quarantined keeps its services, so these come before what drops all else of it. What it sends is
    decided before what anybody receives: else it would reach another one by the address of a server
    that that one may hear.
    """

    blocks: tuple[HookRule, ...] = ()
    services: tuple[HookRule, ...] = ()
    drops: tuple[HookRule, ...] = ()
    redirects: tuple[HookRule, ...] = ()
    limits: tuple[HookRule, ...] = ()
    watches: tuple[HookRule, ...] = ()
    """In the tail, which only ports without an ACL of the operator have: see :func:`watch`."""
    everything: bool = False
    """The tail copies all that it takes, so no device needs a watch of its own."""
    remediation: tuple[HookRule, ...] = ()
    """Rules at the remediation port (``halia_remed``), tried there before the hook."""
    meters: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def hook(self) -> Iterable[HookRule]:
        """Give the hook's rules in order."""
        quarantines = (*self.services, *self.drops, *self.redirects)
        sent = [rule for rule in quarantines if _is_of_sender(rule)]
        received = [rule for rule in quarantines if not _is_of_sender(rule)]
        return (*self.blocks, *sent, *received, *self.limits)


def _is_of_sender(rule: HookRule) -> bool:
    return any(field == "dl_src" for field, _ in rule.match)


NOTHING = Stages()


def watch(mac: str, cookie: int) -> tuple[HookRule, ...]:
    """Copy all unicast of one device and what it sends: rules of the tail.

    They permit the frames themselves, so behind them no other ACL of the port is asked. In the
    hook they would switch off the operator's ACL for these frames, at every port that has one; the
    tail stands at no such port.
    """
    ends = ("dl_src", "dl_dst")
    return tuple(
        HookRule(match=((end, mac),), allow=True, mirror=True, cookie=cookie) for end in ends
    )


def chain(layout: Layout, dp: str, operator: tuple[Port, ...], *, remediation: bool) -> list[Port]:
    """Give the whole ``acls_in`` of a port: the hook first, the operator's last, else our tail."""
    suffix = target(layout, dp).suffix
    ours = [f"{REMED}{suffix}"] if remediation else []
    return [*ours, f"{HOOK}{suffix}", *(operator or (f"{TAIL}{suffix}",))]


def target(layout: Layout, dp: str) -> Target:
    """Find the datapath's part of the layout."""
    return next(t for t in layout.targets if t.dp == dp)


def vlan_acl(layout: Layout) -> tuple[str, str] | None:
    """Give key and name of the ACL that mirrors at the VLANs, if that is the mode."""
    return {"vlan": ("acls_in", VLAN), "out": ("acls_out", OUT)}.get(layout.mode)


def root_acls(layout: Layout, *, remediation: bool) -> dict[str, list[Rule]]:
    """Give the ACLs that stand in the root file, so that it is whole without our include."""
    found: dict[str, list[Rule]] = {}
    for one in layout.distinct():
        copied = layout.mode == "tail"
        found[f"{HOOK}{one.suffix}"] = _priming(layout, one)
        found[f"{TAIL}{one.suffix}"] = [_everything(one.collector if copied else None)]
        if remediation:
            found[f"{REMED}{one.suffix}"] = _priming(layout, one)
    at_vlans = vlan_acl(layout)
    if at_vlans is not None:
        found[at_vlans[1]] = [_everything(layout.targets[0].collector)]
    if layout.mode == "port":
        found[PORT] = _priming(layout, layout.targets[0])[:1]
    return found


def render(layout: Layout, stages: Stages = NOTHING, *, remediation: bool = False) -> str:
    """Write our include file: the same input gives the same bytes.

    It redefines the hook of the root file, the tail if there is something to watch, and nothing
    that Faucet would ignore at a reload. It is never empty and its top level is always a mapping: a
    list there kills Faucet.
    """
    lines = [*HEAD, "acls:"]
    for one in layout.distinct():
        lines += _acl(f"{HOOK}{one.suffix}", _priming(layout, one), stages.hook(), one)
        if stages.watches or stages.everything:
            copied = stages.everything or layout.mode == "tail"
            last = _everything(one.collector if copied else None)
            lines += _acl(f"{TAIL}{one.suffix}", [], stages.watches, one, last)
        if remediation:
            lines += _acl(f"{REMED}{one.suffix}", _priming(layout, one), stages.remediation, one)
    if stages.meters:
        lines.append("meters:")
        lines += [f"  {flow(name)}: {flow(dict(meter))}" for name, meter in stages.meters]
    return "\n".join(lines) + "\n"


def _acl(
    name: str, first: list[Rule], rules: Iterable[HookRule], one: Target, *last: Rule
) -> list[str]:
    rendered = [*first, *(rule.render(one.collector) for rule in rules), *last]
    return [f"  {flow(name)}:", *(f"    - {flow(rule)}" for rule in rendered)]


def _everything(collector: Port | None) -> Rule:
    mirror = {} if collector is None else {"mirror": collector}
    return {"rule": {"actions": {"allow": 1, **mirror}}}


def _priming(layout: Layout, one: Target) -> list[Rule]:
    """Give the rules that match nobody; with ``wide_priming`` one for each field we may use."""
    mirror = {} if one.collector is None else {"mirror": one.collector}
    first: Rule = {"rule": {"dl_src": PRIMING_MAC, "actions": {"allow": 0}}}
    if not layout.wide_priming:
        return [first]
    ipv4, arp, udp = 0x800, 0x806, 17
    matches: tuple[Rule, ...] = (
        {"dl_dst": PRIMING_MAC},
        {"dl_src": PRIMING_MAC, "dl_type": arp, "arp_spa": "192.0.2.1"},
        {"dl_src": PRIMING_MAC, "dl_type": arp, "arp_tpa": "192.0.2.1"},
        {"dl_src": PRIMING_MAC, "dl_type": ipv4, "ipv4_src": "192.0.2.1/32"},
        {"dl_src": PRIMING_MAC, "dl_type": ipv4, "ipv4_dst": "192.0.2.1/32"},
        {"dl_src": PRIMING_MAC, "dl_type": ipv4, "nw_proto": udp, "udp_src": 68, "udp_dst": 67},
    )
    return [first, *({"rule": {**m, "actions": {"allow": 0, **mirror}}} for m in matches)]

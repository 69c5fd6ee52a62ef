"""What an isolation stands on: Faucet's files as the rules have to deal with them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.faucet import hook
from plugin.faucet.coverage import hook_of, rules_of
from plugin.faucet.document import Interface, Situation, read_situation, vid_of
from plugin.faucet.moves import natives
from plugin.faucet.removal import is_ours
from plugin.faucet.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from plugin.faucet.document import Kind
    from plugin.faucet.install import Journal

PortKey = tuple[str, int]
"""Name of the datapath, number of the port."""


class OperatorAcl(NamedTuple):
    """One ACL of the operator at a port."""

    name: str
    rules: tuple[Mapping[Any, Any], ...] | None
    """In the order in which they are tried; None: it is not known what they are."""


class Vlan(NamedTuple):
    """A VLAN that the root file declares."""

    key: str | int
    """As a port names it."""
    vid: int
    reserved: bool = False
    """Faucet's own, for no device."""


class GroundPort(NamedTuple):
    """One port of one datapath."""

    dp: str
    number: int
    label: str
    """For people: ``sw1 port 3 (printer)``."""
    kind: Kind
    hooked: bool
    remediation: bool
    """Redirected devices are sent here: its chain begins with our remediation ACL."""
    acls: tuple[OperatorAcl, ...]
    """The operator's ACLs behind the hook."""
    native: str | int | None
    """Its native VLAN as the operator has it, also while a device was moved to another one."""
    native_vid: int | None
    tagged: tuple[str | int, ...]
    movable: bool
    """Its native VLAN stands in an entry of its own, so that it can be changed for it alone."""
    moved: str | int | None = None
    """The VLAN that it was moved to, while that stands in the file."""
    dot1x: bool = False
    """Who logs in there may be given a VLAN that no file has."""

    @property
    def key(self) -> PortKey:
        """Its datapath and number."""
        return (self.dp, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All that rules on devices depend on."""

    layout: hook.Layout | None
    """None: nothing is installed."""
    installed: bool
    """Faucet is told of our include, and a port is hooked: rules take effect."""
    ports: Mapping[PortKey, GroundPort]
    vlans: tuple[Vlan, ...]
    dp_ids: Mapping[str, int]
    """By name of the datapath."""
    remediation: Mapping[str, GroundPort]
    """By datapath: where redirected devices are sent."""
    collectors: Mapping[str, int]
    """By datapath: number of the port that copies go to."""

    def hooked(self) -> Iterator[GroundPort]:
        """Give the hooked ports, in order."""
        return (self.ports[key] for key in sorted(self.ports) if self.ports[key].hooked)

    def vlan(self, name: str | int | None) -> Vlan | None:
        """Find a declared VLAN by its key or its number, as a port may name it."""
        for vlan in self.vlans:
            if name is not None and str(vlan.key) == str(name):
                return vlan
        return next((v for v in self.vlans if str(v.vid) == str(name)), None)


def ground(text: str, included: Mapping[str, str], journal: Journal | None) -> Ground:
    """Read what there is.

    Args:
        text: the root faucet.yaml.
        included: texts of the operator's include files by path, in Faucet's order.
        journal: of the installation; None: there is none.

    Raises:
        UnreadableError: a file is no configuration.
    """
    tree = Tree(text)
    others = {path: Tree(content).plain for path, content in included.items()}
    situation = read_situation(tree, others)
    layout = None if journal is None else journal.layout
    before = natives(tree, None if journal is None else journal.revlans)
    ports = {p.key: p for p in _ports(situation, before)}
    named = tree.plain.get("include-optional")
    listed = layout is not None and isinstance(named, list) and layout.include in named
    return Ground(
        layout=layout,
        installed=listed and any(p.hooked for p in ports.values()),
        ports=ports,
        vlans=tuple(_vlans(situation)),
        dp_ids={
            str(name): conf["dp_id"]
            for name, conf in situation.dps.items()
            if isinstance(conf.get("dp_id"), int)
        },
        remediation={p.dp: p for p in ports.values() if p.remediation},
        collectors=dict(_collectors(situation, layout)),
    )


def _vlans(situation: Situation) -> Iterator[Vlan]:
    for key, conf in situation.vlans.items():
        vid = vid_of(key, conf)
        if vid is not None:
            yield Vlan(key, vid, bool(conf.get("reserved_internal_vlan")))


def _collectors(situation: Situation, layout: hook.Layout | None) -> Iterator[PortKey]:
    for target in () if layout is None else layout.targets:
        for one in situation.interfaces:
            known = target.collector is not None and one.is_port(target.collector)
            if known and one.dp == target.dp and one.numbers:
                yield one.dp, one.numbers[0]


def _ports(
    situation: Situation, before: Mapping[tuple[str | int, ...], str | int]
) -> Iterator[GroundPort]:
    # An entry of its own says more than a range, and comes after it.
    for one in sorted(situation.interfaces, key=lambda i: i.section == "interfaces"):
        for number in one.numbers:
            yield _port(one, number, situation, before.get(one.path))


def _port(
    one: Interface, number: int, situation: Situation, before: str | int | None
) -> GroundPort:
    hooked = one.kind == "edge" and hook_of(one.chain) is not None
    now = one.conf.get("native_vlan")
    native = now if before is None else before
    label = one.label if one.section == "interfaces" else f"{one.dp} port {number}"
    tagged = one.conf.get("tagged_vlans")
    return GroundPort(
        dp=one.dp,
        number=number,
        label=label,
        kind=one.kind,
        hooked=hooked,
        remediation=hooked and any(str(a).startswith(hook.REMED) for a in one.chain if is_ours(a)),
        acls=tuple(_acls(one.chain, situation)),
        native=native,
        native_vid=_vid(situation, native),
        tagged=tuple(tagged) if isinstance(tagged, list) else (),
        movable=one.section == "interfaces" and "native_vlan" in one.own,
        moved=None if before is None else now,
        dot1x=bool(one.conf.get("dot1x")),
    )


def _acls(chain: Sequence[str | int], situation: Situation) -> Iterable[OperatorAcl]:
    for name in chain:
        if is_ours(name):
            continue
        acl = situation.acls.get(name)
        rules = rules_of(acl)
        written = acl.get("rules", []) if isinstance(acl, dict) else acl
        # A rule that is no mapping is one that we do not understand.
        known = isinstance(written, list) and len(rules) == len(written)
        yield OperatorAcl(str(name), tuple(rules) if known and rules else None)


def _vid(situation: Situation, name: str | int | None) -> int | None:
    """Give a VLAN's number from how a port names it: its key, or a number declared or not."""
    if name is None:
        return None
    if name in situation.vlans:
        return vid_of(name, situation.vlans[name])
    return name if isinstance(name, int) else None

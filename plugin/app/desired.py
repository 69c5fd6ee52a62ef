"""What must stand in Faucet's files, from what is wanted and what is installed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from plugin.app.moving import moved_devices, moves_ports, plan_moves
from plugin.faucet.coverage import rules_of
from plugin.faucet.hook import OURS, OUT, PRIMING_MAC, TAIL, VLAN, render
from plugin.faucet.isolate import lay, merged, read
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from plugin.actions import Isolation, Place
    from plugin.app.looking import Looked
    from plugin.app.moving import Moved
    from plugin.faucet.hook import HookRule, Stages
    from plugin.faucet.reach import Spot

_HEAD = "# Written by Halia."


class Wish(NamedTuple):
    """What the engine wants."""

    isolations: tuple[Isolation, ...]
    watched: frozenset[str]
    """MACs of devices whose traffic must be mirrored, isolated or not."""
    leaving: frozenset[int] = frozenset()
    """Cookies whose absence is to be reported, though they may never have been wanted here."""


Rules = tuple[tuple["HookRule", ...], "Place | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What must stand."""

    text: str
    """Our include, whole."""
    moved: Moved
    """The root file, and its journal."""
    isolations: Mapping[int, Isolation] = field(default_factory=dict)
    """By cookie: those that the files isolate; a refused one is not among them."""
    refused: Mapping[int, str] = field(default_factory=dict)
    left_out: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    rules: Mapping[int, Rules] = field(default_factory=dict)
    """By cookie: what a proof of it is a proof of."""
    spots: tuple[Spot, ...] = ()
    """Where the devices are by which it was laid."""


def desired(
    looked: Looked,
    isolations: tuple[Isolation, ...],
    mirrored: Stages,
    spots: Sequence[Spot] = (),
) -> Desired:
    """Say what must stand.

    Args:
        looked: Faucet's files, with our installation.
        isolations: What is wanted.
        mirrored: What the mirror needs in our include.
        spots: Where devices are.
    """
    assert looked.layout is not None
    laid = lay(isolations, looked.ground, spots)
    moved = plan_moves(looked, laid.revlans)
    refused = {**laid.refused, **moved.refused}
    stand = {one.cookie: one for one in isolations if one.cookie not in refused}
    rules: dict[int, list[HookRule]] = {cookie: [] for cookie in stand}
    for rule in (*laid.stages.hook(), *laid.stages.remediation):
        rules[rule.cookie].append(rule)
    stages = merged(mirrored, laid.stages)
    return Desired(
        text=render(looked.layout, stages, remediation=looked.remediation),
        moved=moved,
        isolations=stand,
        refused=refused,
        left_out=laid.left_out,
        rules={cookie: (tuple(found), stand[cookie].place) for cookie, found in rules.items()},
        spots=tuple(spots),
    )


def that_matter(isolations: Iterable[Isolation], spots: Iterable[Spot]) -> tuple[Spot, ...]:
    """Give the places of devices on which the rules depend.

    Where a port is moved it counts who else is there; of a quarantine, where its servers are.
    """
    wanted = tuple(isolations)
    moves = moves_ports(wanted)
    servers = {service.address for one in wanted for service in one.action.allow}
    return tuple(
        spot._replace(suspect=False)
        for spot in spots
        if moves or not servers.isdisjoint(spot.addresses)
    )


def standing(looked: Looked) -> tuple[Isolation, ...]:
    """Give the isolations that stand in Faucet's files, in order of MAC.

    A text that is no YAML isolates nobody: Faucet skips such a file.
    """
    try:
        found = read(looked.ours) if looked.ours is not None else ()
    except UnreadableError:
        found = ()
    return tuple(sorted((*found, *moved_devices(looked)), key=lambda one: (one.mac, one.cookie)))


def strangers(looked: Looked, wish: Wish | None) -> tuple[Isolation, ...]:
    """Give those that stand and that nobody asked for."""
    wanted = {(one.cookie, one.mac) for one in wish.isolations} if wish is not None else set()
    return tuple(one for one in standing(looked) if (one.cookie, one.mac) not in wanted)


def is_form(text: str, *, headed: bool = True) -> bool:
    """Tell whether a text has the form of our include: then it may be written over.

    A piece of one has it too: what was cut short was ours. Without comments, and so without our
    head, it is told by its names.
    """
    if not text.strip():
        return True
    if headed and not text.startswith(_HEAD):
        return False
    try:
        plain = Tree(text).plain
    except UnreadableError:
        return headed
    acls = plain.get("acls") or {}
    if plain.keys() - {"acls", "meters"} or not isinstance(acls, dict):
        return False
    return all(OURS.fullmatch(str(name)) and _is_written(name, acl) for name, acl in acls.items())


def _is_written(name: object, acl: object) -> bool:
    """Tell whether an ACL has rules of our kinds only: with a cookie, of the priming, a tail's."""
    rules = rules_of(acl)
    if not isinstance(acl, list) or len(rules) < len(acl):
        return False
    ends_open = str(name).startswith((TAIL, VLAN, OUT))
    return all(
        "cookie" in rule
        or PRIMING_MAC in (rule.get("dl_src"), rule.get("dl_dst"))
        or (ends_open and set(rule) == {"actions"})
        for rule in rules
    )

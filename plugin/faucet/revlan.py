"""Moving a whole port to another VLAN, the one thing that also keeps floods from a device. Pure.

It is an edit of the root file: ``native_vlan`` of one port that has an entry of its own. Everything
that is plugged in there moves along. :mod:`plugin.faucet.moves` is how it is undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import Action, Isolation
from plugin.faucet.document import read_situation
from plugin.faucet.install import Refusal, diff
from plugin.faucet.moves import Move, RevlanRecord, moved, standing, undone
from plugin.faucet.notes import KINDS
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plugin.faucet.ground import Ground, GroundPort, Vlan
    from plugin.faucet.reach import Spot


class Revlan(NamedTuple):
    """A port that is to be in another VLAN."""

    dp: str
    port: int
    vlan: str | int
    """Its key in the root file's ``vlans``."""
    holders: tuple[tuple[int, str], ...]
    """Cookie and MAC of the isolations that want it, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevlanPlan:
    """What would be done to the root file. ``new_text`` equals ``text`` if nothing is to be."""

    text: str
    new_text: str
    record: RevlanRecord | None
    """How to undo it: goes into the journal (``revlans``) before the file is written."""
    notes: tuple[str, ...] = ()

    @property
    def diff(self) -> str:
        """The change as a unified diff, empty if there is none."""
        return diff(self.text, self.new_text)


def revlans(
    isolations: Sequence[Isolation], ground: Ground, spots: Iterable[Spot] = ()
) -> tuple[tuple[Revlan, ...], dict[int, str]]:
    """Say which ports are to be moved.

    Args:
        isolations: those whose action is ``revlan``, sorted by MAC.
        ground: what the operator's files say.
        spots: where devices are. Who comes to a port that was moved does not move it back.

    Returns:
        The ports, in order; by cookie, why others are not.
    """
    refused: dict[int, str] = {}
    alone = {one.mac for one in isolations}
    shared = {s.place: s.mac for s in sorted(spots, reverse=True) if s.mac not in alone}
    wanted: dict[tuple[str, int], list[tuple[Isolation, Vlan]]] = {}
    for one in isolations:
        port = None if one.place is None else ground.ports.get((one.place.dp, one.place.port))
        vlan = ground.vlan(one.action.vlan)
        why = _why_not(one, port, vlan, ground)
        if not why and port is not None and port.moved is None and port.key in shared:
            why = f"{shared[port.key]} is at {port.label} too, and would be moved with it"
        if why or port is None or vlan is None:
            refused[one.cookie] = why
        else:
            wanted.setdefault(port.key, []).append((one, vlan))
    found = []
    for key in sorted(wanted):
        vlan = _settled(wanted[key], ground.ports[key])
        agreed = [one for one, other in wanted[key] if other == vlan]
        for one, other in wanted[key]:
            if other != vlan:
                refused[one.cookie] = (
                    f"{ground.ports[key].label} is to be in different VLANs for different devices"
                )
        if vlan is not None:
            holders = tuple((one.cookie, one.mac) for one in agreed)
            found.append(Revlan(*key, vlan.key, holders))
    return tuple(found), refused


def _settled(wanted: Sequence[tuple[Isolation, Vlan]], port: GroundPort) -> Vlan | None:
    """Give the VLAN that all agree on, else that in which the port is for one of them already."""
    vlans = {vlan for _, vlan in wanted}
    if len(vlans) == 1:
        return vlans.pop()
    return next((v for v in sorted(vlans, key=str) if v.key == port.moved), None)


def _why_not(one: Isolation, port: GroundPort | None, vlan: Vlan | None, ground: Ground) -> str:
    if one.place is None:
        return "it is not known where it is"
    if port is None:
        return f"{one.place.dp} port {one.place.port} is not in faucet.yaml"
    if vlan is None or vlan.reserved:
        return f"VLAN {one.action.vlan} is not declared in faucet.yaml"
    native = ground.vlan(port.native)
    if native is not None and native.vid == vlan.vid:
        return f"{port.label} is in VLAN {vlan.key} already"
    return why_fixed(port)


def why_fixed(port: GroundPort) -> str:
    """Tell why a port cannot be moved, to whatever VLAN."""
    if port.kind != "edge":
        return f"{port.label} is {KINDS[port.kind]}"
    if port.remediation:
        return f"{port.label} is the remediation port"
    if port.tagged or port.native is None:
        return f"{port.label} carries tagged VLANs, so it is not one device's"
    if not port.movable:
        return f"{port.label} has its VLAN from a range: give it an entry of its own"
    return ""


def plan_revlans(
    text: str, wanted: Sequence[Revlan], kept: RevlanRecord | None
) -> RevlanPlan | Refusal:
    """Plan to have these ports moved and no others.

    To the byte where nobody else has edited the file since; else only what we put there is changed.

    Args:
        text: the root faucet.yaml as it stands.
        wanted: all ports that are to be moved, as :func:`revlans` gives them.
        kept: what the journal says of the ports that are moved now.
    """
    try:
        base = undone(text, kept)
        new, record = moved(base, _moves(base, wanted))
        notes = tuple(_lost(text, kept))
        if new != text and Tree(new).plain == Tree(text).plain:
            new = text  # the same, written by another hand: leave it
    except UnreadableError as error:
        return Refusal(reasons=(str(error),))
    if new == text and _same(record, kept):
        record = kept
    return RevlanPlan(text=text, new_text=new, record=record, notes=notes)


def _same(record: RevlanRecord | None, kept: RevlanRecord | None) -> bool:
    return (() if record is None else record.moves) == (() if kept is None else kept.moves)


def _lost(text: str, kept: RevlanRecord | None) -> Iterable[str]:
    """Name the ports that somebody else has moved meanwhile."""
    if kept is not None:
        there = standing(Tree(text), kept)
        for one in kept.moves:
            if one not in there:
                yield f"{one.dp} port {one.port} is not in VLAN {one.now} any more: not by Halia"


def _moves(base: str, wanted: Iterable[Revlan]) -> Iterable[Move]:
    """Find where each port's native VLAN is written."""
    situation = read_situation(Tree(base), {})
    for one in wanted:
        for found in situation.interfaces:
            if found.dp != one.dp or found.section != "interfaces" or one.port not in found.numbers:
                continue
            if "native_vlan" not in found.own:
                raise UnreadableError(f"{found.label} has its VLAN from a range")
            was = found.own["native_vlan"]
            if was != one.vlan:
                yield Move(found.path, was, one.vlan, one.dp, one.port, one.holders)
            break
        else:
            raise UnreadableError(f"{one.dp} port {one.port} has no entry of its own")


def held(record: RevlanRecord | None) -> tuple[Isolation, ...]:
    """Give the isolations that stand in the root file, in order of MAC, as the journal has them."""
    found = [
        Isolation(cookie=cookie, mac=mac, action=Action(kind="revlan", vlan=str(move.now)))
        for move in (() if record is None else record.moves)
        for cookie, mac in move.holders
    ]
    return tuple(sorted(found, key=lambda one: (one.mac, one.cookie)))

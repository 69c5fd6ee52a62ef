"""Ports to be moved to another native VLAN: what the root file and its journal must hold. Pure.

The way back is in the journal before the root file is written, and stays there until the root file
is as it was: whenever it is cut short, what was moved can be moved back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugin.actions import Action, Isolation, Place
from plugin.faucet.edits import digest
from plugin.faucet.install import Refusal
from plugin.faucet.moves import RevlanRecord
from plugin.faucet.revlan import plan_revlans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from plugin.app.looking import Looked
    from plugin.faucet.install import Journal
    from plugin.faucet.moves import Move
    from plugin.faucet.revlan import Revlan

_UNRECORDED = "its way back is kept beside faucet.yaml, in a folder that Halia cannot write to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How the root file must become."""

    root: str
    journal: Journal | None
    """With the way back."""
    between: Journal | None
    """What the journal must hold while the root file is written: both ways back."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """By cookie: why its port is not moved."""
    notes: tuple[str, ...] = ()
    problem: str | None = None
    """Why ports cannot be moved back."""


def plan_moves(looked: Looked, wanted: Sequence[Revlan]) -> Moved:
    """Plan to have these ports moved and no others.

    A port that somebody else has put into a third VLAN since is left where it is.

    Args:
        looked: Faucet's files.
        wanted: Ports that must be moved.
    """
    text, journal = looked.place.text, looked.place.journal
    kept = None if journal is None else journal.revlans
    if journal is None or (not wanted and kept is None):
        return Moved(root=text, journal=journal, between=journal)
    if not looked.recorded:
        refused = {cookie: _UNRECORDED for one in wanted for cookie, _ in one.holders}
        problem = f"ports cannot be moved: {_UNRECORDED}" if kept is not None else None
        return Moved(root=text, journal=journal, between=journal, refused=refused, problem=problem)
    lost = {(move.dp, move.port): move for move in _lost(looked, kept) if _is_wanted(move, wanted)}
    refused = {
        cookie: f"{one.dp} port {one.port} was put into another VLAN, not by Halia: it stays there"
        for one in wanted
        if (one.dp, one.port) in lost
        for cookie, _ in one.holders
    }
    plan = plan_revlans(text, [w for w in wanted if (w.dp, w.port) not in lost], kept)
    if isinstance(plan, Refusal):
        why = "; ".join(plan.reasons)
        refused |= {cookie: why for one in wanted for cookie, _ in one.holders}
        problem = f"ports cannot be moved: {why}" if kept is not None else None
        return Moved(root=text, journal=journal, between=journal, refused=refused, problem=problem)
    record = _with(plan.record, plan.new_text, lost.values())
    if plan.new_text == text and _moves(record) == _moves(kept):
        record = kept
    between = _with(record, plan.new_text, set(_moves(kept)) - set(_moves(record)))
    return Moved(
        root=plan.new_text,
        journal=journal._replace(revlans=record),
        between=journal._replace(revlans=between),
        refused=refused,
        notes=plan.notes,
    )


def moves_ports(isolations: Iterable[Isolation]) -> bool:
    """Tell whether any of them moves its port."""
    return any(one.action.kind == "revlan" for one in isolations)


def moved_devices(looked: Looked) -> tuple[Isolation, ...]:
    """Give the isolations that stand in the root file, with their places."""
    found = []
    for move in looked.moves:
        vlan = looked.ground.vlan(move.now)
        place = Place(move.dp, move.port, vlan.vid if vlan is not None else 0)
        action = Action(kind="revlan", vlan=str(move.now))
        found += [
            Isolation(cookie=cookie, mac=mac, action=action, place=place)
            for cookie, mac in move.holders
        ]
    return tuple(found)


def _lost(looked: Looked, kept: RevlanRecord | None) -> list[Move]:
    """Give the moves that stand no more, and whose ports are not where they were before either."""
    found = []
    for move in _moves(kept):
        port = looked.ground.ports.get((move.dp, move.port))
        if move not in looked.moves and port is not None and port.native != move.was:
            found.append(move)
    return found


def _is_wanted(move: Move, wanted: Sequence[Revlan]) -> bool:
    return any(
        (w.dp, w.port, w.vlan) == (move.dp, move.port, move.now) and w.holders == move.holders
        for w in wanted
    )


def _moves(record: RevlanRecord | None) -> tuple[Move, ...]:
    return () if record is None else record.moves


def _with(record: RevlanRecord | None, text: str, more: Iterable[Move]) -> RevlanRecord | None:
    """Keep further moves in a record: those that do not stand are not undone."""
    others = tuple(sorted(more, key=lambda m: (m.dp, m.port, str(m.now))))
    if not others:
        return record
    if record is None:
        return RevlanRecord(digest(text), digest(text), (), others)
    return record._replace(moves=(*record.moves, *others))

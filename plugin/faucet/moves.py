"""Ports that were moved to another native VLAN, and the way back. Pure.

What was done is kept beside the installation's own journal. If nobody else has edited the file
since, the way back gives the same bytes; else each port that is still where we put it gets its VLAN
back, and the rest of the file stays as it has become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet.edits import Edit, SetValue, apply_edits, change, digest, inverse
from plugin.faucet.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.faucet.tree import Path

NATIVE = "native_vlan"


class Move(NamedTuple):
    """One port that was moved."""

    path: Path
    """Of the port's mapping in the root file."""
    was: str | int
    """Its native VLAN before, as it stood there."""
    now: str | int
    dp: str
    port: int
    holders: tuple[tuple[int, str], ...]
    """Cookie and MAC of the isolations that it was moved for."""


class RevlanRecord(NamedTuple):
    """What was done to the root file."""

    original: str
    """sha256 of the file before."""
    written: str
    undo: tuple[Edit, ...]
    moves: tuple[Move, ...]


def natives(tree: Tree, moves: RevlanRecord | None) -> dict[Path, str | int]:
    """Give the native VLANs from before, by path, of all ports that are still where we put them."""
    return {m.path: m.was for m in standing(tree, moves)}


def undone(text: str, moves: RevlanRecord | None) -> str:
    """Give the text with every port in the VLAN that it was in before.

    Raises:
        UnreadableError: it cannot be done without harm.
    """
    if moves is None or not moves.moves:
        return text
    if digest(text) == moves.written:
        original = apply_edits(text, moves.undo)
        if digest(original) == moves.original:
            return original
    back = [SetValue((*m.path, NATIVE), m.was) for m in standing(Tree(text), moves)]
    return change(text, back)[0] if back else text


def moved(text: str, wanted: Iterable[Move]) -> tuple[str, RevlanRecord | None]:
    """Move ports in a text in which none is moved.

    Returns:
        The new text and how to undo it; None if nothing is to be moved.

    Raises:
        UnreadableError: it cannot be done without harm, or a port is not there.
    """
    todo = tuple(wanted)
    if not todo:
        return text, None
    new, edits = change(text, [SetValue((*m.path, NATIVE), m.now) for m in todo])
    return new, RevlanRecord(digest(text), digest(new), inverse(text, edits), todo)


def standing(tree: Tree, moves: RevlanRecord | None) -> list[Move]:
    """Give the moves that stand: not what somebody else has changed since, or was never written."""
    found = []
    for one in () if moves is None else moves.moves:
        node = tree.find((*one.path, NATIVE))
        if node is not None and tree.value((*one.path, NATIVE)) == one.now:
            found.append(one)
    return found

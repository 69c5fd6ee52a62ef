"""What the journal keeps of writes of Faucet's files: what isolates somebody, or no more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plugin.actions import Isolation
    from plugin.engine.events import Written


def kept(
    changes: Iterable[Written], isolations: Iterable[Isolation], include: str
) -> Iterator[Written]:
    """Leave out what the mirror changes at its turns, for it fills the journal.

    Args:
        changes: what was written.
        isolations: those of before, and those that are wanted now.
        include: the name of our file. Whatever is changed in another moves ports to a VLAN, and
            does not name whose.
    """
    all_of_them = list(isolations)
    macs = {one.mac for one in all_of_them}
    moved = tuple(sorted({one.mac for one in all_of_them if one.action.kind == "revlan"}))
    for change in changes:
        if change.file != include:
            yield change._replace(macs=moved)
        elif about := macs.intersection(change.macs):
            yield change._replace(macs=tuple(sorted(about)))

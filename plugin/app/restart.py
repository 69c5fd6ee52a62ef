"""What an earlier run knew, and what it left undone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from plugin.audit.chain import Entry
from plugin.audit.journal import entries, segments
from plugin.capture.rotate import ident_of, mac_of
from plugin.engine import events as ev
from plugin.errors import InputError
from plugin.ml.remembered import anomaly_from, role_from
from plugin.store.database import StoreDamaged, StoreError
from plugin.store.follow import follow, renew
from plugin.store.state import StoreDiffers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from plugin.store.follow import Followed
    from plugin.store.state import LastVerdict

_SETTLED = frozenset({"verdict", "unjudged"})


class Memory(NamedTuple):
    """What was found of an earlier run."""

    restored: ev.Restored
    judged: frozenset[str]
    """Names of the captures that were asked for and need not be judged again."""
    problem: str | None
    """Why the store could not tell; the captures were looked up in the journal."""
    anew: str | None = None
    """Why the store was made anew from the journal, in a line; None if it was not."""


def remember(url: str | Path, journal: Path, captures: Iterable[str]) -> Memory:
    """Ask the store, else the journal, what an earlier run knew.

    Args:
        url: The store.
        journal: The journal's folder.
        captures: Names of the finished captures that are there.
    """
    names = list(captures)
    nothing = ev.Restored((), ())
    if not segments(journal):
        return Memory(nothing, frozenset(), None)
    try:
        followed = follow(url, journal, own=True)
        try:
            return _ask(followed, names)
        except (StoreDamaged, StoreDiffers) as error:  # only reading it has shown that
            return _ask(renew(url, journal, error), names)
    except (StoreError, InputError) as error:
        return Memory(nothing, frozenset(_in_journal(journal)), str(error))


def _ask(followed: Followed, names: list[str]) -> Memory:
    with followed.store as store:
        devices = tuple(one.device for one in store.devices())
        verdicts = tuple(_kept(store.last_verdicts().items()))
        judged = frozenset(store.judged(names))
    return Memory(ev.Restored(devices, verdicts), judged, None, followed.anew)


def left(folder: Path, captures: Iterable[str], judged: frozenset[str]) -> list[ev.CaptureFinished]:
    """The finished captures that nobody has judged."""
    return [
        ev.CaptureFinished(str(folder / name), name, mac_of(ident_of(name) or ""), 0, "left")
        for name in captures
        if name not in judged
    ]


def _kept(found: Iterable[tuple[str, LastVerdict]]) -> Iterator[ev.Kept]:
    for mac, last in found:
        told = last.decided or last.document
        yield ev.Kept(
            mac=mac,
            role=role_from(told["role"]),
            role_capture=str(told["source"]).rpartition("/")[2],
            anomaly=anomaly_from(last.document["anomaly"]),
            captures=last.captures,
            capture=last.capture,
            seen=_seconds(last.document["window"]["end"]),
        )


def _seconds(time: str | None) -> float | None:
    """A verdict's time in seconds since 1970; None where there is none that a calendar has."""
    try:
        return datetime.fromisoformat(time or "").timestamp()
    except ValueError:
        return None


def _in_journal(folder: Path) -> Iterator[str]:
    for entry in entries(folder):
        if isinstance(entry, Entry) and entry.kind in _SETTLED:
            yield str(entry.body.get("capture", ""))

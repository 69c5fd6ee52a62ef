"""What an earlier run knew, and what it left undone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.app.clock import now
from plugin.app.messages import DECISION
from plugin.audit.chain import Entry
from plugin.audit.journal import entries, segments
from plugin.capture.rotate import ident_of, mac_of
from plugin.engine import events as ev
from plugin.engine.subjects import window
from plugin.errors import InputError
from plugin.ml.remembered import anomaly_from, role_from
from plugin.ml.verdict import is_relay
from plugin.policy.remembered import from_document
from plugin.store.database import StoreDamaged, StoreError
from plugin.store.fold import matters
from plugin.store.follow import follow, renew
from plugin.store.state import StoreDiffers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from plugin.policy.cases import Case
    from plugin.store.follow import Followed
    from plugin.store.state import LastVerdict

_SETTLED = frozenset({"verdict", "unjudged"})
_SHOWN = 5
LADDER_SECONDS = 400 * 86_400.0
"""So long a ladder looks back at most: cases that were over earlier are not asked for."""


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
    if not segments(journal):
        return Memory(ev.Restored((), ()), frozenset(), None)
    first = _first(journal)
    began = None if first is None else first.time
    try:
        followed = follow(url, journal, own=True)
        try:
            return _ask(followed, names, began)
        except (StoreDamaged, StoreDiffers) as error:  # only reading it has shown that
            return _ask(renew(url, journal, error), names, began)
    except (StoreError, InputError) as error:
        return _in_journal(journal, began, str(error))


def _ask(followed: Followed, names: list[str], began: float | None) -> Memory:
    with followed.store as store:
        devices = tuple(one.device for one in store.devices())
        verdicts, unjudged = _kept(store.last_verdicts().items())
        cases, unread = _cases(store.cases(since=now() - LADDER_SECONDS))
        frozen = store.frozen()
        judged = frozenset(store.judged(names))
    restored = ev.Restored(devices, verdicts, cases, began, frozen)
    problems = [one for one in (unread, unjudged) if one is not None]
    return Memory(restored, judged, "; ".join(problems) or None, followed.anew)


def _first(journal: Path) -> Entry | None:
    """The journal's first entry: when this site first ran."""
    try:
        return next((one for one in entries(journal) if isinstance(one, Entry)), None)
    except InputError:
        return None


def _cases(documents: Iterable[Mapping[str, Any]]) -> tuple[tuple[Case, ...], str | None]:
    """Cases from their documents, and what is to be said of those that are none."""
    found, wrong = [], []
    for document in documents:
        try:
            found.append(from_document(document))
        except (KeyError, TypeError, ValueError):
            wrong.append(str(document.get("number")))
    if not wrong:
        return tuple(found), None
    words = f"cases {', '.join(wrong)} of the journal cannot be read"
    return tuple(found), f"{words}: what of them stands in Faucet's files is taken up as found"


def left(folder: Path, captures: Iterable[str], judged: frozenset[str]) -> list[ev.CaptureFinished]:
    """The finished captures that nobody has judged."""
    return [
        ev.CaptureFinished(str(folder / name), name, mac_of(ident_of(name) or ""), 0, "left")
        for name in captures
        if name not in judged
    ]


def _kept(found: Iterable[tuple[str, LastVerdict]]) -> tuple[tuple[ev.Kept, ...], str | None]:
    """Verdicts from their documents, and what is to be said of those that are none."""
    kept, wrong = [], []
    for mac, last in found:
        try:
            kept.append(_last(mac, last))
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
            wrong.append(mac)
    if not wrong:
        return tuple(kept), None
    shown = ", ".join(wrong[:_SHOWN]) + (" ..." if len(wrong) > _SHOWN else "")
    return tuple(kept), f"the last verdicts about {shown} cannot be read: they are judged anew"


def _last(mac: str, last: LastVerdict) -> ev.Kept:
    told = last.decided or last.document
    seen = _seconds(last.document["window"]["end"])
    anomaly = anomaly_from(last.document["anomaly"])
    latest = role_from(last.document["role"])
    return ev.Kept(
        mac=mac,
        role=role_from(told["role"]),
        role_capture=str(told["source"]).rpartition("/")[2],
        anomaly=anomaly,
        captures=last.captures,
        capture=last.capture,
        seen=seen,
        window=window(
            mac,
            last.capture,
            seen or 0.0,
            latest,
            anomaly,
            counted=(int(last.document["packets"]), int(last.document["sessions"])),
        ),
        relay=latest.reason if is_relay(latest) else None,
    )


def _seconds(time: str | None) -> float | None:
    """A verdict's time in seconds since 1970; None where there is none that a calendar has."""
    try:
        return datetime.fromisoformat(time or "").timestamp()
    except ValueError:
        return None


def _in_journal(folder: Path, began: float | None, problem: str) -> Memory:
    """What must not be forgotten, store or none: what was judged, and who is isolated."""
    judged: set[str] = set()
    cases: dict[Any, Mapping[str, Any]] = {}
    frozen = None
    try:
        for entry in entries(folder):
            if not isinstance(entry, Entry):
                continue
            if entry.kind in _SETTLED:
                judged.add(str(entry.body.get("capture", "")))
            elif entry.kind == DECISION:
                _note(cases, entry.body.get("case"))
            elif entry.kind == "caps":
                frozen = entry.body.get("frozen")
    except InputError as error:
        problem = f"{problem}; {error}"
    found, unread = _cases(cases.values())
    told = problem if unread is None else f"{problem}; {unread}"
    return Memory(ev.Restored((), (), found, began, frozen), frozenset(judged), told)


def _note(cases: dict[Any, Mapping[str, Any]], case: Any) -> None:
    """Keep a case as it was last; of those that do not matter any more, the last one only."""
    if not isinstance(case, dict):
        return
    last = next(reversed(cases), None)
    if last is not None and last != case.get("number") and not _matters(cases[last]):
        del cases[last]
    cases.pop(case.get("number"), None)
    cases[case.get("number")] = case


def _matters(case: Mapping[str, Any]) -> bool:
    try:
        return matters(case)
    except KeyError:
        return True  # of another version: whoever reads it says so

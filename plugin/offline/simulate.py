"""Whom a policy would have isolated: a journal, or captures, through its rules and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.audit.chain import Entry
from plugin.audit.journal import entries, segments
from plugin.broker.message import message_id
from plugin.errors import CaptureError
from plugin.ml.verdict import to_document
from plugin.offline.classify import needs_packets, verdicts_of
from plugin.offline.history import History, Told
from plugin.offline.read import iter_captures
from plugin.policy.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from plugin.ml.verdict import Verdict
    from plugin.offline.judges import Judges
    from plugin.policy.rules import Policy
    from plugin.policy.trial import Tried

_SECOND = 1_000_000_000


class Simulated(NamedTuple):
    """What came of it."""

    tried: Tried
    began: float | None
    """When the first thing was said; None: nothing was."""
    ended: float
    devices: int
    """How many there were."""
    verdicts: int
    """How many captures were judged."""
    unreadable: int
    """What was said and could not be understood."""


def simulate(policy: Policy, said: Iterable[Told]) -> Simulated:
    """Try a policy on what was said, in its order.

    Args:
        policy: all its rules are taken as enforced.
        said: entries of a journal, or what captures come to (:func:`from_captures`).
    """
    history = History()
    trial = Trial(policy, history.look, history.mates)
    macs: set[str] = set()
    began: float | None = None
    verdicts = 0
    for told in said:
        began = told.time if began is None else began
        trial.until(max(history.now, told.time))
        change = history.take(told)
        verdicts += told.kind == "verdict"
        if change is None:
            continue
        macs.add(change.mac)
        look = trial.moved if change.moved else trial.looked
        look(change.mac, history.now)
    return Simulated(trial.end(), began, history.now, len(macs), verdicts, history.unreadable)


def journal_in(path: Path) -> Path | None:
    """Find the folder of a journal: the one named, or ``journal`` in it; None: there is none."""
    return next((one for one in (path, path / "journal") if segments(one)), None)


def from_journal(folder: Path, faulty: Callable[[str], None]) -> Iterator[Told]:
    """Give what a journal says.

    Args:
        folder: where it stands.
        faulty: takes what is not whole in it, a line each.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    for entry in entries(folder):
        if isinstance(entry, Entry):
            yield Told(entry.time, entry.kind, entry.body)
        else:
            faulty(str(entry))


def from_captures(
    paths: Sequence[Path],
    judges: Judges,
    faulty: Callable[[str], None],
) -> list[Told]:
    """Judge captures; each is said when it ends, in order of time.

    As ``halia run`` judges, but every device of a capture, and none by its past: captures do not
    come as its windows do.

    Args:
        paths: captures, and folders of them.
        judges: models and parameters.
        faulty: takes what cannot be read, a line each.
    """
    models, options = judges.models, judges.options()
    packets = needs_packets(models, judges.normal, judges.flows)
    found: list[Told] = []
    for capture in iter_captures(list(paths), packets=packets, watched=True):
        problem = capture if isinstance(capture, CaptureError) else capture.problem
        if problem is not None:
            faulty(str(problem))
        if not isinstance(capture, CaptureError):
            found += map(_said, verdicts_of(capture, models, options))
    return sorted(found, key=lambda told: told.time)


def _said(verdict: Verdict) -> Told:
    name = verdict.source.rpartition("/")[2]
    body = {
        "mac": verdict.mac,
        "capture": name,
        "message_id": message_id("verdict", str(verdict.mac), name),
        "verdict": to_document(verdict),
    }
    return Told((verdict.end_ns or 0) / _SECOND, "verdict", body)

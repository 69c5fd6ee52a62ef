"""Pairs: the same host normal, then bad. What was named of it, how soon, and of whom else. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import InputError
from plugin.lab import bad
from plugin.lab.outcome import DISPUTE, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plugin.lab.topology import Topology
    from plugin.ml.behaviour.finding import Found

PERSON = "workstation"
"""Profile of the hosts that turn bad: who is used by a person does most of what is normal."""
_SECOND = 1_000_000_000


class Pair(NamedTuple):
    """What came of one recording: its fields are the columns of docs/pairs.csv."""

    kind: str
    """Of being bad; "normal": nobody turned bad."""
    expected: str
    """The behaviour that it is to be called; empty for normal."""
    seed: int
    pace: float
    """How many times as busy as their profiles say all are."""
    host: str
    profile: str
    rate: float | None
    """Steps a second."""
    before: float
    """Seconds in which everybody was normal."""
    during: float
    """Seconds in which one was bad."""
    named: bool | None
    """Whether it was called what it is; None for normal."""
    delay: float | None
    """Seconds from the first bad step to that finding."""
    also: str
    """What else it was called while it was bad, names with blanks between."""
    false_alarms: int
    """Findings about anybody before, and about others after."""
    named_wrongly: str
    """Whom and what those were: MAC=name, with blanks between."""
    suspected: str
    """Of whom else suspicion alone would say "anomalous", MACs with blanks between."""
    frames: int


def subject(topology: Topology, kind: str) -> str:
    """Name the host that turns bad: the first person's that can do this.

    Raises:
        InputError: none can.
    """
    last = InputError("has no host of a person", where=topology.name)
    for host in topology.hosts:
        if host.profile == PERSON:
            try:
                bad.plan(topology, host.name, kind)
            except InputError as error:
                last = error
            else:
                return host.name
    raise last


def known_at(found: Found) -> float:
    """When a finding could be told, seconds since 1970.

    Packets are counted by whole seconds, and such a count stands where its second begins: it is
    known when the second is over.
    """
    return (found.time + (0 if found.time % _SECOND else _SECOND)) / _SECOND


def judge(
    run: Mapping[str, Any], found: Iterable[Found], suspected: Iterable[str], frames: int
) -> Pair:
    """Hold what was found in a recording against what happened in it.

    Args:
        run: what ``halia lab record --replay`` wrote: run.json.
        found: findings in the recording, in order of time.
        suspected: MACs of the devices about which suspicion alarms, the whole recording looked at.
        frames: in the recording.
    """
    plan = run["bad"]
    if plan is None:
        return _normal(run, list(found), suspected, frames)
    turned = plan["time"]
    ours = [one for one in found if one.mac == plan["mac"] and known_at(one) > turned]
    others = [one for one in found if one not in ours]
    names = NAMES[plan["kind"]]
    if names >= DISPUTE:  # of the other side of a dispute it is told, too
        others = [one for one in others if one.finding.name not in DISPUTE]
    right = [one for one in ours if one.finding.name in names]
    also = {one.finding.name for one in ours} - names
    profiles = {host["mac"]: host["profile"] for host in run["lab"]["hosts"]}
    end = run["ended"] if plan["seconds"] is None else min(run["ended"], turned + plan["seconds"])
    return Pair(
        kind=plan["kind"],
        expected=" ".join(sorted(names)),
        seed=run["lab"]["seed"],
        pace=run["lab"]["pace"],
        host=plan["host"],
        profile=profiles[plan["mac"]] or "",
        rate=plan["rate"],
        before=round(turned - run["installed"], 1),
        during=round(end - turned, 1),
        named=bool(right),
        delay=round(known_at(right[0]) - turned, 1) if right else None,
        also=" ".join(sorted(also)),
        false_alarms=len(others),
        named_wrongly=_who(others),
        suspected=" ".join(sorted(set(suspected) - {plan["mac"]})),
        frames=frames,
    )


def _normal(
    run: Mapping[str, Any], found: list[Found], suspected: Iterable[str], frames: int
) -> Pair:
    return Pair(
        kind="normal",
        expected="",
        seed=run["lab"]["seed"],
        pace=run["lab"]["pace"],
        host=f"all {len(run['lab']['hosts'])}",
        profile="",
        rate=None,
        before=round(run["ended"] - run["installed"], 1),
        during=0.0,
        named=None,
        delay=None,
        also="",
        false_alarms=len(found),
        named_wrongly=_who(found),
        suspected=" ".join(sorted(suspected)),
        frames=frames,
    )


def _who(found: Iterable[Found]) -> str:
    return " ".join(sorted({f"{one.mac}={one.finding.name}" for one in found}))

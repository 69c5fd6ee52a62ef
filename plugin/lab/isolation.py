"""The demo's last act: the bad host is isolated by policy, seen to be so, and let out again."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.lab.hooked import start_halia
from plugin.lab.outcome import NAMES
from plugin.lab.proving import cast, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plugin.lab.lab import Lab
    from plugin.lab.proving import Cast, Reached
    from plugin.lab.topology import Topology

LASTS = 20.0
"""Seconds of an isolation in the demo."""
AUDIT_SECONDS = 30.0
ISOLATED, OVER = "isolated", frozenset({"released", "over"})


def policy(topology: Topology, remedy: str | None) -> dict[str, Any]:
    """The policy of the demo: whoever does what Halia can name is quarantined for a while.

    Args:
        topology: the lab's; its router is protected.
        remedy: address of the host that a quarantined one may still reach.
    """
    routers = [host.mac for host in topology.hosts if host.profile == "outside"]
    rule = {
        "name": "misdeeds",
        "match": {"behaviours": sorted(set[str]().union(*NAMES.values()))},
        "action": "quarantine",
        "allow": [] if remedy is None else [{"host": remedy}],
        "mode": "enforce",
        "duration": f"{LASTS:.0f}s",
        "grace": "10m",
        "reason": "it does what no host of this office should do",
    }
    return {
        "halia-policy": 1,
        "learning": 0,
        "protect": {"macs": routers},
        "rules": [rule],
    }


class Isolation(NamedTuple):
    """What was seen of the isolation; None: it has not come to that."""

    cast: Cast
    after: float | None = None
    """Seconds from the finding to the proof at the switch."""
    before: Reached | None = None
    """The bad host's echo requests to another, while it was free."""
    dead: Reached | None = None
    """The same while it was isolated."""
    neighbour: Reached | None = None
    """Those of an innocent one, meanwhile."""
    remedy: Reached | None = None
    """Those of the isolated one to the remediation server."""
    released: bool = False
    again: Reached | None = None
    """Its own once it was let out."""
    trail: tuple[Mapping[str, Any], ...] = ()
    """Of the journal, in order."""

    def failures(self) -> Iterator[str]:
        """What is not as the demo promises."""
        bad, other = self.cast.bad, self.cast.other
        if self.after is None or self.dead is None:
            yield f"{bad} was not isolated"
            return
        kept = {
            f"{bad} did not reach {other} before it was isolated": _is_alive(self.before),
            f"{bad} reached {other} while it was isolated": self.dead.dead,
            f"{self.cast.neighbour} lost touch with {other} while {bad} was isolated": _is_alive(
                self.neighbour
            ),
            f"{bad} did not reach {self.cast.remedy}, where it would be mended": _is_alive(
                self.remedy
            ),
            f"{bad} was not released": self.released,
            f"{bad} does not reach {other} after its release": not self.released
            or _is_alive(self.again),
            "the journal tells nothing of it": bool(self.trail),
        }
        yield from (broken for broken, holds in kept.items() if not holds)


class Act:
    """Looks at the isolation as it goes on. Steps are what it says of it, a line each."""

    def __init__(self, lab: Lab, bad: str | None) -> None:
        found = None if bad is None else cast(lab.topology, bad)
        self.seen = None if found is None else Isolation(found)
        self._lab = lab
        self._macs = {host.name: host.mac for host in lab.topology.hosts}

    @property
    def over(self) -> bool:
        """There is nothing more to come."""
        return self.seen is None or self.seen.again is not None

    def look_before(self) -> Iterator[str]:
        """While all is well: the bad host reaches the other."""
        if self.seen is not None:
            at_peace = self._reach(self.seen.cast.bad, self.seen.cast.other)
            self.seen = self.seen._replace(before=at_peace)
            yield f"{self.seen.cast.bad} reaches {self.seen.cast.other}: {_words(at_peace)}"

    def step(self, devices: Sequence[Mapping[str, Any]], named: float | None) -> Iterator[str]:
        """Look at what is shown of the bad host, and act.

        Args:
            devices: as the daemon shows them.
            named: when it was named (:func:`time.monotonic`); None: it was not.
        """
        if self.seen is None or named is None or self.over:
            return
        mac = self._macs[self.seen.cast.bad]
        case = next((d.get("case") for d in devices if d["mac"] == mac), None)
        state = None if case is None else case["state"]
        if self.seen.after is None and state == ISOLATED:
            yield from self._isolated(named)
        elif self.seen.after is not None and (state is None or state in OVER):
            yield from self._released()

    def audit(self, config: str) -> Iterator[str]:
        """Read the trail of the bad host from the journal."""
        if self.seen is None:
            return
        words = ["audit", "show", self._macs[self.seen.cast.bad], "--config", config]
        with start_halia(self._lab, None, [*words, "--json"]) as program:
            out, _ = program.popen.communicate(timeout=AUDIT_SECONDS)
        self.seen = self.seen._replace(trail=tuple(json.loads(line) for line in out.splitlines()))
        with start_halia(self._lab, None, words) as program:
            out, _ = program.popen.communicate(timeout=AUDIT_SECONDS)
        yield from out.splitlines()

    def _isolated(self, named: float) -> Iterator[str]:
        assert self.seen is not None
        who = self.seen.cast
        after = time.monotonic() - named
        yield f"{who.bad} is isolated, proven at the switch, {after:.1f} s after it was named"
        dead = self._reach(who.bad, who.other)
        neighbour = self._reach(who.neighbour, who.other)
        remedy = self._reach(who.bad, who.remedy)
        self.seen = self.seen._replace(after=after, dead=dead, neighbour=neighbour, remedy=remedy)
        yield f"{who.bad} to {who.other}: {_words(dead)}"
        yield f"{who.neighbour} to {who.other}: {_words(neighbour)}"
        yield f"{who.bad} to {who.remedy}, where it is mended: {_words(remedy)}"
        self._lab.calm(who.bad)
        yield f"{who.bad} is mended; its isolation lasts {LASTS:.0f} s"

    def _released(self) -> Iterator[str]:
        assert self.seen is not None
        who = self.seen.cast
        again = self._reach(who.bad, who.other)
        self.seen = self.seen._replace(released=True, again=again)
        yield f"{who.bad} is released; to {who.other}: {_words(again)}"

    def _reach(self, one: str, other: str) -> Reached:
        return reach(self._lab, one, self._lab.topology.host(other))


def _is_alive(found: Reached | None) -> bool:
    return found is not None and found.alive


def _words(found: Reached) -> str:
    return f"{found.answered} of {found.sent} echo requests answered"

"""The mirror: what is to be copied from now on, and what is in the way.

All decisions are those of :mod:`plugin.faucet.mirror`; here it is asked, with what passes the
ports, and where devices are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet import hook, mirror
from plugin.faucet.reach import reach
from plugin.faucet.turns import COOKIES, MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plugin.app.looking import Looked
    from plugin.app.proving import Proving
    from plugin.faucet.mirror import MirrorPlan, MirrorSettings
    from plugin.faucet.reach import Reach, Spot

PROVEN_SECONDS = 15.0
"""Seconds in which watches that were written must be at the switches."""
NO_PROBE = "faucet.probe is not set: no port is measured"


class Planned(NamedTuple):
    """What the mirror needs."""

    plan: MirrorPlan
    stages: hook.Stages
    """What our include must hold for it."""


class Planning:
    """Plans the mirror; used by one thread.

    Args:
        settings: What the operator decides; asked each time, for a reload changes it.
        proving: Reads the ports' counters.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        settings: Callable[[], MirrorSettings],
        proving: Proving,
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._proving, self._clock = settings, proving, clock
        self._state = mirror.begin()
        self._watched: dict[str, int] = {}
        """Cookies of devices that are watched by decision alone."""
        self._unproven: float | None = None
        """Since when a watch is at no switch."""
        self.problem: str | None = None
        """Why ports are not measured."""

    def plan(self, looked: Looked, spots: Sequence[Spot], watched: frozenset[str]) -> Planned:
        """Plan it.

        Args:
            looked: Faucet's files.
            spots: All devices, each once.
            watched: MACs of devices that a decision watches.
        """
        settings = self._settings()
        reached = reach(looked.found, looked.layout)
        self.problem = None
        if settings.budget is not None:
            if not self._proving.wanted:
                self.problem = NO_PROBE
            for name, counters in self._proving.ports(looked.names).items():
                self._state = mirror.count(self._state, reached, name, counters, self._clock())
        spots = as_suspects(spots, watched)
        self._state, plan = mirror.plan(self._state, reached, spots, settings, self._clock())
        stages = plan.stages
        if reached.mode == "none" and settings.budget is None:
            stages = self._alone(reached, spots, watched)
        else:
            self._watched = {}
        return Planned(plan, stages)

    def unproven(self, planned: Planned, cookies: frozenset[int] | None) -> tuple[str, ...]:
        """Tell of watches that Faucet may have loaded, and that are at no switch for long.

        Args:
            planned: What was planned.
            cookies: Of all flows at the switches; None: they cannot be read.
        """
        wanted = {rule.cookie for rule in planned.stages.watches}
        missing = frozenset() if cookies is None else wanted - cookies
        self._unproven = (self._unproven or self._clock()) if missing else None
        if self._unproven is None or self._clock() - self._unproven < PROVEN_SECONDS:
            return ()
        return (f"{len(missing)} of {len(wanted)} watches are written, and at no switch",)

    def _alone(self, reached: Reach, spots: Sequence[Spot], watched: frozenset[str]) -> hook.Stages:
        """Watch devices that a decision watches where nothing else is mirrored and none take turns.

        Those that are watched already keep their cookies: counters of a rule are one device's.
        """
        can = sorted(s.mac for s in spots if s.mac in watched and not reached.why_not_watched(s))
        kept = {mac: cookie for mac, cookie in self._watched.items() if mac in can[:MOST]}
        free = (cookie for cookie in COOKIES if cookie not in kept.values())
        self._watched = kept | {mac: next(free) for mac in can[:MOST] if mac not in kept}
        ordered = sorted(self._watched.items(), key=lambda item: item[1])
        return hook.Stages(watches=tuple(r for mac, c in ordered for r in hook.watch(mac, c)))


def as_suspects(spots: Sequence[Spot], watched: frozenset[str]) -> Sequence[Spot]:
    """Have devices that a decision watches go first, as suspects do."""
    if not watched:
        return spots
    return [s._replace(suspect=True) if s.mac in watched else s for s in spots]

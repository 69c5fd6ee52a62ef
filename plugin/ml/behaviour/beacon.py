"""Beacons: sessions to one outside service at a fixed period, as implants report home.

The regularity is the median absolute deviation of the intervals from their median, as a share of
it: the measure that RITA and its like score (there with two more terms; that comes with the Zeek
logs). A period alone is no proof: a thermostat has one too. Findings say what was seen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from plugin.addresses import address_text, is_private
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found, middle
from plugin.traffic import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import BeaconParameters
    from plugin.traffic import Event


_PROTOCOLS = (6, 17)  # pings at a fixed period are somebody's monitoring

_PAUSE = 3
"""Periods without a session after which what follows begins anew."""


class _Times:
    """When the last sessions began."""

    __slots__ = ("port", "quiet_until", "since", "times")

    def __init__(self) -> None:
        self.times: list[int] = []  # an empty deque takes 600 bytes, and most see one session
        self.port = -1
        """Where the last one came from."""
        self.since: int | None = None
        """Since when they are regular."""
        self.quiet_until = 0


class Beacon:
    """Keeps the last few starts of each (device, outside address, service)."""

    takes = Opened

    def __init__(self, parameters: BeaconParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._ports = frozenset(parameters.ignored_ports)
        self._starts: Bounded[tuple[str, int, bytes, int], _Times] = Bounded(parameters.tracked)

    def step(self, event: Event) -> Iterator[Found]:
        """Take an opened session."""
        p = self._p
        if (
            not isinstance(event, Opened)
            or event.proto not in _PROTOCOLS
            or not event.fresh
            or event.resp_port in self._ports
            or is_private(event.resp_ip)
        ):
            return
        key = (event.mac, event.proto, event.resp_ip, event.resp_port)
        seen = self._starts.touch(key, _Times)
        times, port = seen.times, seen.port
        if times and event.time - times[-1] < p.merge * SECOND:
            return  # one visit may need several sessions
        seen.port = event.orig_port
        if port == event.orig_port:
            return  # the same conversation, cut after a pause or an hour
        times.append(event.time)
        del times[: -p.intervals - 1]
        if len(times) > p.intervals:
            yield from self._judged(event, seen)

    def _judged(self, event: Opened, seen: _Times) -> Iterator[Found]:
        p, times = self._p, seen.times
        gaps = [b - a for a, b in pairwise(times)]
        period = middle(gaps)
        spread = middle(abs(gap - period) for gap in gaps)
        if period < p.period * SECOND or spread > p.jitter * period:
            seen.since = None
            return
        if gaps[-1] > _PAUSE * period:
            seen.since = None
            times.clear()
            times.append(event.time)
            return
        if seen.since is None:
            seen.since = event.time - round(len(gaps) * period)
        lasted = event.time - seen.since
        if lasted < p.lasting * SECOND or event.time < seen.quiet_until:
            return
        seen.quiet_until = event.time + round(p.repeat * SECOND)
        target = f"{address_text(event.resp_ip)} port {event.resp_port}"
        regular = f"every {period / SECOND:.1f} s (within {spread / SECOND:.2f} s)"
        yield Found(
            event.time,
            event.mac,
            Finding(
                "beacon",
                round(1 - spread / period, 4),
                round(1 - p.jitter, 4),
                (f"a session to {target} {regular} for {lasted / SECOND:.0f} s",),
                (target,),
            ),
        )

"""Beacons: sessions to one outside service at a fixed period, as implants report home.

The regularity is the median absolute deviation of the intervals from their median, as a share of
it: the measure that RITA and its like score (there with two more terms; that comes with the Zeek
logs). That alone would let half of the intervals be anything, which chance brings about among a
thousand visits at random times; so three quarters must lie near the period too. A period alone is
no proof: a thermostat has one too. Findings say what was seen.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from plugin.addresses import address_text, is_private
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found, middle
from plugin.traffic import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import BeaconParameters
    from plugin.traffic import Event


_PROTOCOLS = (6, 17)  # pings at a fixed period are somebody's monitoring

_MOST, _WIDER = 0.75, 3
"""So many of the intervals lie within so many times the jitter."""
_KEPT = 3
"""Times as many intervals are looked at, once there are so many: who looks again and again at the
last few of a day finds some that agree by chance."""
_PAUSE = 3
"""Periods without a session after which what follows begins anew."""


class Rhythm(NamedTuple):
    """How regular sessions are; times in ns."""

    period: float
    spread: float
    """Median deviation from the period."""
    lasted: int


def beacon(p: BeaconParameters, ip: bytes, port: int, rhythm: Rhythm) -> Finding:
    """Words for it."""
    period, spread, lasted = rhythm
    target = f"{address_text(ip)} port {port}"
    often = f"every {period / SECOND:.1f} s (within {spread / SECOND:.2f} s)"
    return Finding(
        "beacon",
        round(1 - spread / period, 4),
        round(1 - p.jitter, 4),
        (f"a session to {target} {often} for {lasted / SECOND:.0f} s",),
        (target,),
    )


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
        del times[: -_KEPT * p.intervals - 1]
        if len(times) > p.intervals:
            yield from self._judged(event, seen)

    def _judged(self, event: Opened, seen: _Times) -> Iterator[Found]:
        p, times = self._p, seen.times
        gaps = [b - a for a, b in pairwise(times)]
        period = middle(gaps)
        away = sorted(abs(gap - period) for gap in gaps)
        spread, most = middle(away), away[ceil(_MOST * len(away)) - 1]
        regular = spread <= p.jitter * period and most <= _WIDER * p.jitter * period
        if period < p.period * SECOND or not regular:
            seen.since = None
            return
        if gaps[-1] > _PAUSE * period:
            seen.since = None
            times.clear()
            times.append(event.time)
            return
        if seen.since is None:
            # Older intervals may be of something else: they made it regular no earlier.
            seen.since = event.time - round(p.intervals * period)
        lasted = event.time - seen.since
        if lasted < p.lasting * SECOND or event.time < seen.quiet_until:
            return
        seen.quiet_until = event.time + round(p.repeat * SECOND)
        rhythm = Rhythm(period, spread, lasted)
        yield Found(event.time, event.mac, beacon(p, event.resp_ip, event.resp_port, rhythm))

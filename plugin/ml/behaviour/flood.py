"""Floods: packets of one kind to one address, second after second, at a rate that no one needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found
from plugin.traffic import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import FloodParameters
    from plugin.traffic import Event

FLOODS = {"syn": "syn", "icmp": "icmp", "udp": "udp", "dns": "udp", "unasked": "udp"}
"""What each kind of packet makes a flood of."""
WORDS = {"syn": "TCP SYN packets", "udp": "UDP packets", "icmp": "echo requests"}


class _Run:
    """Seconds in a row above the rate."""

    __slots__ = ("length", "packets", "quiet_until", "second", "told")

    def __init__(self) -> None:
        self.second = -1
        self.packets = 0
        self.length = 0
        self.told = False
        self.quiet_until = 0


class Flood:
    """Adds up each second's packets per device, target and kind."""

    takes = Counted
    kinds = tuple(FLOODS)

    def __init__(self, parameters: FloodParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._rates = {"syn": parameters.syn, "udp": parameters.udp, "icmp": parameters.icmp}
        self._runs: Bounded[tuple[str, str, bytes], _Run] = Bounded(parameters.tracked)

    def step(self, event: Event) -> Iterator[Found]:
        """Take (a part of) a second's count."""
        if not isinstance(event, Counted) or event.kind not in FLOODS or not event.packets:
            return
        kind = FLOODS[event.kind]
        rate = self._rates[kind]
        run = self._runs.touch((event.mac, kind, event.resp_ip), _Run)
        second = event.time // SECOND
        if second < run.second:
            return  # the clock went back: that second is over
        if second > run.second:
            kept = run.told and second == run.second + 1
            run.length = run.length if kept else 0
            run.second, run.packets, run.told = second, 0, False
        run.packets += event.packets
        if run.packets < rate:
            return
        run.length += not run.told
        run.told = True
        lasts = run.length >= self._p.seconds
        if (lasts or run.packets >= self._p.burst * rate) and event.time >= run.quiet_until:
            run.quiet_until = event.time + round(self._p.repeat * SECOND)
            what, target = WORDS[kind], address_text(event.resp_ip)
            told = f"{rate:g} {what} a second or more to {target} for {run.length} s"
            if not lasts:
                told = f"{run.packets:,} {what} to {target} in one second"
            yield Found(
                event.time,
                event.mac,
                Finding(f"{kind}-flood", float(run.packets), float(rate), (told,), (target,)),
            )

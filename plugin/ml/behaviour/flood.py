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

    def __init__(self, parameters: FloodParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._rates = {"syn": parameters.syn, "udp": parameters.udp, "icmp": parameters.icmp}
        self._runs: Bounded[tuple[str, str, bytes], _Run] = Bounded(parameters.tracked)

    def step(self, event: Event) -> Iterator[Found]:
        """Take (a part of) a second's count."""
        if not isinstance(event, Counted):
            return
        rate = self._rates[event.kind]
        run = self._runs.touch((event.mac, event.kind, event.resp_ip), _Run)
        second = event.time // SECOND
        if second < run.second:
            return  # the clock went back: that second is over
        if second > run.second:
            kept = run.told and second == run.second + 1
            run.length = run.length if kept else 0
            run.second, run.packets, run.told = second, 0, False
        run.packets += event.packets
        if run.told or run.packets < rate:
            return
        run.told = True
        run.length += 1
        if run.length >= self._p.seconds and event.time >= run.quiet_until:
            run.quiet_until = event.time + round(self._p.repeat * SECOND)
            what, target = WORDS[event.kind], address_text(event.resp_ip)
            yield Found(
                event.time,
                event.mac,
                Finding(
                    f"{event.kind}-flood",
                    float(run.packets),
                    float(rate),
                    (f"{rate:g} {what} a second or more to {target} for {run.length} s",),
                    (target,),
                ),
            )

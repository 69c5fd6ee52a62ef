"""How much passes each port of the switches, from their counters. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plugin.faucet.flows import PortCounters

LEAST_SECONDS = 0.5
"""Two samples nearer than this say nothing: the later one is left out."""
_BITS = 8

Place = tuple[str, int]
"""Datapath's name and port number."""


class Rate(NamedTuple):
    """Bits per second at a port, Ethernet frames as the switch counts them."""

    received: float
    """From the device, into the switch."""
    sent: float

    @property
    def both(self) -> float:
        """All that devices there send and are sent."""
        return self.received + self.sent


class Sample(NamedTuple):
    """Counters of one port at one time, in seconds."""

    time: float
    counters: PortCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What is known of the ports' traffic."""

    samples: Mapping[Place, Sample] = field(default_factory=dict)
    rates: Mapping[Place, Rate] = field(default_factory=dict)
    dropping: frozenset[Place] = frozenset()
    """Ports at whose exit the switch dropped frames between their last two samples."""


def counted(loads: Loads, dp: str, counters: Iterable[PortCounters], now: float) -> Loads:
    """Take new counters of one datapath.

    A rate rises at once and falls by halves, so that a short pause is not taken for peace. Counters
    that went back are a switch that began anew: they only begin a new measurement.
    """
    samples, rates = dict(loads.samples), dict(loads.rates)
    dropping = set(loads.dropping)
    for one in counters:
        place = (dp, one.port)
        last = samples.get(place)
        if last is not None and 0 <= now - last.time < LEAST_SECONDS:
            continue
        samples[place] = Sample(now, one)
        rate = None if last is None else _rate(last, samples[place])
        if last is None or rate is None:
            continue
        before = rates.get(place, rate)
        rates[place] = Rate(*(max(n, (o + n) / 2) for o, n in zip(before, rate, strict=True)))
        if one.tx_dropped > last.counters.tx_dropped:
            dropping.add(place)
        else:
            dropping.discard(place)
    return Loads(samples=samples, rates=rates, dropping=frozenset(dropping))


def _rate(old: Sample, new: Sample) -> Rate | None:
    seconds = new.time - old.time
    received = new.counters.rx_bytes - old.counters.rx_bytes
    sent = new.counters.tx_bytes - old.counters.tx_bytes
    if seconds <= 0 or received < 0 or sent < 0:
        return None
    return Rate(received * _BITS / seconds, sent * _BITS / seconds)

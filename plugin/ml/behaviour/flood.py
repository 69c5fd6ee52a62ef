"""Floods: packets of one kind to one address, second after second, at a rate that no one needs.

UDP that is answered is none, however fast: an upload over QUIC or a VPN is acknowledged at least
every second or, by those who save on it, every tenth packet (RFC 9000, section 13.2.2), while who
is flooded with what he did not ask for says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found
from plugin.traffic import Counted, Passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import FloodParameters
    from plugin.traffic import Event

FLOODS = {"syn": "syn", "icmp": "icmp", "udp": "udp", "dns": "udp", "unasked": "udp"}
"""What each kind of packet makes a flood of."""
WORDS = {"syn": "TCP SYN packets", "udp": "UDP packets", "icmp": "echo requests"}

_Key = tuple[str, str, bytes]
"""Device, kind of flood, target."""


def flood(p: FloodParameters, kind: str, ip: bytes, packets: int, seconds: int) -> Finding:
    """Words for a flood of a kind: so many seconds above the rate, or a burst in one."""
    rate: int = getattr(p, kind)
    what, target = WORDS[kind], address_text(ip)
    told = f"{rate:g} {what} a second or more to {target} for {seconds} s"
    if seconds < p.seconds:
        told = f"{packets:,} {what} to {target} in one second"
    if kind == "udp":
        told += ", hardly any answered"
    return Finding(f"{kind}-flood", float(packets), float(rate), (told,), (target,))


class _Run:
    """Seconds in a row above the rate."""

    __slots__ = ("back", "full", "length", "packets", "quiet_until", "second", "told")

    def __init__(self) -> None:
        self.second = -1
        self.packets = 0
        self.back = 0
        """Packets that came from the target in this second."""
        self.full = False
        """At the rate, and not judged since."""
        self.length = 0
        self.told = False
        self.quiet_until = 0


class Flood:
    """Adds up each second's packets per device, target and kind; judges what is told so far.

    That is when a later second begins or time passes: answers may be told after what they answer.
    """

    takes = Counted
    kinds = tuple(FLOODS)

    def __init__(self, parameters: FloodParameters) -> None:
        """Start with nothing seen."""
        self._p = parameters
        self._rates = {"syn": parameters.syn, "udp": parameters.udp, "icmp": parameters.icmp}
        self._runs: Bounded[_Key, _Run] = Bounded(parameters.tracked)
        self._second = -1
        self._full: list[_Key] = []
        """Of runs to judge."""

    def step(self, event: Event) -> Iterator[Found]:
        """Take (a part of) a second's count, or that time has passed."""
        if isinstance(event, Passed):
            yield from self._judged()
        if not isinstance(event, Counted) or event.kind not in FLOODS:
            return
        kind, second = FLOODS[event.kind], event.time // SECOND
        if second > self._second:
            yield from self._judged()
            self._second = second
        if not event.packets and kind != "udp":
            return
        key = (event.mac, kind, event.resp_ip)
        run = self._runs.touch(key, _Run)
        if second < run.second:
            return  # the clock went back: that second is over
        if second > run.second:
            kept = run.told and second == run.second + 1
            run.length = run.length if kept else 0
            run.second, run.packets, run.back = second, 0, 0
            run.told = run.full = False
        run.packets += event.packets
        run.back += event.back_packets
        if run.packets >= self._rates[kind] and not run.full:
            run.full = True
            self._full.append(key)

    def _judged(self) -> Iterator[Found]:
        """What the runs at the rate come to."""
        full, self._full = self._full, []
        for key in full:
            run = self._runs.get(key)
            if run is None or not run.full:
                continue  # forgotten meanwhile
            run.full = False
            # Only UDP's answers have a say: who is pinged answers each ping, and a SYN's answers
            # are not counted.
            answered = key[1] == "udp" and run.back >= self._p.answered * run.packets
            if answered:
                run.length -= run.told
            else:
                run.length += not run.told
            run.told = not answered
            if run.told:
                yield from self._told(key, run)

    def _told(self, key: _Key, run: _Run) -> Iterator[Found]:
        """A second at the rate: a flood, if it lasts or is a burst."""
        (mac, kind, ip), time = key, run.second * SECOND
        enough = run.length >= self._p.seconds
        if not enough and run.packets < self._p.burst * self._rates[kind]:
            return
        if time >= run.quiet_until:
            run.quiet_until = time + round(self._p.repeat * SECOND)
            yield Found(time, mac, flood(self._p, kind, ip, run.packets, run.length))

"""ICMP sweep: a device pings one address after another (RFC 792, RFC 4443).

Almost no program pings more than the way out and a server or two, so that it is the addresses
that count, answered or not: what is asked across a router is seldom there, and of one's own
network ARP has sorted out beforehand who is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Finding, Found, Windows
from plugin.traffic import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.finding import Held
    from plugin.ml.behaviour.parameters import SweepParameters
    from plugin.traffic import Event


def sweep(p: SweepParameters, held: Held) -> Finding:
    """Words for it."""
    return Finding(
        "icmp-sweep",
        float(held.number),
        float(p.targets),
        (f"pinged {held.words} addresses in {p.window:g} s",),
        tuple(map(address_text, held.examples)),
    )


class IcmpSweep:
    """Counts the addresses that a device sends echo requests to."""

    takes = Counted
    kinds = ("icmp",)

    def __init__(self, parameters: SweepParameters) -> None:
        """Start with nothing seen."""
        p = self._p = parameters
        self._windows: Windows[str, bytes] = Windows(p.tracked, p.window, p.targets)

    def step(self, event: Event) -> Iterator[Found]:
        """Take a second's count."""
        if not isinstance(event, Counted) or event.kind not in self.kinds or not event.packets:
            return
        p = self._p
        window = self._windows.add(event.mac, event.time, event.resp_ip)
        if window.count >= p.targets and window.due(event.time, round(p.repeat * SECOND)):
            yield Found(event.time, event.mac, sweep(p, window.held()))

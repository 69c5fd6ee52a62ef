"""MAC conflict: a device speaks ARP in the name of a MAC that another device uses itself.

The frame's sender and the sender that ARP names are then two (arpwatch calls it an ethernet
mismatch, Snort's arpspoof preprocessor likewise).
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found, Windows
from plugin.traffic import Arp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.finding import Held
    from plugin.ml.behaviour.parameters import ConflictParameters
    from plugin.traffic import Event


def mac_conflict(p: ConflictParameters, sender: str, held: Held) -> Finding:
    """Words for it."""
    spoke = f"sent {held.words} ARP packets in the name of {sender}"
    return Finding(
        "mac-conflict",
        float(held.number),
        float(p.claims),
        (f"{spoke}, which another device uses, in {p.window:g} s",),
        tuple(map(address_text, held.examples)),
    )


class MacConflict:
    """Who sends ARP in frames of his own has the MAC, until silent for ``silence`` seconds."""

    takes = Arp

    def __init__(self, parameters: ConflictParameters) -> None:
        """Start with no MAC heard of."""
        p = self._p = parameters
        self._heard: Bounded[str, list[int]] = Bounded(p.tracked)
        self._claims: Windows[str, tuple[int, bytes]] = Windows(p.tracked, p.window, p.claims)
        self._number = 0
        """Of the last claim: the same again is one more."""

    def step(self, event: Event) -> Iterator[Found]:
        """Take an ARP packet."""
        if not isinstance(event, Arp):
            return
        p = self._p
        if event.mac == event.sender_mac:
            heard = self._heard.touch(event.mac, lambda: [event.time])
            heard[0] = max(heard[0], event.time)
            return
        own = self._heard.get(event.sender_mac)
        if own is None or event.time - own[0] > p.silence * SECOND:
            return
        self._number += 1
        claims = self._claims.add(event.mac, event.time, (self._number, event.sender_ip))
        if claims.count >= p.claims and claims.due(event.time, round(p.repeat * SECOND)):
            told = mac_conflict(p, event.sender_mac, claims.held(itemgetter(1)))
            yield Found(event.time, event.mac, told)

"""ARP spoofing: a device claims addresses that another device owns and still uses (RFC 826)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import EXAMPLES, SECOND, Bounded, Finding, Found, Windows
from plugin.traffic import Arp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import ArpParameters
    from plugin.traffic import Event

_NONE = (bytes(16), bytes(10) + b"\xff\xff" + bytes(4))


class _Owner:
    """Who was first seen with an address, and when last."""

    __slots__ = ("last", "mac")

    def __init__(self, mac: str, last: int) -> None:
        self.mac = mac
        self.last = last


class ArpSpoofing:
    """The first to use an address owns it until he has been silent for ``silence`` seconds."""

    takes = Arp

    def __init__(self, parameters: ArpParameters) -> None:
        """Start with no owner known."""
        self._p = parameters
        self._owners: Bounded[bytes, _Owner] = Bounded(parameters.tracked)
        self._claims: Windows[str, tuple[int, bytes]] = Windows(
            parameters.tracked, parameters.window, parameters.claims
        )
        self._number = 0
        """Of the last claim: the same address again is one more."""

    def step(self, event: Event) -> Iterator[Found]:
        """Take an ARP packet: its sender fields are a claim, in requests and replies alike."""
        if not isinstance(event, Arp) or event.sender_ip in _NONE:
            return
        p = self._p
        owner = self._owners.touch(event.sender_ip, lambda: _Owner(event.sender_mac, event.time))
        if owner.mac == event.sender_mac:
            owner.last = max(owner.last, event.time)
            return
        if event.time - owner.last > p.silence * SECOND:
            owner.mac, owner.last = event.sender_mac, event.time
            return
        self._number += 1
        claims = self._claims.add(event.mac, event.time, (self._number, event.sender_ip))
        if claims.count >= p.claims and claims.due(event.time, round(p.repeat * SECOND)):
            addresses = list(dict.fromkeys(ip for _, ip in claims.items))
            address = address_text(event.sender_ip)
            reason = f"claimed {address} and the like, which {owner.mac} uses, {claims.words} times"
            yield Found(
                event.time,
                event.mac,
                Finding(
                    "arp-spoofing",
                    float(claims.count),
                    float(p.claims),
                    (f"{reason} in {p.window:g} s",),
                    tuple(map(address_text, addresses[:EXAMPLES])),
                ),
            )

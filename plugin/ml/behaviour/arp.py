"""ARP spoofing: a device claims addresses that another device owns and still uses (RFC 826).

Whoever is *heard* first need not have *been* first: he may have lain in wait for the other's
silence, or have been there when the stream began. So a device is called a spoofer only where
nobody else can have owned the address; else both are told to be at odds over it.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import SECOND, Bounded, Finding, Found, Windows
from plugin.traffic import Arp, Used

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plugin.ml.behaviour.finding import Held
    from plugin.ml.behaviour.parameters import ArpParameters
    from plugin.traffic import Event

SPOOFING, CONFLICT = "arp-spoofing", "address-conflict"
_NONE = (bytes(16), bytes(10) + b"\xff\xff" + bytes(4))


def spoofing(p: ArpParameters, owner: str, ip: bytes, held: Held) -> Finding:
    """Words for claims of addresses, an owner's among them."""
    claimed = f"claimed {address_text(ip)} and the like, which {owner} uses, {held.words} times"
    return _found(p, SPOOFING, held.number, claimed, held.examples)


def conflict(p: ArpParameters, both: Iterable[str], first: str, ip: bytes, held: Held) -> Finding:
    """Words for a quarrel about an address that nobody is known to own."""
    told = f"{' and '.join(both)} both claim {address_text(ip)}"
    heard = f"{first} was heard first, which does not tell whose it is"
    reason = f"{told} ({heard}), against each other {held.words} times"
    return _found(p, CONFLICT, held.number, reason, (ip,))


def _found(p: ArpParameters, name: str, count: int, reason: str, ips: Iterable[bytes]) -> Finding:
    reasons = (f"{reason} in {p.window:g} s",)
    return Finding(name, float(count), float(p.claims), reasons, tuple(map(address_text, ips)))


class _Owner:
    """Who has an address."""

    __slots__ = ("first", "is_sure", "last", "mac", "since")

    def __init__(self, mac: str, time: int) -> None:
        self.mac = self.first = mac
        """``first``: who was ever heard of with it first."""
        self.since = self.last = time
        self.is_sure = True
        """Nobody else can have had it before him, and still use it."""

    def cede(self, mac: str, time: int) -> None:
        """He has been silent; another takes the address. Who knows whether he asked."""
        self.mac, self.since, self.last, self.is_sure = mac, time, time, False

    def used(self, time: int) -> None:
        """He still uses it."""
        self.last = max(self.last, time)


class ArpSpoofing:
    """The first to use an address owns it until he has been silent for ``silence`` seconds.

    He is heard by his ARP packets, and by the IP packets that he sends from it. He is known to be
    the first when he alone was heard for as long: another that used it would have been, too.
    """

    takes = Arp

    def __init__(self, parameters: ArpParameters) -> None:
        """Start with no owner known."""
        self._p = p = parameters
        self._silence = round(p.silence * SECOND)
        self._owners: Bounded[bytes, _Owner] = Bounded(p.tracked)
        self._claims: Windows[str, tuple[int, bytes]] = Windows(p.tracked, p.window, p.claims)
        self._disputes: Windows[bytes, int] = Windows(p.tracked, p.window, p.claims)
        self._number = 0
        """Of the last claim: the same address again is one more."""

    def step(self, event: Event) -> Iterator[Found]:
        """Take an ARP packet: its sender fields are a claim, in requests and replies alike.

        Or take that a device used an address: that keeps the owner's, and is no claim, since who
        forwards for others sends from all their addresses.
        """
        if isinstance(event, Used):
            owner = self._owners.get(event.ip)
            if owner is not None and owner.mac == event.mac:
                self._owners.move_to_end(event.ip)
                owner.used(event.time)
            return
        if not isinstance(event, Arp) or event.sender_ip in _NONE:
            return
        owner = self._owners.touch(event.sender_ip, lambda: _Owner(event.sender_mac, event.time))
        if owner.mac == event.sender_mac:
            owner.used(event.time)
        elif event.time - owner.last > self._silence:
            owner.cede(event.sender_mac, event.time)
        else:
            owner.is_sure &= event.time - owner.since >= self._silence
            self._number += 1
            yield from (self._spoofed if owner.is_sure else self._disputed)(event, owner)

    def _spoofed(self, event: Arp, owner: _Owner) -> Iterator[Found]:
        p = self._p
        claims = self._claims.add(event.mac, event.time, (self._number, event.sender_ip))
        if claims.count >= p.claims and claims.due(event.time, round(p.repeat * SECOND)):
            told = spoofing(p, owner.mac, event.sender_ip, claims.held(itemgetter(1)))
            yield Found(event.time, event.mac, told)

    def _disputed(self, event: Arp, owner: _Owner) -> Iterator[Found]:
        """Two claim an address, and nobody can tell whose it is: both are told."""
        p = self._p
        claims = self._disputes.add(event.sender_ip, event.time, self._number)
        if claims.count < p.claims or not claims.due(event.time, round(p.repeat * SECOND)):
            return
        both = dict.fromkeys((owner.mac, event.mac))
        told = conflict(p, both, owner.first, event.sender_ip, claims.held())
        for mac in both:
            yield Found(event.time, mac, told)

"""Who owns an address, and who only says so."""

from __future__ import annotations

from plugin.ml.behaviour.arp import ArpSpoofing
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import ArpParameters
from plugin.traffic import Arp

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def names(*claims: tuple[float, str], ip: bytes = IP) -> list[tuple[str, str]]:
    detector = ArpSpoofing(ArpParameters())
    events = [Arp(round(time * SECOND), mac, 2, mac, ip, IP) for time, mac in claims]
    return [(one.mac, one.finding.name) for event in events for one in detector.step(event)]


def test_the_second_claimant_is_named_not_the_owner() -> None:
    fight = [(t / 2, "owner" if t % 2 == 0 else "thief") for t in range(8)]
    assert names(*fight) == [("thief", "arp-spoofing")]


def test_an_owner_that_has_long_been_silent_gave_the_address_up() -> None:
    assert names((0, "old"), (121, "new"), (122, "new"), (123, "new"), (124, "new")) == []
    assert names((0, "old"), (119, "new"), (120, "new"), (121, "new")) == []
    assert names((0, "old"), (118, "new"), (119, "new"), (119.5, "new")) != []


def test_probes_without_an_address_claim_nothing() -> None:
    nobody = bytes(10) + b"\xff\xff" + bytes(4)
    assert names(*((t, f"m{t}") for t in range(9)), ip=nobody) == []

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


def test_an_owner_that_is_heard_of_again_and_again_stays_the_owner() -> None:
    used = [(50.0 * i, "owner") for i in range(5)]  # silent for 50 s, never for 120
    assert names(*used, *((210 + i, "thief") for i in range(3))) == [("thief", "arp-spoofing")]
    # An old packet among them makes him no more silent.
    late = [*used, (10.0, "owner"), *((210.0 + i, "thief") for i in range(3))]
    assert names(*late) == [("thief", "arp-spoofing")]


def test_a_flood_of_claims_is_told_as_at_least_so_many_and_takes_no_room() -> None:
    detector = ArpSpoofing(ArpParameters(repeat=5))
    events = [Arp(0, "owner", 2, "owner", IP[:-1] + bytes([i]), IP) for i in range(1, 9)]
    for i in range(10_000):
        claimed = IP[:-1] + bytes([1 + i % 8])
        events.append(Arp(SECOND + i * SECOND // 1_000, "thief", 2, "thief", claimed, IP))
    first, second = (one.finding for event in events for one in detector.step(event))
    assert first.reasons[0].endswith("which owner uses, 3 times in 60 s")
    assert first.evidence == ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert second.reasons[0].endswith("which owner uses, at least 100 times in 60 s")
    assert len(set(second.evidence)) == 5
    assert detector._claims.held == 100

"""Who owns an address, and who only says so."""

from __future__ import annotations

from plugin.ml.behaviour.arp import ArpSpoofing
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import ArpParameters
from plugin.traffic import Arp, Used

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def names(*claims: tuple[float, str], ip: bytes = IP, alone: bool = True) -> list[tuple[str, str]]:
    """Who is named; the first of them was heard for long before, if he was ``alone``."""
    detector = ArpSpoofing(ArpParameters())
    if alone:
        before = ((claims[0][0] - t, claims[0][1]) for t in (130, 65))
        claims = (*before, *claims)
    events = [Arp(round(time * SECOND), mac, 2, mac, ip, IP) for time, mac in claims]
    return [(one.mac, one.finding.name) for event in events for one in detector.step(event)]


def used(time: float, mac: str, ip: bytes = IP) -> Used:
    return Used(round(time * SECOND), mac, ip)


def claim(time: float, mac: str, ip: bytes = IP) -> Arp:
    return Arp(round(time * SECOND), mac, 2, mac, ip, IP)


def found(*events: Arp | Used) -> list[tuple[str, str]]:
    detector = ArpSpoofing(ArpParameters())
    return [(one.mac, one.finding.name) for event in events for one in detector.step(event)]


BOTH = [("first", "address-conflict"), ("second", "address-conflict")]


def test_of_two_who_were_there_from_the_start_neither_is_the_spoofer() -> None:
    fight = [(t / 2, "first" if t % 2 == 0 else "second") for t in range(8)]
    assert names(*fight, alone=False) == BOTH
    # Nor later: once in doubt, whose it is cannot be told by waiting.
    assert names((0, "first"), (5, "second"), *((60.0 * i, "first") for i in range(1, 9)),
                 *((500 + i, "second") for i in range(3)), alone=False) == BOTH  # fmt: skip


def test_who_was_heard_alone_for_as_long_as_an_owner_may_be_silent_was_the_first() -> None:
    calm = [claim(60.0 * i, "first") for i in range(3)]
    late = [claim(120 + i, "second") for i in range(3)]
    assert found(*calm, *late) == [("second", "arp-spoofing")]
    soon = [claim(119 + i, "second") for i in range(3)]
    assert found(*calm, *soon) == BOTH


def test_an_owner_who_comes_back_after_a_silence_is_not_the_spoofer() -> None:
    taken = [claim(131 + 10 * i, "second") for i in range(20)]
    back = [claim(290.5 + 10 * i, "first") for i in range(3)]
    events = sorted([claim(0, "first"), *taken, *back], key=lambda one: one.time)
    assert found(*events) == BOTH[::-1]
    detector = ArpSpoofing(ArpParameters())
    (one, other) = (one for event in events for one in detector.step(event))
    assert one.finding == other.finding
    (reason,) = one.finding.reasons
    assert reason == (
        "second and first both claim 10.0.0.1 (first was heard first, which does not tell whose it"
        " is), against each other 3 times in 60 s"
    )
    assert one.finding.evidence == ("10.0.0.1",)


def test_an_owner_whose_packets_go_on_stays_the_owner() -> None:
    calm: list[Arp | Used] = [claim(-130, "first"), claim(0, "first")]
    calm += [used(10.0 * i, "first") for i in range(1, 15)]
    thief = [claim(141 + i, "second") for i in range(5)]
    assert found(*calm, *thief) == [("second", "arp-spoofing")]
    assert found(*calm[:2], *thief) == []  # without them he has given it up
    # An old packet makes him no more silent; another's, and another address's, make him no louder.
    assert found(*calm, used(1, "first"), *thief) == [("second", "arp-spoofing")]
    assert found(*calm[:2], used(100, "third"), used(100, "first", IP[:-1] + b"x"), *thief) == []
    assert found(used(0, "first"), *thief) == []


def test_what_is_used_is_remembered_longest() -> None:
    detector = ArpSpoofing(ArpParameters(tracked=2))
    other = [IP[:-1] + bytes([i]) for i in (8, 9)]
    events: list[Arp | Used] = [claim(-130, "first"), claim(0, "first"), claim(1, "b", other[0])]
    events += [used(2, "first"), claim(3, "c", other[1])]
    events += [claim(10 + i, "second") for i in range(3)]
    assert [one.mac for event in events for one in detector.step(event)] == ["second"]


def test_a_dispute_is_told_once_an_episode() -> None:
    fight = [claim(t, "first" if t % 2 else "second") for t in range(700)]
    assert len(found(*fight)) == 2 * 3
    assert found(*fight[:5]) == []  # the second claim against the owner: three are asked for


def test_who_speaks_in_the_owners_frames_is_told_once() -> None:
    events = [claim(0, "a"), *(Arp(SECOND * i, "a", 2, "b", IP, IP) for i in range(1, 4))]
    assert found(*events) == [("a", "address-conflict")]


def test_the_second_claimant_is_named_not_the_owner() -> None:
    fight = [(t / 2, "owner" if t % 2 == 0 else "thief") for t in range(8)]
    assert names(*fight) == [("thief", "arp-spoofing")]


def test_an_owner_that_has_long_been_silent_gave_the_address_up() -> None:
    assert names((0, "old"), (121, "new"), (122, "new"), (123, "new"), (124, "new")) == []
    assert names((0, "old"), (119, "new"), (120, "new"), (121, "new")) == []
    assert names((0, "old"), (118, "new"), (119, "new"), (119.5, "new")) != []


def test_probes_without_an_address_claim_nothing() -> None:
    nobody = bytes(10) + b"\xff\xff" + bytes(4)
    for none in (nobody, bytes(16)):
        assert names(*((t, f"m{t}") for t in range(9)), ip=none, alone=False) == []


def test_an_owner_that_is_heard_of_again_and_again_stays_the_owner() -> None:
    calm = [(50.0 * i, "owner") for i in range(5)]  # silent for 50 s, never for 120
    assert names(*calm, *((210 + i, "thief") for i in range(3))) == [("thief", "arp-spoofing")]
    # An old packet among them makes him no more silent.
    late = [*calm, (10.0, "owner"), *((210.0 + i, "thief") for i in range(3))]
    assert names(*late) == [("thief", "arp-spoofing")]


def test_a_flood_of_claims_is_told_as_at_least_so_many_and_takes_no_room() -> None:
    detector = ArpSpoofing(ArpParameters(repeat=5))
    events = [
        Arp(-t * SECOND, "owner", 2, "owner", IP[:-1] + bytes([i]), IP)
        for t in (119, 60, 0)
        for i in range(1, 9)
    ]
    for i in range(10_000):
        claimed = IP[:-1] + bytes([1 + i % 8])
        events.append(Arp(SECOND + i * SECOND // 1_000, "thief", 2, "thief", claimed, IP))
    first, second = (one.finding for event in events for one in detector.step(event))
    assert first.reasons[0].endswith("which owner uses, 3 times in 60 s")
    assert first.evidence == ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert second.reasons[0].endswith("which owner uses, at least 100 times in 60 s")
    assert len(set(second.evidence)) == 5
    assert detector._claims.held == 100

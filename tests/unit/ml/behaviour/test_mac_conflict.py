"""Who speaks in the name of another's MAC."""

from __future__ import annotations

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.mac_conflict import MacConflict
from plugin.ml.behaviour.parameters import ConflictParameters
from plugin.traffic import Arp, Passed

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def found(*packets: tuple[float, str, str]) -> list[tuple[str, str]]:
    """ARP packets: when, who sent the frame, whom it names."""
    detector = MacConflict(ConflictParameters())
    events = [Arp(round(t * SECOND), mac, 2, named, IP, IP) for t, mac, named in packets]
    return [(one.mac, one.finding.reasons[0]) for e in events for one in detector.step(e)]


def test_who_names_a_mac_that_another_uses_is_named_once() -> None:
    claims = [(1.0 + i, "thief", "owner") for i in range(9)]
    told = "sent 3 ARP packets in the name of owner, which another device uses, in 60 s"
    assert found((0, "owner", "owner"), *claims) == [("thief", told)]
    assert found((0, "owner", "owner"), *claims[:2]) == []


def test_a_name_that_nobody_uses_is_no_conflict() -> None:
    claims = [(1.0 + i, "router", "virtual") for i in range(9)]
    assert found(*claims) == []
    late = [(121.0 + i, "thief", "owner") for i in range(9)]
    assert found((0, "owner", "owner"), *late) == []
    assert found((0, "owner", "owner"), (50, "owner", "owner"), *late) != []
    # An old packet among them makes him no more silent.
    assert found((50, "owner", "owner"), (0, "owner", "owner"), *late) != []


def test_slow_claims_are_not_told() -> None:
    owner = [(30.0 * i, "owner", "owner") for i in range(10)]
    claims = [(31.0 * i + 1, "thief", "owner") for i in range(8)]
    assert found(*sorted(owner + claims)) == []
    assert list(MacConflict(ConflictParameters()).step(Passed(1))) == []

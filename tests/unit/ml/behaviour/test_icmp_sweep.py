"""Addresses that are pinged, in so long."""

from __future__ import annotations

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.icmp_sweep import IcmpSweep
from plugin.ml.behaviour.parameters import SweepParameters
from plugin.traffic import Counted, Passed

PREFIX = bytes(10) + b"\xff\xff" + bytes((10, 0, 0))


def found(*pings: tuple[float, int], kind: str = "icmp", packets: int = 1) -> list[str]:
    detector = IcmpSweep(SweepParameters(targets=3, window=10, repeat=100))
    told = []
    for time, host in pings:
        event = Counted(round(time * SECOND), "m", PREFIX + bytes([host]), kind, packets, 56, 1, 56)
        told += [f"{one.mac} {one.finding.reasons[0]}" for one in detector.step(event)]
    return told


def test_distinct_addresses_count_once_an_episode() -> None:
    assert found((0, 1), (1, 2), (2, 2), (3, 1)) == []
    sweep = [(i, i) for i in range(50)]
    assert found(*sweep) == ["m pinged 3 addresses in 10 s"]
    assert len(found(*sweep, *((i, i) for i in range(150, 160)))) == 2


def test_slow_pings_other_packets_and_replies_that_nobody_asked_for_do_not() -> None:
    assert found((0, 1), (6, 2), (12, 3), (18, 4)) == []
    assert found((0, 1), (5, 2), (10, 3)) != []
    assert found(*((i, i) for i in range(9)), kind="udp") == []
    assert found(*((i, i) for i in range(9)), packets=0) == []
    assert list(IcmpSweep(SweepParameters()).step(Passed(1))) == []


def test_the_finding_names_the_first_addresses() -> None:
    detector = IcmpSweep(SweepParameters(targets=3))
    pings = [Counted(i, "m", PREFIX + bytes([i]), "icmp", 1) for i in range(9)]
    (one,) = [one for ping in pings for one in detector.step(ping)]
    assert one.finding[:3] == ("icmp-sweep", 3.0, 3.0)
    assert one.finding.evidence == ("10.0.0.0", "10.0.0.1", "10.0.0.2")

"""Floods: rate, length, parts of a second."""

from __future__ import annotations

import pytest

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.flood import Flood
from plugin.ml.behaviour.parameters import FloodParameters
from plugin.traffic import Counted

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def names(*counts: tuple[int, int], kind: str = "syn") -> list[str]:
    flood = Flood(FloodParameters())
    events = [Counted(second * SECOND, "m", IP, kind, packets) for second, packets in counts]
    return [one.finding.name for event in events for one in flood.step(event)]


@pytest.mark.parametrize(("kind", "rate"), [("syn", 100), ("udp", 2000), ("icmp", 100)])
def test_three_seconds_in_a_row_at_the_rate(kind: str, rate: int) -> None:
    assert names((1, rate), (2, rate), (3, rate), (4, rate), kind=kind) == [f"{kind}-flood"]
    assert names((1, rate), (2, rate), (3, rate - 1), kind=kind) == []
    assert names((1, rate), (2, rate), (4, rate), kind=kind) == []
    assert names((1, rate), (2, 1), (3, rate), (4, rate), kind=kind) == []


def test_ten_times_the_rate_in_one_second_is_a_flood_alone() -> None:
    assert names((1, 999)) == []
    assert names((1, 600), (1, 400)) == ["syn-flood"]
    assert names((1, 20_000), (5, 20_000), kind="udp") == ["udp-flood"]
    flood = Flood(FloodParameters())
    (one,) = flood.step(Counted(SECOND, "m", IP, "icmp", 1_200))
    assert one.finding.reasons == ("1,200 echo requests to 10.0.0.1 in one second",)


def test_kinds_of_udp_are_one_flood_and_replies_are_none() -> None:
    flood = Flood(FloodParameters())
    kinds = ("udp", "dns", "unasked")
    events = [Counted(s * SECOND, "m", IP, kind, 700) for s in (1, 2, 3) for kind in kinds]
    assert [one.finding.name for e in events for one in flood.step(e)] == ["udp-flood"]
    for kind in ("dhcp", "served", "load"):
        assert names(*((s, 90_000) for s in range(9)), kind=kind) == []
    assert list(flood.step(Counted(9 * SECOND, "m", IP, "icmp", 0, 0, 5_000))) == []


def test_parts_of_a_second_add_up() -> None:
    halves = [(second, 50) for second in (1, 1, 2, 2, 3, 3)]
    assert names(*halves) == ["syn-flood"]
    assert names(*halves[:-1]) == []


def test_a_second_that_is_over_takes_nothing_more() -> None:
    assert names((1, 100), (2, 100), (3, 60), (2, 100), (3, 39)) == []
    assert names((1, 100), (2, 100), (3, 60), (2, 100), (3, 40)) == ["syn-flood"]

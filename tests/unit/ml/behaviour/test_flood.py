"""Floods: rate, length, parts of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.flood import Flood
from plugin.ml.behaviour.parameters import FloodParameters
from plugin.traffic import Counted, Passed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.ml.behaviour.finding import Finding

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def told(*events: Counted) -> list[Finding]:
    """What comes of counts, after which time passes."""
    flood = Flood(FloodParameters())
    found = [one.finding for event in events for one in flood.step(event)]
    last = Passed(events[-1].time + SECOND // 2)
    return found + [one.finding for one in flood.step(last)]


def names(*counts: tuple[int, int], kind: str = "syn") -> list[str]:
    found = told(*(Counted(second * SECOND, "m", IP, kind, packets) for second, packets in counts))
    return [one.name for one in found]


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
    (one,) = told(Counted(SECOND, "m", IP, "icmp", 1_200))
    assert one.reasons == ("1,200 echo requests to 10.0.0.1 in one second",)


def test_kinds_of_udp_are_one_flood_and_replies_are_none() -> None:
    kinds = ("udp", "dns", "unasked")
    events = [Counted(s * SECOND, "m", IP, kind, 700) for s in (1, 2, 3) for kind in kinds]
    assert [one.name for one in told(*events)] == ["udp-flood"]
    for kind in ("dhcp", "served", "load"):
        assert names(*((s, 90_000) for s in range(9)), kind=kind) == []
    assert told(Counted(9 * SECOND, "m", IP, "icmp", 0, 0, 5_000)) == []


def uploads(answered: Sequence[int], kind: str = "udp") -> list[str]:
    seconds = enumerate(answered)
    found = told(*(Counted(at * SECOND, "m", IP, kind, 3_000, 0, back) for at, back in seconds))
    return [one.name for one in found]


def test_udp_that_is_answered_is_no_flood_and_all_else_is() -> None:
    assert uploads((150, 150, 150, 150)) == []
    assert uploads((149, 149, 149)) == ["udp-flood"]
    assert uploads((0, 0, 150, 0, 0)) == []
    assert uploads((3_000, 3_000, 3_000), kind="icmp") == ["icmp-flood"]


def test_what_comes_of_a_second_is_told_when_it_is_over_or_time_passes() -> None:
    flood, found = Flood(FloodParameters()), []
    for second in range(3):
        for packets, back in ((2_500, 0), (0, 500)):
            event = Counted(second * SECOND, "m", IP, "udp", packets, 0, back)
            found += list(flood.step(event))
    assert list(flood.step(Passed(3 * SECOND))) == found == []


def test_a_second_that_is_answered_after_it_was_judged_is_taken_back() -> None:
    flood, found = Flood(FloodParameters()), []
    for second in range(5):
        for packets, back in ((2_500, 0), (0, 500)):
            found += list(flood.step(Counted(second * SECOND, "m", IP, "udp", packets, 0, back)))
            found += list(flood.step(Passed(second * SECOND + back)))
    assert found == []


def test_parts_of_a_second_add_up() -> None:
    halves = [(second, 50) for second in (1, 1, 2, 2, 3, 3)]
    assert names(*halves) == ["syn-flood"]
    assert names(*halves[:-1]) == []


def test_a_second_that_is_over_takes_nothing_more() -> None:
    assert names((1, 100), (2, 100), (3, 60), (2, 100), (3, 39)) == []
    assert names((1, 100), (2, 100), (3, 60), (2, 100), (3, 40)) == ["syn-flood"]

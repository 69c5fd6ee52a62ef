"""Fixed periods."""

from __future__ import annotations

import random
from typing import Any

import pytest

from plugin.ml.behaviour.beacon import Beacon
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import BeaconParameters
from plugin.traffic import Opened

OUTSIDE = bytes(10) + b"\xff\xff" + bytes((203, 0, 113, 9))
INSIDE = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 9))
HOME = Opened(0, 0, "m", 6, INSIDE, OUTSIDE, 0, 443)


def found(times: list[float], *, one_port: bool = False, **changed: Any) -> int:
    detector = Beacon(BeaconParameters())
    events = [
        HOME._replace(
            time=round(t * SECOND), session=i, orig_port=5 if one_port else 40_000 + i, **changed
        )
        for i, t in enumerate(times)
    ]
    return len([one for event in events for one in detector.step(event)])


def test_so_many_equal_intervals() -> None:
    assert found([60.0 * i for i in range(11)]) == 1
    assert found([60.0 * i for i in range(10)]) == 0
    # Told again after a quarter of an hour, so that each capture of a policy's window has it.
    assert [found([60.0 * i for i in range(n)]) for n in (25, 26, 40, 41)] == [1, 2, 2, 3]


def test_regular_for_long_enough() -> None:
    assert found([10.0 * i for i in range(30)]) == 0
    assert found([10.0 * i for i in range(31)]) == 1
    # What became irregular begins anew.
    broken = [10.0 * i for i in range(15)] + [160 + 7.0 * i * i for i in range(10)]
    assert found(broken + [2_000 + 10.0 * i for i in range(25)]) == 0
    paused = [10.0 * i for i in range(20)] + [1_000 + 10.0 * i for i in range(30)]
    assert found(paused) == 0
    assert found([*paused, 1_300.0]) == 1
    # A pause is longer than three periods.
    for pause, visits in ((30.0, 9), (30.1, 31)):
        first = [10.0 * i for i in range(20)]
        again = [190 + pause + 10.0 * i for i in range(visits)]
        assert found(first + again[:-1]) == 0
        assert found(first + again) == 1
    assert found([10.0 * i for i in range(34) if i % 9]) == 1  # one beat in nine is lost


@pytest.mark.parametrize(("shift", "expected"), [(1.2, 1), (5.4, 0)])
def test_jitter(shift: float, expected: int) -> None:
    # Intervals of 60 - 2 * shift and 60 + 2 * shift by turns.
    assert found([60.0 * i + (shift if i % 2 else -shift) for i in range(11)]) == expected


@pytest.mark.parametrize("mean", [45.0, 60.0, 120.0])
def test_visits_at_random_times_are_no_beacon(mean: float) -> None:
    # Half of so few intervals agree now and then in a thousand; three quarters do not besides.
    for seed in range(20):
        chance = random.Random(seed)
        times, at = [], 0.0
        for _ in range(1_000):
            at += chance.expovariate(1 / mean)
            times.append(at)
        assert found(times) == 0, seed


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_visits_that_vary_a_lot_are_none_however_long_one_looks(share: float) -> None:
    for seed in range(10):
        chance = random.Random(seed)
        times, at = [], 0.0
        for _ in range(1_440):
            at += 60 * chance.uniform(1 - share, 1 + share)
            times.append(at)
        assert found(times) == 0, seed


def test_a_quarter_of_the_beats_may_be_missed_or_late_and_no_more() -> None:
    beats = [60.0 * i for i in range(11)]
    for late in range(1, 11):
        assert found([t + (20.0 if i == late else 0) for i, t in enumerate(beats)]) == 1, late
    # Two late beats spoil four of the ten intervals.
    assert found([t + (20.0 if i in {3, 7} else 0) for i, t in enumerate(beats)]) == 0


def test_a_visit_of_several_sessions_is_one() -> None:
    assert found([t for i in range(11) for t in (60.0 * i, 60.0 * i + 0.5)]) == 1


def test_inside_addresses_regular_services_and_short_periods_do_not_count() -> None:
    times = [60.0 * i for i in range(20)]
    assert found(times, resp_ip=INSIDE) == 0
    assert found(times, resp_port=123) == 0
    assert found([1.5 * i for i in range(300)]) == 0


def test_pings_and_conversations_that_go_on_do_not_count() -> None:
    times = [60.0 * i for i in range(20)]
    assert found(times, proto=17) == 1
    assert found(times, proto=1) == 0
    assert found(times, fresh=False) == 0
    assert found(times, one_port=True) == 0


def test_of_a_service_the_last_few_times_are_kept_and_of_many_services_the_last() -> None:
    detector = Beacon(BeaconParameters(tracked=10))
    for i in range(300):
        opened = HOME._replace(time=60 * i * SECOND, session=i, orig_port=40_000 + i)
        for port in (443, 8_000 + i):
            list(detector.step(opened._replace(resp_port=port)))
    assert len(detector._starts) == 10
    kept = [len(seen.times) for (*_, port), seen in detector._starts.items() if port == 443]
    assert kept == [3 * BeaconParameters().intervals + 1]

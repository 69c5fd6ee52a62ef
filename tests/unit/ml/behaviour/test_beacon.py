"""Fixed periods."""

from __future__ import annotations

import pytest

from plugin.ml.behaviour.beacon import Beacon
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import BeaconParameters
from plugin.traffic import Opened

OUTSIDE = bytes(10) + b"\xff\xff" + bytes((203, 0, 113, 9))
INSIDE = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 9))


def found(times: list[float], ip: bytes = OUTSIDE, port: int = 443) -> int:
    detector = Beacon(BeaconParameters())
    events = [
        Opened(round(t * SECOND), i, "m", 6, INSIDE, ip, 5, port) for i, t in enumerate(times)
    ]
    return len([one for event in events for one in detector.step(event)])


def test_so_many_equal_intervals() -> None:
    assert found([10.0 * i for i in range(9)]) == 1
    assert found([10.0 * i for i in range(8)]) == 0
    assert found([10.0 * i for i in range(50)]) == 1


@pytest.mark.parametrize(("shift", "expected"), [(0.2, 1), (0.9, 0)])
def test_jitter(shift: float, expected: int) -> None:
    # Intervals of 10 - 2 * shift and 10 + 2 * shift by turns.
    assert found([10.0 * i + (shift if i % 2 else -shift) for i in range(9)]) == expected


def test_a_visit_of_several_sessions_is_one() -> None:
    assert found([t for i in range(9) for t in (10.0 * i, 10.0 * i + 0.5)]) == 1


def test_inside_addresses_regular_services_and_short_periods_do_not_count() -> None:
    times = [10.0 * i for i in range(20)]
    assert found(times, INSIDE) == 0
    assert found(times, port=123) == 0
    assert found([1.5 * i for i in range(20)]) == 0

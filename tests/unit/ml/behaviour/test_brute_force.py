"""Guessing passwords."""

from __future__ import annotations

import pytest

from plugin.ml.behaviour.brute_force import BruteForce
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import BruteForceParameters
from plugin.traffic import Answered, Opened

ME = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def answered(number: int, seconds: float, proto: int = 6, resp_port: int = 22) -> Answered:
    time = round(seconds * SECOND)
    opened = Opened(time, number, "m", proto, ME, ME, 40_000 + number, resp_port)
    return Answered(time, opened, refused=False)


@pytest.mark.parametrize(
    ("sessions", "spacing", "changed", "expected"),
    [
        (25, 1, {}, 1),
        (24, 1, {}, 0),
        (25, 3, {}, 0),
        (50, 1, {"resp_port": 443}, 0),
        (50, 1, {"proto": 17}, 0),
    ],
)
def test_so_many_sessions_to_one_login_service(
    sessions: int, spacing: float, changed: dict[str, int], expected: int
) -> None:
    detector = BruteForce(BruteForceParameters())
    events = [answered(i, i * spacing, **changed) for i in range(sessions)]
    assert len([one for event in events for one in detector.step(event)]) == expected


def test_refusals_are_no_guesses() -> None:
    detector = BruteForce(BruteForceParameters())
    events = [answered(i, i)._replace(refused=True) for i in range(50)]
    assert [one for event in events for one in detector.step(event)] == []

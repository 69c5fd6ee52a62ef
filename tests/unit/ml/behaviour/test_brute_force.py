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


def test_conversations_that_go_on_are_no_guesses() -> None:
    detector = BruteForce(BruteForceParameters())
    for fresh in (False, True):
        events = [answered(i, i) for i in range(50)]
        events = [event._replace(opened=event.opened._replace(fresh=fresh)) for event in events]
        found = [one.finding.name for event in events for one in detector.step(event)]
        assert found == (["brute-force"] if fresh else [])


def test_a_flood_of_guesses_is_told_as_at_least_so_many_and_takes_no_room() -> None:
    detector = BruteForce(BruteForceParameters(repeat=5))
    events = [answered(i, i / 1_000) for i in range(10_000)]
    first, second = (one.finding for event in events for one in detector.step(event))
    assert first.reasons == ("25 sessions to 10.0.0.1 port 22 in 60 s",)
    assert second.reasons == ("at least 100 sessions to 10.0.0.1 port 22 in 60 s",)
    assert (second.score, second.threshold) == (100, 25)
    assert detector._windows.held == 100

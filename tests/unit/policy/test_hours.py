from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from plugin.policy.hours import holds, minute_of_week, within, words
from plugin.policy.rules import Hours

WORK = Hours(frozenset(range(5)), 9 * 60, 17 * 60)
NIGHT = Hours(frozenset({4}), 22 * 60, 6 * 60)


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", (4, 8 * 60)), ("Etc/GMT-14", (4, 22 * 60)), ("Etc/GMT+12", (3, 20 * 60))],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_the_minute_of_the_week_is_local(expected: tuple[int, int]) -> None:
    assert minute_of_week(1_800_000_000.0) == expected  # Friday 2027-01-15 08:00 UTC


@pytest.mark.parametrize("zone", ["UTC"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_a_moment_is_within() -> None:
    assert within([Hours(frozenset({4}), 480, 481)], 1_800_000_000.0)
    assert not within([Hours(frozenset({4}), 480, 481)], 1_800_000_060.0)
    assert not within([], 1_800_000_000.0)


@pytest.mark.parametrize(
    ("day", "minute", "inside"),
    [(0, 540, True), (0, 539, False), (4, 1019, True), (4, 1020, False), (5, 600, False)],
)
def test_the_end_is_no_part_of_it(day: int, minute: int, inside: bool) -> None:
    assert holds([WORK], day, minute) is inside


@pytest.mark.parametrize(
    ("day", "minute", "inside"),
    [(4, 1320, True), (4, 1319, False), (5, 0, True), (5, 359, True), (5, 360, False),
     (4, 0, False), (6, 0, False)],
)  # fmt: skip
def test_over_midnight_the_day_is_that_on_which_it_began(
    day: int,
    minute: int,
    inside: bool,
) -> None:
    assert holds([NIGHT], day, minute) is inside


def test_a_night_from_sunday_ends_on_monday() -> None:
    assert holds([Hours(frozenset({6}), 1380, 60)], 0, 59)


def test_the_same_minute_twice_is_a_whole_day() -> None:
    daily = Hours(frozenset(range(7)), 600, 600)
    assert all(holds([daily], day, minute) for day in range(7) for minute in (0, 599, 600, 1439))


def test_words() -> None:
    assert words([WORK, NIGHT]) == "mon, tue, wed, thu, fri 09:00-17:00; fri 22:00-06:00"
    assert words([Hours(frozenset(range(7)), 0, 1440)]) == "every day 00:00-24:00"

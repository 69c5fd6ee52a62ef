"""What is learned of a device, when, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.change.distance import layout
from plugin.ml.change.profile import (
    DAY,
    Parameters,
    Profile,
    Seen,
    fresh,
    is_warm,
    limits,
    update,
)
from plugin.ml.change.score import score

HOW = layout("s", ("a", "b", "c"), {"ab": [0, 1], "c": [2]})
QUICK = Parameters(windows=4, span=0.0, settled=3, kept=8, margin=2.0, floor=0.5)
USUAL, OTHER = (0.9, 0.1, 0.0), (0.0, 1.0, 0.0)


def seen(values: tuple[float, ...], time: float, *, anomalous: bool = False) -> Seen:
    return Seen(np.array(values, np.float32), time, f"capture-{time}", anomalous)


def learned(count: int, values: tuple[float, ...] = USUAL, how: Parameters = QUICK) -> Profile:
    profile = fresh(HOW)
    for number in range(count):
        profile = update(profile, seen(values, number), HOW, how)
    return profile


def is_changed(profile: Profile, values: tuple[float, ...]) -> bool:
    found = score(profile, np.array(values), HOW, QUICK)
    assert found is not None
    return found.score >= found.threshold


def test_a_profile_is_warm_after_so_many_windows() -> None:
    assert not is_warm(learned(3), QUICK)
    assert is_warm(learned(4), QUICK)


def test_a_profile_is_not_warm_before_its_first_day_is_over() -> None:
    how = QUICK._replace(span=DAY)
    profile = learned(40, how=how)
    assert not is_warm(profile, how)
    assert is_warm(update(profile, seen(USUAL, DAY), HOW, how), how)


def test_while_it_warms_up_it_learns_whatever_comes() -> None:
    profile = update(learned(3), seen(OTHER, 3), HOW, QUICK)
    assert profile.learned == 4
    assert not is_changed(profile, OTHER)
    assert not is_changed(profile, USUAL)
    assert profile.levels == pytest.approx([1.8, 0.0])


def test_nothing_is_learned_of_an_anomalous_window_and_what_waits_is_dropped() -> None:
    before = update(learned(4), seen(OTHER, 4), HOW, QUICK)
    after = update(before, seen(OTHER, 5, anomalous=True), HOW, QUICK)
    assert (len(before.waiting), len(after.waiting)) == (1, 0)
    assert after.rows.tolist() == before.rows.tolist()
    assert after.learned == before.learned
    assert after.last == "capture-5"
    cold = update(fresh(HOW), seen(USUAL, 0, anomalous=True), HOW, QUICK)
    assert not len(cold.rows)


def test_a_change_is_told_until_it_has_lasted() -> None:
    profile = learned(4)
    for time in (4, 5, 6):
        assert is_changed(profile, OTHER)
        profile = update(profile, seen(OTHER, time), HOW, QUICK)
    assert not is_changed(profile, OTHER)
    assert not len(profile.waiting)
    assert not is_changed(profile, USUAL)


def test_changed_windows_of_long_ago_do_not_add_up() -> None:
    profile = learned(4)
    for number in range(6):
        time = 4 + number * QUICK.memory
        profile = update(profile, seen(OTHER, time), HOW, QUICK)
    assert is_changed(profile, OTHER)
    assert len(profile.waiting) == 2


def test_a_slow_drift_is_followed() -> None:
    profile, row = learned(4), USUAL
    for step in range(200):
        row = (0.9 - step * 0.004, 0.1 + step * 0.004, 0.0)
        assert not is_changed(profile, row)
        profile = update(profile, seen(row, 4 + step), HOW, QUICK)
    assert is_changed(learned(4), row)


def test_a_device_may_have_two_ways_to_be() -> None:
    profile = fresh(HOW)
    for number in range(40):
        row = OTHER if number % 4 == 3 else USUAL
        profile = update(profile, seen(row, number), HOW, QUICK)
    for number in range(30):
        profile = update(profile, seen(USUAL, 40 + number), HOW, QUICK)
    assert not is_changed(profile, OTHER)
    assert is_changed(profile, (0.9, 0.1, 3.0))


def test_levels_are_forgotten_slowly_and_never_below_the_floor() -> None:
    profile = update(learned(3), seen(OTHER, 3), HOW, QUICK)
    first = limits(profile, QUICK)[0]
    for number in range(2_000):
        profile = update(profile, seen(USUAL, 4 + number), HOW, QUICK)
        if number == 99:
            assert 0.5 * first < limits(profile, QUICK)[0] < 0.7 * first
    assert limits(profile, QUICK) == pytest.approx([1.0, 1.0])


def test_rows_are_bounded_the_newest_kept() -> None:
    profile = learned(50)
    assert len(profile.rows) == QUICK.kept
    assert profile.times[-4:].tolist() == [46, 47, 48, 49]
    assert profile.learned == 50


def test_old_rows_are_forgotten_but_for_those_of_a_warm_up() -> None:
    profile = update(learned(6), seen(USUAL, 10 * QUICK.memory), HOW, QUICK)
    assert len(profile.rows) == QUICK.windows
    assert profile.times[-1] == 10 * QUICK.memory


def test_a_capture_is_taken_once() -> None:
    profile = learned(4)
    assert update(profile, seen(USUAL, 3), HOW, QUICK) is profile


def test_rows_of_another_feature_set_are_refused() -> None:
    other = layout("other", ("a", "b", "c"), {"all": [0, 1, 2]})
    with pytest.raises(ValueError, match="another feature set"):
        update(learned(1), seen(USUAL, 9), other, QUICK)
    with pytest.raises(ValueError, match="another feature set"):
        update(learned(1), seen((1.0,), 9), HOW, QUICK)


def test_values_that_are_no_numbers_are_learned_as_nothing() -> None:
    row = (float("nan"), float("inf"), -float("inf"))
    assert learned(1, row).rows.tolist() == [[0.0, 0.0, 0.0]]
    assert np.isfinite(learned(1, (3e38, 0.0, -3e38)).rows).all()

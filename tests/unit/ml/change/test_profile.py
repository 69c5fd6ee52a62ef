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
    trusted,
    update,
)
from plugin.ml.change.score import score

HOW = layout("s", ("a", "b", "c"), {"ab": [0, 1], "c": [2]})
QUICK = Parameters(windows=4, span=0.0, settled=3, kept=8, margin=2.0, floor=0.5)
USUAL, OTHER = (0.9, 0.1, 0.0), (0.0, 1.0, 0.0)
STRAINED = (0.5, 0.5, 0.0)
"""0.8 from what is usual: beyond the level, 0.5, and not beyond the limit, 1."""


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
    for quarter in range(1, 5):
        assert not is_warm(profile, how)
        profile = update(profile, seen(USUAL, 39 + quarter * DAY / 4), HOW, how)
    assert is_warm(profile, how)


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


def test_novel_windows_are_trusted_when_they_are_as_old_as_a_warm_up() -> None:
    how = QUICK._replace(span=4 * DAY, kept=40)
    profile, day = fresh(HOW), 0
    while not is_warm(profile, how):
        assert len(trusted(profile, how)) == 0
        profile = update(profile, Seen(np.array(USUAL), day * DAY, novel=day > 1), HOW, how)
        day += 1
    assert 0 < len(trusted(profile, how)) < len(profile.rows)
    until = day + 7
    for later in range(day, until):
        profile = update(profile, seen(USUAL, later * DAY), HOW, how)
    assert len(trusted(profile, how)) == len(profile.rows)
    new = update(profile, Seen(np.array(USUAL), until * DAY, novel=True), HOW, how)
    wrong = update(new, seen(USUAL, YEARS), HOW, how)
    assert len(trusted(wrong, how)) == len(wrong.rows) - 1  # one wrong clock makes nothing old


def test_times_of_novel_windows_go_with_their_rows() -> None:
    profile = learned(4)
    for time in range(4, 40):
        profile = update(profile, Seen(np.array(USUAL), time, novel=True), HOW, QUICK)
    assert set(profile.novel) <= set(profile.times.tolist())
    waits = update(profile, Seen(np.array(OTHER), 50.0, novel=True), HOW, QUICK)
    assert waits.novel[-1] == 50.0


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
    first = limits(profile, HOW, QUICK)[0]
    for number in range(2_000):
        profile = update(profile, seen(USUAL, 4 + number), HOW, QUICK)
        if number == 99:
            assert 0.5 * first < limits(profile, HOW, QUICK)[0] < 0.7 * first
    assert limits(profile, HOW, QUICK) == pytest.approx([1.0, 1.0])


def test_rows_are_bounded_the_newest_kept() -> None:
    profile = learned(50)
    assert len(profile.rows) == QUICK.kept
    assert profile.times[-4:].tolist() == [46, 47, 48, 49]
    assert profile.learned == 50


def test_old_rows_are_forgotten_but_for_those_of_a_warm_up() -> None:
    profile = learned(6)
    for number in range(3):
        profile = update(profile, seen(USUAL, 10 * QUICK.memory + number), HOW, QUICK)
    assert len(profile.rows) == QUICK.windows
    assert profile.times[-3:].tolist() == [10 * QUICK.memory + n for n in range(3)]


YEARS = 4 * 365 * DAY


@pytest.mark.parametrize("wrong", [YEARS, -YEARS])
def test_a_clock_that_was_wrong_once_neither_lengthens_nor_waives_the_warm_up(wrong: float) -> None:
    how = QUICK._replace(span=DAY)
    profile = update(fresh(HOW), seen(USUAL, YEARS + wrong), HOW, how)
    for number in range(200):
        profile = update(profile, seen(USUAL, YEARS + 900 * number), HOW, how)
        hours = number / 4 + (6 if wrong < 0 else 0)
        assert is_warm(profile, how) == (hours >= 24)


def test_a_clock_that_was_wrong_once_makes_no_row_old() -> None:
    profile = learned(8)
    profile = update(profile, seen(USUAL, YEARS), HOW, QUICK)
    assert len(profile.rows) == QUICK.kept
    profile = update(profile, seen(STRAINED, 2 * YEARS), HOW, QUICK)
    profile = update(profile, seen(OTHER, 2 * YEARS + 1), HOW, QUICK)
    profile = update(profile, seen(STRAINED, 9), HOW, QUICK)
    profile = update(profile, seen(OTHER, 10), HOW, QUICK)
    assert profile.strains.tolist() == [9]  # what waits from years ahead would wait for years
    assert profile.waits.tolist() == [10]


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


def test_windows_between_level_and_limit_wait_apart_and_raise_no_limit() -> None:
    how = QUICK._replace(span=DAY)
    profile = learned(4, how=how)._replace(observed=DAY)
    profile = update(profile, seen(USUAL, DAY), HOW, how)
    for number in range(40):  # one each 15 minutes: not yet a day since the third
        profile = update(profile, seen(STRAINED, DAY + 900 * (1 + number)), HOW, how)
        assert not is_changed(profile, STRAINED)
        assert is_changed(profile, (0.2, 0.8, 0.0))  # 0.6 farther: from them it would be none
    assert limits(profile, HOW, how) == pytest.approx([1.0, 1.0])
    assert len(profile.rows) == 5
    assert len(profile.strained) == len(profile.strains) == how.kept


def test_strained_windows_are_learned_a_day_after_enough_of_them() -> None:
    how = QUICK._replace(span=DAY)
    profile = learned(4, how=how)._replace(observed=DAY)
    profile = update(profile, seen(USUAL, DAY), HOW, how)
    for number in range(3):
        profile = update(profile, seen(STRAINED, DAY + 1 + number), HOW, how)
    before = update(profile, seen(STRAINED, 2 * DAY + 2), HOW, how)
    assert len(before.strained) == 4
    after = update(profile, seen(STRAINED, 2 * DAY + 3), HOW, how)
    assert not len(after.strained)
    assert after.learned == profile.learned + 4
    assert after.levels == pytest.approx([0.8, 0.0])
    assert not is_changed(after, (0.2, 0.8, 0.0))
    # Where they lie far beyond, a level grows by so many times at most.
    wide = how._replace(margin=6.0, growth=1.5)
    profile = learned(4, how=wide)._replace(observed=DAY)
    profile = update(profile, seen(USUAL, DAY), HOW, wide)
    for time in (1.0, 2.0, 3.0, DAY + 3):
        profile = update(profile, seen((0.9, 0.1, 2.9), DAY + time), HOW, wide)
    assert profile.levels == pytest.approx([0.0, 0.75])


def test_strained_windows_are_dropped_with_an_anomalous_one_and_when_old() -> None:
    profile = update(learned(4), seen(STRAINED, 4), HOW, QUICK)
    assert len(profile.strained) == 1
    later = update(profile, seen(STRAINED, 5 + QUICK.memory), HOW, QUICK)
    assert later.strains.tolist() == [5 + QUICK.memory]
    bad = update(profile, seen(OTHER, 5, anomalous=True), HOW, QUICK)
    assert len(bad.strained) == len(bad.strains) == 0


def test_a_window_at_the_limit_has_changed_and_one_at_the_level_is_learned() -> None:
    how = QUICK._replace(floor=0.25)
    profile = learned(4, (0.0, 0.0, 0.0), how)
    profile = profile._replace(levels=np.array([0.5, 0.25]))
    at = update(profile, seen((0.0, 0.0, 0.5), 4), HOW, how)
    assert (len(at.waiting), len(at.strained)) == (1, 0)
    level = update(profile, seen((0.0, 0.0, 0.25), 4), HOW, how)
    assert (level.learned, len(level.strained)) == (5, 0)


def test_a_settled_change_brings_its_own_levels() -> None:
    profile = learned(4)
    for number, height in enumerate((3.0, 5.0, 8.0)):
        profile = update(profile, seen((0.9, 0.1, height), 4 + number), HOW, QUICK)
    assert profile.levels.tolist() == pytest.approx([0.0, 3.0])


def test_the_newest_half_is_kept_whatever_it_is_like() -> None:
    profile = fresh(HOW)
    for number in range(40):
        profile = update(profile, seen(USUAL, number), HOW, QUICK)
    assert profile.times[-4:].tolist() == [36, 37, 38, 39]
    alike = learned(4, how=QUICK)
    for number in range(8):
        alike = update(alike, seen((0.9 - 0.05 * number, 0.1, 0.0), 4 + number), HOW, QUICK)
    assert alike.times[-4:].tolist() == [8, 9, 10, 11]
    # Two new ones that are the same are no reason to drop one of them: an older one goes.
    twins = fresh(HOW)
    for number in (0, 1, 2, 3, 4, 5, 6, 7, 7):
        row = (0.9 - 0.1 * number, 0.1 + 0.1 * number, 0.0)
        twins = update(twins, seen(row, twins.learned), HOW, QUICK)
    assert twins.times[-4:].tolist() == [5, 6, 7, 8]


def test_what_the_document_says_of_learning_is_so() -> None:
    how = Parameters()
    assert (how.windows, how.span, how.packets, how.settled, how.kept) == (12, DAY, 20, 12, 48)
    assert (how.margin, how.floor, how.growth, how.memory) == (3.0, 1.0, 2.0, 30 * DAY)

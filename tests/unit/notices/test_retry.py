"""When it is tried again."""

from __future__ import annotations

import pytest

from plugin.notices.retry import ASKED_MOST, FIRST, LONGEST, plan_retry


def test_each_failure_doubles_the_pause_up_to_the_longest() -> None:
    longest = [plan_retry(n, 1.0) for n in range(1, 16)]
    assert longest[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert longest == sorted(longest)
    assert longest[-1] == LONGEST
    assert plan_retry(10**9, 1.0) == LONGEST


def test_half_of_it_is_chance() -> None:
    assert plan_retry(4, 0.0) == 4 * FIRST
    assert plan_retry(4, 0.5) == 6 * FIRST


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 8.0), (3.0, 8.0), (120.0, 120.0), (1e9, ASKED_MOST)]
)
def test_who_asks_for_patience_gets_it_within_reason(asked: float | None, seconds: float) -> None:
    assert plan_retry(4, 1.0, asked) == seconds

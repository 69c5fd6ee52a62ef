"""Windows on arrays: what many loops would find."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.offline.crowds import Window, among, crowded, frequent, key_of, many, member, sliding
from plugin.sessions.watch import SECOND


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("span", [1, 3, 100])
def test_sliding_sums_are_those_of_a_loop(seed: int, span: int) -> None:
    chance = np.random.default_rng(seed)
    number, part = chance.integers(0, 4, 60), np.sort(chance.integers(-20, 20, 60))
    amount = chance.integers(0, 9, 60)
    sums, ones = sliding(key_of(number), part, span, (amount, np.ones(60, np.int64)))
    order = np.lexsort((part, number))
    for place, i in enumerate(order):
        before = order[: place + 1]
        same = before[(number[before] == number[i]) & (part[before] > part[i] - span)]
        assert (sums[i], ones[i]) == (amount[same].sum(), len(same))


def test_sums_of_nothing() -> None:
    none = np.zeros(0, np.int64)
    (sums,) = sliding(key_of(none), none, 5, (none,))
    assert len(sums) == 0


def test_many_different_and_close_together() -> None:
    key, item = key_of(np.array([1, 1, 1, 2, 2, 2])), np.array([5, 6, 7, 5, 5, 6])
    everyone = np.ones(6, np.bool_)
    assert many(everyone, key, item, 3).tolist() == [True] * 3 + [False] * 3
    time = np.array([0, 5, 11, 0, 0, 20]) * SECOND
    assert crowded(everyone, key, Window(2, time, 5)).tolist() == [1, 1, 0, 1, 1, 0]
    assert not many(everyone, key, item, 7).any()
    assert not crowded(everyone, key, Window(7, time, 5)).any()


def test_membership() -> None:
    assert among(np.array([1, 80, 443]), (443, 80)).tolist() == [False, True, True]
    keys = key_of(np.array([3, 1, 2]))
    assert member(keys, keys[[0, 2]]).tolist() == [True, False, True]


def test_the_frequent_are_found_without_sorting_and_none_is_missed() -> None:
    chance = np.random.default_rng(3)
    number = chance.integers(0, 500, 2_000)
    amount = chance.integers(0, 9, 2_000)
    counts, sums = np.bincount(number), np.bincount(number, amount)
    for least, true, told in (
        (8, counts, frequent(key_of(number), 8)),
        (30, sums, frequent(key_of(number), 30, amount)),
    ):
        assert told[true[number] >= least].all()
        assert told.mean() < (true[number] >= least).mean() + 0.1

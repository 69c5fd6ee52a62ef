"""Counting by groups."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.grouped import (
    SECOND,
    Beat,
    different,
    highest,
    key_of,
    most,
    most_different,
    regular,
)

ROW = np.array([0, 0, 0, 2, 2, 0])
GROUP = key_of(np.array([1, 1, 2, 1, 1, 1]))
ITEM = key_of(np.array([5, 5, 6, 7, 8, 9]))
BEAT = Beat(least=5, slack=0.1, lasting=300)


def test_different_items_of_each_row() -> None:
    assert different(ROW, ITEM, 4).tolist() == [3, 0, 2, 0]


def test_the_group_with_most_counts() -> None:
    assert most_different(ROW, GROUP, ITEM, 4).tolist() == [2, 0, 2, 0]
    assert most(ROW, GROUP, 4).tolist() == [3, 0, 2, 0]
    value = np.array([1.0, -5.0, 7.0, 2.0, 2.5, 1.0])
    assert most(ROW, GROUP, 4, value).tolist() == [7, 0, 4.5, 0]


def test_nothing_counts_nothing() -> None:
    none, key = np.zeros(0, np.int64), np.zeros(0, np.uint64)
    for found in (different(none, key, 2), most(none, key, 2), most_different(none, key, key, 2)):
        assert found.tolist() == [0, 0]
    assert regular(none, key, none, 2, BEAT).tolist() == [0, 0]


def test_the_highest_is_never_below_nothing() -> None:
    assert highest(np.array([0, 0, 1]), np.array([3.0, 4.0, -2.0]), 3).tolist() == [4, 0, 0]


def test_keys_tell_apart_what_differs_anywhere() -> None:
    addresses = np.zeros((4, 16), np.uint8)
    addresses[1, 0] = addresses[2, 15] = 1
    keys = key_of(addresses, np.array([0, 0, 0, 1]))
    assert len(set(keys.tolist())) == 4
    assert key_of(np.array([1]), np.array([2])) != key_of(np.array([2]), np.array([1]))


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([60] * 10, 10),
        ([60, 63, 57, 60, 62, 59], 6),
        ([60] * 8 + [200, 300], 6),  # eight of ten agree: three beyond half, doubled
        ([60] * 4, 0),  # too few
        ([2] * 40, 0),  # too short
        ([0] * 10 + [400], 0),  # all at once
        ([10, 200, 3, 90, 400, 55, 700, 1], 0),  # no order at all
    ],
)
def test_a_rhythm_is_gaps_of_one_length_that_last(gaps: list[int], expected: int) -> None:
    time = np.cumsum([0, *gaps]) * SECOND
    row, group = np.ones(len(time), np.int64), np.full(len(time), 7, np.uint64)
    order = np.random.default_rng(1).permutation(len(time))
    found = regular(row, group, time[order], 2, BEAT)
    assert found[0] == 0
    assert found[1] == pytest.approx(expected, abs=1 if expected == 0 else 0)


def test_groups_have_rhythms_of_their_own() -> None:
    time = np.concatenate([np.arange(10) * 60, np.arange(10) * 60 + 7]) * SECOND
    group = np.repeat(np.array([1, 2], np.uint64), 10)
    assert regular(np.zeros(20, np.int64), group, time, 1, BEAT).tolist() == [9]

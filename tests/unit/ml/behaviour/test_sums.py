"""Sliding sums: what falls out, what comes late, and how much is kept."""

from __future__ import annotations

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.sums import SLOTS, Sums, SumsOf, parts_of
from plugin.traffic import Counted

IP = bytes(16)


def count(second: int, packets: int = 1, payload: int = 10, back: int = 0) -> Counted:
    return Counted(second * SECOND, "m", IP, "udp", packets, payload, back, 5 * back)


def test_a_window_is_cut_into_parts_of_whole_seconds() -> None:
    assert parts_of(60) == (1, 60)
    assert parts_of(5.5) == (1, 5)
    assert parts_of(600) == (10, 60)
    assert parts_of(0.1) == (1, 1)


def test_what_is_older_than_the_window_falls_out() -> None:
    sums = Sums(10)
    assert [sums.add(count(second, 2, 7, 1)) for second in (0, 0, 3, 9)] == [1, 0, 1, 1]
    assert (sums.packets, sums.payload, sums.back_packets, sums.back_payload) == (8, 28, 4, 20)
    assert sums.add(count(10)) == 0  # one more, and the two of second 0 less
    assert (sums.packets, sums.payload, sums.back_packets, sums.back_payload) == (5, 24, 2, 10)
    assert sums.add(count(1_000)) == -2
    assert (sums.packets, sums.count) == (1, 1)


def test_what_comes_late_counts_where_the_last_came() -> None:
    sums = Sums(10)
    sums.add(count(100))
    sums.add(count(5))
    assert (sums.packets, sums.count) == (2, 1)
    sums.add(count(109))
    assert sums.packets == 3
    sums.add(count(110))
    assert sums.packets == 2


def test_each_episode_is_told_once() -> None:
    sums = Sums(10)
    times = [sums.due(round(t * SECOND), 5) for t in (10, 12, 14.9, 15, 16)]
    assert times == [True, False, False, True, False]


def test_all_keys_together_keep_so_many_parts() -> None:
    table: SumsOf[int] = SumsOf(20, 60)
    for second in range(200):
        for key in range(20):
            table.add(key, count(second))
    assert table.held == sum(sums.count for sums in table.values()) <= table.items_max == 100
    assert all(sums.count <= SLOTS for sums in table.values())

from __future__ import annotations

import numpy as np

from plugin.ml.features.host_parts import Part, mixed, part_of, sorted_by
from tests.build import packet


def part(rows: list[int], n_rows: int, **columns: list[int]) -> Part:
    return Part(lambda name: np.array(columns[name]), np.array(rows, np.int64), n_rows, "src")


def test_packets_are_sorted_by_row_and_keep_their_order() -> None:
    found = sorted_by(np.array([2, -1, 0, 2, 0]))
    assert found.where.tolist() == [2, 4, 0, 3]
    assert found.row.tolist() == [0, 0, 2, 2]


def test_a_part_of_some_rows() -> None:
    packets = np.concatenate([packet(f"10.0.0.{k}:{k}", "10.0.0.9:80") for k in range(1, 6)])
    whose = sorted_by(np.array([2, -1, 0, 2, 1]))
    sent = part_of(packets, whose, (1, 3), "src")
    assert sent.row.tolist() == [0, 1, 1]
    assert sent["index"].tolist() == [4, 0, 3]
    assert sent["own_port"].tolist() == [5, 1, 4]
    assert set(sent["peer_port"]) == {80}
    received = part_of(packets, whose, (1, 3), "dst")
    assert received["peer_port"].tolist() == [5, 1, 4]
    assert len(part_of(packets, whose, (3, 3), "src")) == 0


def test_shares_and_fractions_are_of_the_rows_packets() -> None:
    three = part([0, 0, 0, 2], 3)
    assert three.tally(np.array([1, 1, 0, 0]), 2).tolist() == [[1, 2], [0, 0], [1, 0]]
    assert three.shares(np.array([1, 1, 1, 0]), 2).tolist() == [[0, 1], [0, 0], [1, 0]]
    odd = np.array([True, False, False, True])
    assert three.fractions(odd, ~odd).tolist() == [[1 / 3, 2 / 3], [0, 0], [1, 0]]


def test_numbers_of_a_row() -> None:
    some, values = part([0, 0, 2, 2], 4), np.array([1, 3, -5, -5])
    assert some.total(values).tolist() == [4, 0, -10, 0]
    assert some.mean(values).tolist() == [2, 0, -5, 0]
    assert some.spread(values).tolist() == [1, 0, 0, 0]
    assert some.most(values).tolist() == [3, 0, -5, 0]
    assert some.least(values).tolist() == [1, 0, -5, 0]
    none = part([], 2)
    empty = np.zeros(0)
    for found in (none.total(empty), none.mean(empty), none.spread(empty), none.most(empty)):
        assert found.tolist() == [0, 0]


def test_different_keys_are_numbered_in_order_within_their_row() -> None:
    some = part([0, 0, 0, 1, 1, 1], 2)
    found = some.numbers(np.array([7, 5, 7, 5, 5, 6]))
    assert found.leads.tolist() == [True, True, False, True, False, True]
    assert found.number.tolist() == [0, 1, 0, 2, 2, 3]
    assert some.each(np.array([7, 5, 7, 5, 5, 6])).counts.tolist() == [2, 2]


def test_keys_of_several_columns_and_addresses() -> None:
    a = np.zeros((2, 16), np.uint8)
    a[1, 15] = 1
    assert len(set(mixed(np.array([1, 1]), a).tolist())) == 2
    assert len(set(mixed(np.array([1, 2]), np.array([2, 1])).tolist())) == 2
    assert len(set(mixed(np.array([3, 3]), a * 0).tolist())) == 1


def test_a_choice_of_packets_keeps_fields_and_what_was_made() -> None:
    some = part([0, 1, 1], 2, ttl=[64, 1, 2])
    chosen = some.only(np.array([True, False, True]))
    assert chosen["ttl"].tolist() == [64, 2]
    assert chosen.row.tolist() == [0, 1]
    assert chosen.made("twice", lambda p: 2 * p["ttl"]).tolist() == [128, 4]
    assert chosen.only(np.array([False, True]))["twice"].tolist() == [4]


def test_place_split_and_steps() -> None:
    some = part([0, 0, 0, 1], 2, time=[1, 5, 4, 9])
    assert some.place.tolist() == [0, 1, 2, 0]
    later, steps = some.steps(some["time"])
    assert (later.row.tolist(), steps.tolist()) == ([0, 0], [4, -1])
    split = some.split(np.array([1, 0, 1, 0]), 2)
    assert split.row.tolist() == [0, 1, 1, 2]
    assert split["time"].tolist() == [5, 1, 4, 9]
    assert split.counts.tolist() == [1, 2, 1, 0]
    assert len(part([], 1, time=[]).steps(np.zeros(0, np.int64))[1]) == 0

from __future__ import annotations

import numpy as np
import pytest

from plugin.flows.records import KEY, TUPLE_BYTES, no_flows
from tests.flowing import flows, same, seconds, timed


def test_a_key_begins_with_the_five_that_tell_flows_apart() -> None:
    assert KEY.itemsize == 45
    assert KEY.fields is not None
    assert KEY.fields["proto"][1] == TUPLE_BYTES - 1
    assert KEY.fields["src_mac"][1] == TUPLE_BYTES


def test_flows_are_counted_not_columns() -> None:
    found = flows(timed(0, 1.5, 2), timed(5), timed(7, 7))
    assert len(found) == 3
    assert found.packets == 6
    assert found.counts().tolist() == [3, 1, 2]
    assert found.durations().tolist() == [2.0, 0.0, 0.0]


def test_none_are_none() -> None:
    assert len(no_flows()) == no_flows().packets == 0
    assert no_flows().durations().shape == no_flows().counts().shape == (0,)
    assert same(no_flows().take(np.zeros(0, np.bool_)), no_flows())


@pytest.mark.usefixtures("core")
def test_some_are_taken_by_number_or_by_a_mask() -> None:
    found = flows(timed(0, 1), timed(5, 6, 9), timed(7, 8))
    two = found.take(np.array([2, 1]))
    assert seconds(two) == [[7, 8], [5, 6, 9]]
    assert two.keys["src_port"].tolist() == [1002, 1001]
    assert same(found.take(np.array([True, False, True])), found.take(np.array([0, 2])))
    assert same(found.take(np.ones(3, np.bool_)), found)
    assert found.take(np.arange(3)).time is found.time  # nothing is copied when all are wanted


def test_times_a_world_apart_do_not_wrap() -> None:
    found = flows(timed(0, 1))
    found.time[:] = -(1 << 62), 1 << 62
    assert found.durations()[0] == 2.0**63 / 1e9

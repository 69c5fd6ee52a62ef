"""The compiled core makes flows, parts and rows as numpy does, to the bit, of any records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin import core
from plugin.flows import by_numpy
from plugin.flows.cut import nanoseconds
from plugin.flows.records import Flows
from plugin.flows.spec import FEATURES
from plugin.flows.table import FlowTable
from tests.flowing import flows, records, same, timed

HEADERS = 8


@pytest.fixture(autouse=True)
def compiled() -> None:
    if core.implementation() == "reference":
        pytest.skip("the extension is not built")


def gathered(seed: int, number: int, pieces: int) -> tuple[Flows, Flows]:
    """The flows of records, by both."""
    rows, table, other = records(seed, number), FlowTable(), by_numpy.Gathered()
    for part in np.array_split(rows, pieces):
        table.feed(part.tobytes())
        other.feed(part.tobytes())
    assert same(table.gathered(3), other.flows(3))
    return table.gathered(), other.flows()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1 << 32),
    number=st.integers(0, 300),
    pieces=st.integers(1, 4),
    limit=st.sampled_from([0.0, 1e-9, 0.05, 1.0, 2.5, 1e300]),
    least=st.integers(1, 4),
    drop=st.booleans(),
)
def test_flows_and_parts_are_the_same(
    seed: int, number: int, pieces: int, limit: float, least: int, drop: bool
) -> None:
    ours, numpys = gathered(seed, number, pieces)
    assert same(ours, numpys)
    loops = core.flow_loops()
    assert loops is not None
    if not len(ours):
        return
    limits = np.full(len(ours), nanoseconds(limit))
    for grid in (False, True):
        found = loops.flow_parts(ours.starts.data, ours.time.data, limits.data, grid, least, drop)
        expected = by_numpy.parts(ours, limits, grid=grid, least=least, drop=drop)
        assert [np.frombuffer(f, np.int64).tolist() for f in found] == [
            e.tolist() for e in expected
        ]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1 << 32),
    number=st.integers(1, 300),
    feature=st.sampled_from(FEATURES),
    window=st.integers(1, 10**10),
    width=st.integers(1, 40),
    header=st.booleans(),
)
def test_rows_are_the_same(
    seed: int, number: int, feature: str, window: int, width: int, header: bool
) -> None:
    some, _ = gathered(seed, number, 1)
    loops = core.flow_loops()
    assert loops is not None
    if not len(some):
        return
    width = 12 if feature == "STATS" else width
    ours = np.zeros((len(some), width + (HEADERS + width) * header))
    numpys = ours.copy()
    columns = some.starts.data, some.time.data, some.size.data, some.ttl.data, some.flags.data
    how = FEATURES.index(feature), header, window
    loops.flow_rows(columns, how, width, ours.data)
    by_numpy.rows(some, feature, window, header=header, out=numpys)
    assert np.array_equal(ours, numpys)


def test_buffers_that_do_not_fit_are_refused() -> None:
    from plugin.core import _core

    core_: Any = _core
    some = flows(timed(0, 1), timed(2, 3, 4))
    starts, time = some.starts, some.time
    limits = np.zeros(2, np.int64)
    for bad in ([0, 2], [0, 2, 6], [1, 2, 5], [0, 0, 5], [0, 4, 3], [], [5], [0, -2, 5]):
        with pytest.raises(ValueError, match="reaches out of the columns"):
            core_.flow_parts(np.array(bad, np.int64), time, limits, True, 2, False)
    with pytest.raises(ValueError, match="reaches out of the columns"):
        core_.flow_parts(starts, time, limits[:1], True, 2, False)
    for begin, end, packets in (
        ([0, 2], [2], time),
        ([0], [6], time),
        ([-1], [2], time),
        ([3], [2], time),
        ([6], [6], time),
        ([0], [2], time[:4]),
    ):
        one: Any = (packets, some.size, some.ttl, some.flags)
        with pytest.raises(ValueError, match="reaches out of the columns"):
            core_.flow_pieces(np.array(begin, np.int64), np.array(end, np.int64), one)
    right = (starts, time, some.size, some.ttl, some.flags)
    for columns, how, width, size in (
        ((*right[:4], some.flags[:1]), (0, False, 0), 3, 6),
        ((*right[:2], some.size[:1], *right[3:]), (0, False, 0), 3, 6),
        (right, (6, False, 1), 3, 6),
        (right, (-1, False, 1), 3, 6),
        (right, (4, False, 0), 3, 6),
        (right, (3, False, 0), 3, 6),
        (right, (0, True, 0), 3, 6),
        (right, (0, False, 0), 0, 0),
        (right, (0, False, 0), 3, 7),
        (right, (0, False, 0), 1 << 40, 6),
    ):
        with pytest.raises(ValueError, match="a row of zeros for each"):
            core_.flow_rows(columns, how, width, np.zeros(size))
    with pytest.raises(ValueError, match="a seed of 16 bytes"):
        core_.FlowTable(bytes(15))
    with pytest.raises(ValueError, match="whole packet records"):
        core_.FlowTable(bytes(16)).feed(bytes(129))

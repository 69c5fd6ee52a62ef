"""What only numpy's way has; that both agree stands in tests/property/test_flows_agree.py."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.flows import by_numpy
from tests.flowing import flows, records, timed


def test_windows_work_on_any_numbers() -> None:
    assert by_numpy.windows([0, 5, 10, 11, 40], [1, 1, 1, 1, 1], 10) == [3, 1, 0, 0, 1]
    assert by_numpy.windows([7], [9], 10) == [9]


def test_tables_of_numpy_begin_empty() -> None:
    gathered = by_numpy.Gathered()
    assert len(gathered.flows()) == 0
    gathered.feed(b"")
    rows = records(1, 20)
    rows["proto"] = 1
    gathered.feed(rows.tobytes())
    assert len(gathered.flows()) == 0
    with pytest.raises(ValueError, match="buffer size must be a multiple"):
        gathered.feed(bytes(5))


def test_parts_are_whose_from_and_to() -> None:
    some = flows(timed(0, 1, 9), timed(0, 9, 18))
    limits = np.full(2, 5_000_000_000)
    flow, begin, end = by_numpy.parts(some, limits, grid=False, least=1, drop=False)
    assert flow.tolist() == [0, 0, 1, 1, 1]
    assert begin.tolist() == [0, 2, 3, 4, 5]
    assert end.tolist() == [2, 3, 4, 5, 6]
    flow, begin, _ = by_numpy.parts(some, limits, grid=False, least=1, drop=True)
    assert flow.tolist() == [0, 1, 1]
    assert begin.tolist() == [0, 3, 4]

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from plugin.errors import InputError, OptionError
from plugin.flows.cut import LONGEST, cut, cut_idle, interval, nanoseconds
from plugin.flows.records import UDP, no_flows
from tests.flowing import flows, same, seconds, timed

IDLE = (600.0, 600.0)
pytestmark = pytest.mark.usefixtures("core")


def test_the_interval_is_a_quantile_of_durations() -> None:
    found = flows(timed(0, 1), timed(0, 2), timed(0, 4))
    assert interval(found, 0.5) == 2.0
    assert interval(found) == pytest.approx(3.6)
    with pytest.raises(InputError, match="no TCP or UDP flow has 2 packets"):
        interval(no_flows())


@pytest.mark.parametrize("q", [0, -0.1, 1.01, math.nan])
def test_what_is_no_quantile_is_said(q: float) -> None:
    with pytest.raises(OptionError, match="is no quantile"):
        interval(flows(timed(0, 1)), q)


def test_a_gap_as_long_as_the_interval_does_not_part() -> None:
    found = flows(timed(0, 2, 4, 6.000000001, 7))
    assert seconds(cut(found, 2.0)) == [[0, 2, 4], [6.000000001, 7]]
    assert seconds(cut(found, 2.1)) == [[0, 2, 4, 6.000000001, 7]]


def test_after_a_cut_gaps_are_counted_from_the_grid() -> None:
    # 5.9 opens a part whose place on the grid of 2 s is 4: to 6.1 it is 2.1 s, not 0.2.
    found = flows(timed(0, 1, 5.9, 6.1, 7, 8))
    assert seconds(cut(found, 2.0)) == [[0, 1], [6.1, 7, 8]]
    assert seconds(cut(found, 2.0, last="drop")) == [[0, 1]]
    # The grid goes on from where it was, not from the flow's begin.
    again = flows(timed(0, 0.5, 3.6, 3.7, 9.9, 11.9, 12))
    assert seconds(cut(again, 3.0)) == [[0, 0.5], [3.6, 3.7], [9.9, 11.9, 12]]


def test_an_interval_of_nothing_parts_wherever_time_passes() -> None:
    assert seconds(cut(flows(timed(0, 0, 1, 1, 1, 2)), 0.0)) == [[0, 0], [1, 1, 1]]


def test_idle_flows_end_and_the_last_part_is_kept_or_dropped() -> None:
    found = flows(timed(0, 1, 602, 603), timed(0, 600, 1200), timed(5))
    assert seconds(cut_idle(found, IDLE)) == [[0, 1], [602, 603], [0, 600, 1200]]
    assert seconds(cut_idle(found, IDLE, last="drop")) == [[0, 1], [0, 600, 1200]]
    assert seconds(cut_idle(found, IDLE, min_packets=3)) == [[0, 600, 1200]]
    assert cut_idle(found, IDLE).keys["src_port"].tolist() == [1000, 1000, 1001]


def test_each_protocol_has_its_time_out() -> None:
    tcp, udp = flows(timed(0, 1, 5, 6)), flows(timed(0, 1, 5, 6), proto=UDP)
    assert len(cut_idle(tcp, (3, 9))) == len(cut_idle(udp, (9, 3))) == 2
    assert len(cut_idle(tcp, (9, 3))) == len(cut_idle(udp, (3, math.inf))) == 1


def test_none_stay_none() -> None:
    assert same(cut(no_flows(), 1.0), no_flows())
    assert same(cut_idle(no_flows(), IDLE, last="drop"), no_flows())


def test_what_cannot_be_is_said() -> None:
    found, wrong = flows(timed(0, 1)), "last"
    for seconds_ in (-1.0, math.inf, math.nan):
        with pytest.raises(OptionError, match="is no interval"):
            cut(found, seconds_)
    with pytest.raises(OptionError, match="of 1 packets have no features"):
        cut(found, 1.0, min_packets=1)
    bad: Any = {wrong: "burn"}
    with pytest.raises(OptionError, match="'burn': the last part is kept or dropped"):
        cut(found, 1.0, **bad)
    for timeouts in ((0.0, 1.0), (1.0, -1.0), (math.nan, 1.0)):
        with pytest.raises(OptionError, match="is no idle time-out"):
            cut_idle(found, timeouts)


def test_seconds_are_whole_nanoseconds_and_have_an_end() -> None:
    assert nanoseconds(5.7765078000000040) == 5_776_507_800
    assert 1.001 * 1e9 < 1_001_000_000 == nanoseconds(1.001)  # the nearest, not the one below
    assert nanoseconds(math.inf) == nanoseconds(1e30) == LONGEST
    assert np.int64(LONGEST) > 0

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin.core.layout import PACKET
from plugin.errors import ModelError
from plugin.flows.spec import Spec
from plugin.flows.stream import BACKSTEP, END, EVICTED, FULL, PAUSE, Ended, Limits, Stream
from tests.flowing import SECOND, START, seconds

pytestmark = pytest.mark.usefixtures("core")
DEFAULT = Limits()


def packets(*times: float, **columns: object) -> bytes:
    rows = np.zeros(len(times), PACKET.dtype())
    rows["time"] = [START + round(t * SECOND) for t in times]
    rows["proto"], rows["src_port"], rows["dst_port"] = 6, 40_000, 80
    rows["wire_len"], rows["ttl"], rows["tcp_flags"] = 100, 64, 24
    for name, value in columns.items():
        rows[name] = value
    return rows.tobytes()


def stream(
    interval: float = 2.0, *, slack: float = 1.0, limits: Limits = DEFAULT, **spec: Any
) -> Stream:
    whole = {"feature": "SIZE", "fft": False, "header": False, "packets": 5, "sampling": None}
    return Stream(Spec(interval=interval, **{**whole, **spec}), slack=slack, limits=limits)


def told(ended: Ended) -> list[tuple[list[float], int]]:
    return list(zip(seconds(ended.flows), ended.why.tolist(), strict=True))


def test_a_part_is_given_out_once_its_pause_is_over() -> None:
    one = stream()
    assert told(one.feed(packets(0, 1))) == []
    assert told(one.feed(packets(4, src_port=1))) == []  # 1 s of disorder, 2 s of pause: not yet
    assert told(one.feed(packets(4.1, src_port=1))) == [([0, 1], PAUSE)]
    assert told(one.finish()) == [([4, 4.1], END)]
    assert one.counts() == (4, 2, 0, 0, 0, 0)


def test_time_can_go_on_without_packets() -> None:
    one = stream()
    assert told(one.advance(START)) == []
    one.feed(packets(0, 1))
    assert told(one.advance(START + 4 * SECOND)) == []
    assert told(one.advance(START + 3 * SECOND)) == []
    assert told(one.advance(START + 4 * SECOND + 1)) == [([0, 1], PAUSE)]


def test_the_grid_goes_on_after_a_part_was_given_out() -> None:
    # As in a whole capture: 5.9 counts from 4, so 6.1 begins a part of its own.
    one = stream(slack=0.0)
    one.feed(packets(0, 1))
    assert told(one.feed(packets(5, src_port=1))) == [([0, 1], PAUSE)]
    one.feed(packets(5.9))
    one.feed(packets(6.1, 7, 8))
    assert told(one.finish()) == [([6.1, 7, 8], END)]


def test_after_a_time_out_it_is_another_flow() -> None:
    one = stream(slack=0.0, timeouts=(3.0, 600.0))
    one.feed(packets(0, 1))
    one.feed(packets(4.1, src_port=1))
    assert len(one) == 1
    one.feed(packets(5.9, 6.1, 7))
    assert told(one.finish()) == [([5.9, 6.1, 7], END)]


def test_disorder_within_the_slack_is_put_right_and_beyond_it_left_out() -> None:
    one = stream()
    one.feed(packets(0, 2.0, 1.5))
    one.feed(packets(1.2, 0.9))
    assert told(one.finish()) == [([0, 1.2, 1.5, 2.0], END)]
    assert one.counts().late == 1


def test_when_time_goes_back_all_ends_and_begins_anew() -> None:
    one = stream()
    ended = one.feed(packets(100, 101, 0, 1))
    assert told(ended) == [([100, 101], BACKSTEP)]
    assert told(one.finish()) == [([0, 1], END)]
    assert one.counts().backsteps == 1


def test_the_flow_silent_longest_goes_where_there_are_too_many() -> None:
    one = stream(limits=Limits(flows=2))
    for port in (1, 2):
        one.feed(packets(0, 0.1, src_port=port))
    one.feed(packets(0.2, src_port=1))
    ended = one.feed(packets(0.3, src_port=3))
    assert ended.flows.keys["src_port"].tolist() == [2]
    assert told(ended) == [([0, 0.1], EVICTED)]
    assert (len(one), one.counts().evicted) == (2, 1)


def test_packets_are_held_up_to_a_limit() -> None:
    one = stream(limits=Limits(packets=5))
    one.feed(packets(0, 0.1, 0.2, src_port=1))
    ended = one.feed(packets(0.3, 0.4, 0.5, src_port=2))
    assert told(ended) == [([0, 0.1, 0.2], EVICTED)]
    assert one.held == 3


def test_a_long_part_comes_in_pieces() -> None:
    one = stream(limits=Limits(flow_packets=3))
    times = [k / 10 for k in range(8)]
    found = told(one.feed(packets(*times))) + told(one.finish())
    assert found == [(times[:3], FULL), (times[3:6], FULL), (times[6:], END)]
    assert one.counts().full == 2


def test_many_flows_that_went_leave_nothing_behind() -> None:
    one = stream(limits=Limits(flows=1), slack=0.0)
    for number in range(1200):
        one.feed(packets(number / 1e4, src_port=1 + number % 2))
    assert len(one) == 1
    assert len(one._due) < 1100


def test_the_last_part_cannot_be_left_out() -> None:
    with pytest.raises(ModelError, match="--last keep"):
        stream(last="drop")


def test_records_that_are_not_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        stream().feed(bytes(127))

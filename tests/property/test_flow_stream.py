"""What a stream gives out is what is cut of the whole capture, whatever pieces it comes in."""

from __future__ import annotations

import random

import pytest

from plugin.flows.cut import cut
from plugin.flows.spec import Spec
from plugin.flows.stream import END, FULL, PAUSE, Limits, Stream
from plugin.flows.table import FlowTable
from tests.flowing import parts_of, records, seconds


@pytest.mark.parametrize("seed", range(40))
def test_a_stream_and_the_whole_are_cut_alike(seed: int) -> None:
    chance = random.Random(seed)
    rows = records(seed, chance.choice([1, 5, 60, 400]))
    timeouts = (chance.choice([1.0, 7.0, 600.0]), chance.choice([3.0, 600.0]))
    spec = Spec(
        feature="SIZE",
        fft=False,
        header=False,
        packets=5,
        interval=chance.choice([0.0, 0.5, 2.0, 5.0, 50.0]),
        sampling=None,
        timeouts=timeouts,
        min_packets=chance.choice([2, 3]),
    )
    table = FlowTable(*timeouts)
    table.feed(rows.tobytes())
    whole = cut(table.flows(spec.min_packets), spec.interval, spec.min_packets)
    stream, found, at = Stream(spec, slack=10.0), [], 0  # records() disorders by 4 s at most
    while at < len(rows):
        n = chance.choice([1, 3, 50, 200])
        ended = stream.feed(rows[at : at + n].tobytes())
        assert set(ended.why.tolist()) <= {PAUSE}
        found += parts_of(ended.flows)
        at += n
    last = stream.finish()
    assert set(last.why.tolist()) <= {PAUSE, END}
    assert sorted(found + parts_of(last.flows)) == sorted(parts_of(whole))
    assert (stream.counts().late, stream.counts().backsteps) == (0, 0)
    assert (len(stream), stream.held) == (0, 0)


@pytest.mark.parametrize("seed", range(10))
def test_whatever_comes_is_held_within_limits_and_no_packet_is_lost(seed: int) -> None:
    rows = records(seed, 400)
    limits = Limits(flows=5, packets=60, flow_packets=20)
    spec = Spec(
        feature="SIZE", fft=False, header=False, packets=5, interval=0.5, sampling=None
    )  # fmt: skip
    stream = Stream(spec, slack=0.05, limits=limits)
    ended = []
    for at in range(0, 400, 7):
        ended.append(stream.feed(rows[at : at + 7].tobytes()))
        assert len(stream) <= 5
        assert stream.held <= 60
    ended.append(stream.finish())
    assert stream.held == 0
    for one in ended:
        counts = one.flows.counts()
        assert counts.max(initial=0) <= 20
        assert (counts[one.why == FULL] == 20).all()
        assert all(times == sorted(times) for times in seconds(one.flows))
    assert sum(len(one) for one in ended) == stream.counts().parts

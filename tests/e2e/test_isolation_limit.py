"""How much of a limited device's traffic passes, wherever it is; and nothing else is limited."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from plugin.actions import Action
from tests.isolation_cases import Setup, installed, same
from tests.stations import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.isolation_lab import IsolationLab

FRAMES, SIZE, PACE = 600, 1000, 0.002
BITS = (SIZE + 42) * 8
"""Of a frame: 14 bytes of Ethernet, 20 of IPv4, 8 of UDP, and the payload."""
BURST = 2.0
"""Seconds worth of its rate that a meter's bucket may hold at first, and what clocks differ."""


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    with installed(tmp_path_factory.mktemp("stations")) as made:
        yield made


def passed(lab: IsolationLab, device: str) -> tuple[int, float]:
    """Count what passes of a stream of a device, and how many seconds it took to send.

    Other streams go on meanwhile: all of these pass, and each frame that passes is copied once.
    """
    lab.learned()
    others = (Frame("desk", "server"), Frame("m2", "server"), Frame("server", device))
    mine = Frame(device, "spare")
    begun = time.monotonic()
    sent = lab.stations.send((mine, *others) * FRAMES, size=SIZE, pace=PACE)
    took = time.monotonic() - begun
    lab.stations.settled()
    at = lab.stations.by_host
    for one in others:
        numbers = [n for n, frame in sent.items() if frame == one]
        assert sum(at[lab.model.home[one.to]].seen[n] for n in numbers) == FRAMES, one
    numbers = [n for n, frame in sent.items() if frame == mine]
    found = [n for n in numbers if at["spare"].seen[n]]
    assert [n for n in numbers if at["col"].seen[n]] == found
    return len(found), took


def test_a_limit_is_kept_behind_the_uplink(setup: Setup) -> None:
    lab = setup.lab
    assert passed(lab, "outside")[0] == FRAMES
    rate = 400
    assert lab.isolate({"outside": Action(kind="limit", rate=rate)}) == {}
    count, took = passed(lab, "outside")
    kbits = count * BITS / 1000
    print(f"limit {rate} kbit/s behind the uplink: {kbits / took:.0f} kbit/s in {took:.1f} s")
    assert rate * took * 0.5 <= kbits <= rate * (took + BURST)
    assert count < FRAMES
    assert lab.isolate({}) == {}
    assert passed(lab, "outside")[0] == FRAMES
    same(lab.check("ended"), setup.installed)


def test_a_limit_is_kept_changed_follows_the_device_and_ends(setup: Setup) -> None:
    lab = setup.lab
    assert passed(lab, "victim")[0] == FRAMES
    rates = (400, 1200)
    counts = []
    for rate, home in (*((rate, "victim") for rate in rates), (rates[0], "m2")):
        # The rate is changed while it stands, and again; the last time the device moves besides.
        lab.move("victim", home)
        assert lab.isolate({"victim": Action(kind="limit", rate=rate)}) == {}
        count, took = passed(lab, "victim")
        counts.append(count)
        kbits = count * BITS / 1000
        print(f"limit {rate} kbit/s at {home}: {kbits / took:.0f} kbit/s in {took:.1f} s")
        assert rate * took * 0.5 <= kbits <= rate * (took + BURST)
        assert count < FRAMES
    assert counts[0] < counts[1]
    lab.move("victim", "victim")
    assert lab.isolate({}) == {}
    assert passed(lab, "victim")[0] == FRAMES
    same(lab.check("ended"), setup.installed)

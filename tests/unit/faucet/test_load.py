"""Rates from counters: up at once, down by halves, anew after a switch's restart."""

from __future__ import annotations

import pytest

from plugin.faucet.flows import PortCounters
from plugin.faucet.load import Loads, Rate, counted


def counters(received: int, sent: int, dropped: int = 0, port: int = 1) -> list[PortCounters]:
    return [PortCounters(port, 0, 0, received, sent, 0, dropped)]


def test_a_rate_needs_two_samples_some_time_apart() -> None:
    first = counted(Loads(), "sw1", counters(0, 0), 10.0)
    assert (first.rates, len(first.samples)) == ({}, 1)
    near = counted(first, "sw1", counters(5000, 0), 10.1)
    assert near == first
    found = counted(first, "sw1", counters(1000, 500), 12.0)
    assert found.rates == {("sw1", 1): Rate(4000.0, 2000.0)}
    assert found.rates["sw1", 1].both == 6000.0


def test_a_rate_rises_at_once_and_falls_by_halves() -> None:
    found = Loads()
    rates = []
    for second, total in enumerate([0, 100, 1100, 1100, 1100]):
        found = counted(found, "sw1", counters(total, 0), float(second))
        rates.append(found.rates.get(("sw1", 1), Rate(0, 0)).received)
    assert rates == [0, 800, 8000, 4000, 2000]


@pytest.mark.parametrize(
    ("before", "after"), [((10_000, 0), (100, 0)), ((0, 10_000), (0, 100)), ((50, 900), (100, 0))]
)
def test_a_switch_that_began_anew_is_measured_anew(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    found = counted(Loads(), "sw1", counters(*before), 0.0)
    found = counted(found, "sw1", counters(*after), 1.0)
    assert found.rates == {}
    found = counted(found, "sw1", counters(after[0] + 100, after[1] + 50), 2.0)
    assert found.rates["sw1", 1] == Rate(800.0, 400.0)


def test_drops_are_those_since_the_last_sample() -> None:
    found = counted(Loads(), "sw1", counters(0, 0, dropped=5), 0.0)
    assert not found.dropping
    found = counted(found, "sw1", counters(0, 0, dropped=6), 1.0)
    assert found.dropping == {("sw1", 1)}
    found = counted(found, "sw2", counters(0, 0, dropped=6), 1.5)
    assert found.dropping == {("sw1", 1)}
    assert not counted(found, "sw1", counters(0, 0, dropped=6), 2.0).dropping

"""Turns: everyone's within a bounded time, never above the budget, whatever comes."""

from __future__ import annotations

from math import fsum

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.faucet import turns as t
from plugin.faucet.load import Rate
from plugin.faucet.reach import Spot

WINDOW = 60.0
TICK = 11.0


def mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def spot(number: int, port: int | None = None, *, suspect: bool = False) -> Spot:
    return Spot(mac(number), "sw1", number if port is None else port, 100, suspect)


def estimate(spots: list[Spot], rates: dict[int, float], allowed: float = 100.0) -> t.Estimate:
    places = {s.mac: s.place for s in spots}
    return t.Estimate(places, {("sw1", p): Rate(r, 0.0) for p, r in rates.items()}, allowed)


def watched(found: t.Turns) -> list[str]:
    return [w.mac for w in found.watches]


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Spot], dict[int, float]]:
    number = draw(st.integers(1, 8))
    spots = [
        spot(n, draw(st.integers(1, number)), suspect=draw(st.booleans())) for n in range(number)
    ]
    rates = {p: draw(st.floats(0, 100)) for p in range(1, number + 1) if draw(st.booleans())}
    return spots, rates


@settings(max_examples=60, deadline=None)
@given(networks())
def test_everyone_is_watched_again_in_time_and_the_budget_holds(
    network: tuple[list[Spot], dict[int, float]],
) -> None:
    spots, rates = network
    judge = estimate(spots, rates)
    bound = 3 * len(spots) * (WINDOW + TICK)
    found, now = t.Turns(), 0.0
    last = {s.mac: 0.0 for s in spots}
    while now < 2 * bound:
        before = found
        found, load = t.take_turns(found, spots, judge, WINDOW, now)
        again = t.take_turns(before, list(reversed(spots)), judge, WINDOW, now)
        assert again == (found, load)
        ports = {judge.place(m) for m in watched(found)}
        assert load == fsum(judge.port(p) for p in ports) <= judge.allowed
        assert len({w.cookie for w in found.watches}) == len(found.watches) <= t.MOST
        assert all(w.since <= now < w.until <= w.since + WINDOW for w in found.watches)
        last.update(dict.fromkeys(watched(found), now))
        assert all(now - seen <= bound for seen in last.values())
        now += TICK


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(networks(), st.floats(1, 200), st.floats(0.1, 100)), min_size=1, max_size=12)
)
def test_the_budget_holds_when_all_changes(
    steps: list[tuple[tuple[list[Spot], dict[int, float]], float, float]],
) -> None:
    found, now = t.Turns(), 0.0
    for (spots, rates), allowed, passed in steps:
        now += passed
        judge = estimate(spots, rates, allowed)
        fitting = [s for s in spots if judge.alone(s.mac) <= allowed]
        found, load = t.take_turns(found, fitting, judge, WINDOW, now)
        assert load <= allowed
        assert set(watched(found)) <= {s.mac for s in fitting}
        assert set(found.ended) | set(found.known) <= {s.mac for s in spots}


def test_new_ones_come_first_then_those_longest_unwatched() -> None:
    spots = [spot(n) for n in range(3)]
    judge = estimate(spots, dict.fromkeys(range(3), 100.0))
    begin = t.Turns(ended={mac(0): 50.0, mac(1): 20.0})
    order, found = [], begin
    for step in range(4):
        found, _ = t.take_turns(found, spots, judge, WINDOW, 100.0 + step * WINDOW)
        order += watched(found)
    assert order == [mac(2), mac(1), mac(0), mac(2)]


def test_a_flood_of_new_addresses_takes_every_second_turn_at_most() -> None:
    old = [spot(n) for n in range(4)]
    found = t.Turns(ended={s.mac: -t.LATE * WINDOW for s in old})
    rates = dict.fromkeys(range(1000), 100.0)
    turns_of_old = 0
    for step in range(8):
        spots = old + [spot(100 + n) for n in range(10 * (step + 1))]
        found, _ = t.take_turns(found, spots, estimate(spots, rates), WINDOW, step * WINDOW)
        turns_of_old += watched(found)[0] in {s.mac for s in old}
    assert turns_of_old == 4


def test_a_suspect_is_watched_on_and_leaves_half_to_the_others() -> None:
    spots = [spot(0, suspect=True), *(spot(n) for n in range(1, 5))]
    judge = estimate(spots, dict.fromkeys(range(5), 40.0))
    found, others = t.Turns(), set()
    for step in range(5):
        found, _ = t.take_turns(found, spots, judge, WINDOW, step * WINDOW)
        assert mac(0) in watched(found)
        others |= set(watched(found))
    assert others == {s.mac for s in spots}


def test_suspects_take_half_of_the_budget_and_no_more() -> None:
    spots = [*(spot(n) for n in range(4)), *(spot(n, suspect=True) for n in range(8, 12))]
    judge = estimate(spots, dict.fromkeys(range(12), 20.0))
    found, _ = t.take_turns(t.Turns(), spots, judge, WINDOW, 0.0)
    assert watched(found) == [mac(0), mac(1), mac(2), mac(8), mac(9)]


def test_a_large_one_is_not_passed_over_by_small_ones_or_suspects() -> None:
    spots = [*(spot(n, suspect=True) for n in range(3)), spot(3)]
    judge = estimate(spots, {0: 16.0, 1: 16.0, 2: 16.0, 3: 90.0})
    found, now, seen = t.Turns(), 0.0, False
    while now < 4 * (WINDOW + TICK):
        found, _ = t.take_turns(found, spots, judge, WINDOW, now)
        seen = seen or mac(3) in watched(found)
        now += TICK
    assert seen


def test_devices_of_one_port_need_it_once() -> None:
    spots = [spot(n, 1) for n in range(3)]
    found, load = t.take_turns(t.Turns(), spots, estimate(spots, {1: 70.0}), WINDOW, 0.0)
    assert (len(found.watches), load) == (3, 70.0)


def test_a_port_that_nobody_measured_needs_an_eighth() -> None:
    spots = [spot(n) for n in range(20)]
    found, load = t.take_turns(t.Turns(), spots, estimate(spots, {}), WINDOW, 0.0)
    assert (len(found.watches), load) == (8, 100.0)


def test_rules_are_never_more_than_a_switch_can_take_in_a_moment() -> None:
    spots = [spot(n, 1, suspect=True) for n in range(500)]
    found, _ = t.take_turns(t.Turns(), spots, estimate(spots, {1: 1.0}), WINDOW, 0.0)
    assert len(found.watches) == t.MOST
    later, _ = t.take_turns(found, spots, estimate(spots, {1: 1.0}), WINDOW, WINDOW)
    cookies = {w.cookie for w in later.watches}
    assert not cookies & {w.cookie for w in found.watches}
    assert cookies <= set(t.COOKIES)


def test_where_rates_rise_the_longest_watched_end_early() -> None:
    spots = [spot(n) for n in range(2)]
    low, high = (estimate(spots, dict.fromkeys(range(2), rate)) for rate in (50.0, 60.0))
    one, _ = t.take_turns(t.Turns(), spots[:1], low, WINDOW, 0.0)
    both, _ = t.take_turns(one, spots, low, WINDOW, 10.0)
    assert watched(both) == [mac(0), mac(1)]
    found, load = t.take_turns(both, spots, high, WINDOW, 20.0)
    assert (watched(found), load, found.ended[mac(0)]) == ([mac(1)], 60.0, 20.0)


def test_ending_all_watches_is_a_turn_for_everyone() -> None:
    found, _ = t.take_turns(t.Turns(), [spot(0)], estimate([spot(0)], {}), WINDOW, 0.0)
    done = t.finished(found, [mac(1)], 20.0)
    assert (done.watches, done.ended) == ((), {mac(0): 20.0, mac(1): 20.0})

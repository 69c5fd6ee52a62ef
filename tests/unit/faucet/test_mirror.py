"""The mirror plan: set once, or in turn within a budget; and what is in the way, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.faucet import mirror as m
from plugin.faucet.coverage import coverage
from plugin.faucet.flows import PortCounters
from plugin.faucet.hook import INCLUDE, NOTHING, Layout, Mode, Options, Stages, render
from plugin.faucet.install import Plan, plan_install
from plugin.faucet.reach import Reach, Spot, reach
from plugin.faucet.tree import Tree

TEXT = """\
vlans: {v: {vid: 100}, w: {vid: 200}}
acls: {op: [{rule: {actions: {allow: 1}}}]}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v, name: desk}
      2: {native_vlan: v}
      3: {native_vlan: w}
      4: {native_vlan: v, acls_in: [op]}
      9: {name: col, output_only: true}
"""
MBIT = 1_000_000


def installed(mode: Mode, ignored: frozenset[int] = frozenset()) -> Reach:
    plan = plan_install(TEXT, Options(mode=mode, ignored_vlans=ignored))
    assert isinstance(plan, Plan), plan
    assert plan.journal is not None
    layout = plan.journal.layout
    return reach(coverage(plan.new_text, {}, render(layout), INCLUDE, ignored), layout)


def spot(port: int, vid: int = 100, *, suspect: bool = False) -> Spot:
    return Spot(f"02:00:00:00:00:{port:02x}", "sw1", port, vid, suspect)


SPOTS = [spot(1), spot(2), spot(3, 200)]
BUDGET = m.MirrorSettings(budget=10.0 * MBIT, window=60.0)


def counters(
    mbits: dict[int, float], seconds: float, state: m.MirrorState, dropped: int = 0
) -> list[PortCounters]:
    """So many megabits a second since the last sample, received; nothing sent."""
    found = []
    for port in (1, 2, 3, 4, 9):
        last = state.loads.samples.get(("sw1", port))
        before = last.counters.rx_bytes if last else 0
        received = before + int(mbits.get(port, 0.0) * MBIT / 8 * seconds)
        found.append(PortCounters(port, 0, 0, received, 0, 0, dropped if port == 9 else 0))
    return found


def measured(mbits: dict[int, float]) -> m.MirrorState:
    where = installed("none")
    state = m.count(m.begin(), where, "sw1", counters({}, 0, m.begin()), 0.0)
    return m.count(state, where, "sw1", counters(mbits, 10.0, state), 10.0)


def macs(found: m.MirrorPlan) -> list[str]:
    return [one.mac for one in found.mirrored]


@pytest.mark.parametrize("mode", ["vlan", "tail", "port"])
def test_everything_is_mirrored_without_anything_to_write(mode: Mode) -> None:
    state, found = m.plan(m.begin(), installed(mode), SPOTS, m.MirrorSettings(), 0.0)
    assert found.mirrored == tuple(m.Mirrored(s.mac, None) for s in SPOTS)
    assert (found.stages, found.uncovered, found.load) == (NOTHING, {}, None)
    assert found.problems == (
        ("Faucet's port mirror copies frames twice: set capture.drop_repeats",)
        if mode == "port"
        else ()
    )
    assert m.plan(state, installed(mode), SPOTS, m.MirrorSettings(), 9.0)[1] == found


def test_whom_the_mirror_does_not_reach_is_told() -> None:
    _, found = m.plan(m.begin(), installed("tail"), [*SPOTS, spot(4)], m.MirrorSettings(), 0.0)
    assert list(found.uncovered) == [spot(4).mac]
    assert "ends in your ACL op" in found.uncovered[spot(4).mac]
    assert spot(4).mac not in macs(found)


def test_without_an_installation_nothing_is_mirrored() -> None:
    _, found = m.plan(m.begin(), Reach(), SPOTS, BUDGET, 0.0)
    assert found.problems == ("the hook is not installed: halia faucet install",)
    assert set(found.uncovered.values()) == {"the hook is not installed"}
    assert not found.mirrored


def test_a_mirror_of_everything_cannot_be_rationed() -> None:
    _, found = m.plan(m.begin(), installed("vlan"), SPOTS, BUDGET, 0.0)
    assert macs(found) == [s.mac for s in SPOTS]
    assert "halia faucet install --mirror none" in found.problems[0]


def test_nothing_is_watched_without_a_budget() -> None:
    _, found = m.plan(m.begin(), installed("none"), SPOTS, m.MirrorSettings(), 0.0)
    assert not found.mirrored
    assert "set mirror.budget" in found.problems[0]


def test_all_is_mirrored_while_all_fits() -> None:
    state, found = m.plan(measured({1: 3, 2: 3, 3: 1}), installed("none"), SPOTS, BUDGET, 10.0)
    assert found.stages == Stages(everything=True)
    assert (macs(found), found.load) == ([s.mac for s in SPOTS], 7.0 * MBIT)
    layout = plan_layout()
    tail = Tree(render(layout, found.stages)).plain["acls"]["halia_tail"]
    assert tail == [{"rule": {"actions": {"allow": 1, "mirror": "col"}}}]

    busier = m.count(state, installed("none"), "sw1", counters({1: 6, 2: 3}, 10, state), 20.0)
    state, found = m.plan(busier, installed("none"), SPOTS, BUDGET, 20.0)
    assert found.stages.everything  # it is not left before the whole budget is needed
    fuller = m.count(state, installed("none"), "sw1", counters({1: 9, 2: 9}, 10, state), 30.0)
    state, found = m.plan(fuller, installed("none"), SPOTS, BUDGET, 30.0)
    assert not found.stages.everything
    assert found.load is not None
    assert found.load <= 10 * MBIT
    assert set(state.turns.ended) == {s.mac for s in SPOTS}  # each has been seen until now


def plan_layout() -> Layout:
    plan = plan_install(TEXT, Options(mode="none"))
    assert isinstance(plan, Plan)
    assert plan.journal is not None
    return plan.journal.layout


def test_devices_are_watched_in_turn() -> None:
    state, where = measured({1: 6, 2: 6, 3: 6}), installed("none")
    order = []
    for step in range(4):
        state, found = m.plan(state, where, SPOTS, BUDGET, 10.0 + 60 * step)
        (one,) = found.mirrored
        order.append(one.mac)
        assert one.until == 70.0 + 60 * step
        assert found.waiting == {s.mac for s in SPOTS} - {one.mac}
        assert [dict(r.match) for r in found.stages.watches] == [
            {"dl_src": one.mac},
            {"dl_dst": one.mac},
        ]
        assert m.plan(state, where, SPOTS, BUDGET, 11.0 + 60 * step)[1] == found
    assert order == [s.mac for s in (*SPOTS, SPOTS[0])]


def test_a_restart_remembers_who_was_watched() -> None:
    state = replace(measured({1: 6, 2: 6, 3: 6}), turns=m.begin({SPOTS[0].mac: 5.0}).turns)
    _, found = m.plan(state, installed("none"), SPOTS, BUDGET, 10.0)
    assert macs(found) == [SPOTS[1].mac]


def test_one_that_needs_more_than_the_budget_is_named() -> None:
    _, found = m.plan(measured({1: 20}), installed("none"), SPOTS, BUDGET, 10.0)
    assert found.uncovered == {
        SPOTS[0].mac: "sw1 port 1 carries 20 Mbit/s, and 10 Mbit/s is all that may be mirrored"
    }
    assert macs(found) == [s.mac for s in SPOTS[1:]]


def test_ports_with_an_acl_of_the_operator_are_never_watched() -> None:
    _, found = m.plan(measured({1: 20}), installed("none"), [*SPOTS, spot(4)], BUDGET, 10.0)
    assert "would let pass what it denies" in found.uncovered[spot(4).mac]
    assert found.problems == (
        "frames that enter at sw1 port 4 are not copied, for your ACLs end there",
    )


def test_drops_at_the_mirror_port_halve_what_is_used() -> None:
    where, state = installed("none"), measured({1: 4, 2: 4, 3: 4})
    assert len(m.plan(state, where, SPOTS, BUDGET, 10.0)[1].mirrored) == 2
    dropped = counters({1: 4, 2: 4, 3: 4}, 10, state, dropped=7)
    state = m.count(state, where, "sw1", dropped, 20.0)
    assert state.ease == 0.5
    assert len(m.plan(state, where, SPOTS, BUDGET, 20.0)[1].mirrored) == 1
    state = m.count(state, where, "sw1", dropped, 20.0 + m.EASE_SECONDS / 4)
    assert state.ease == 0.75
    for step in range(9):
        state = m.count(state, where, "sw1", counters({}, 0, state, 9 + step), 900.0 + step)
    assert state.ease == m.EASE_LEAST


def test_a_clock_that_is_set_back_takes_nothing_of_the_budget() -> None:
    where, state = installed("none"), measured({1: 4})
    state = m.count(state, where, "sw1", counters({}, 0, state, dropped=7), 20.0)
    state = m.count(state, where, "sw1", counters({}, 0, state, dropped=7), 50.0)
    assert state.ease == 0.5 + 30.0 / m.EASE_SECONDS
    back = m.count(state, where, "sw1", counters({}, 0, state, dropped=7), 25.0)
    assert back.ease == state.ease
    later = m.count(back, where, "sw1", counters({}, 0, back, dropped=7), 26.0)
    assert later.ease == state.ease + 1.0 / m.EASE_SECONDS


def test_vlans_and_ports_are_left_alone() -> None:
    settings = m.MirrorSettings(
        ignore_vlans=frozenset((200,)), ignore_ports=frozenset(("sw1:desk",))
    )
    _, found = m.plan(m.begin(), installed("vlan"), SPOTS, settings, 0.0)
    assert found.ignored == {SPOTS[0].mac, SPOTS[2].mac}
    assert macs(found) == [SPOTS[1].mac]
    (problem,) = found.problems
    assert problem.startswith("VLAN 200 is to be ignored, but the installation did not leave it")
    left_out = installed("vlan", frozenset((200,)))
    assert m.plan(m.begin(), left_out, SPOTS, settings, 0.0)[1].problems == ()
    assert m.plan(m.begin(), left_out, SPOTS, m.MirrorSettings(), 0.0)[1].ignored == {SPOTS[2].mac}


@pytest.mark.parametrize(
    ("text", "rate"), [("800M", 8e8), ("1.5G", 1.5e9), (" 64k ", 64e3), ("1000", 1e3)]
)
def test_a_budget_is_read(text: str, rate: float) -> None:
    assert m.parse_budget(text) == rate


@pytest.mark.parametrize("text", ["", "0", "-5M", "5 M", "5MB", "M", "1e9", "inf", "nan"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no rate in bits per second"):
        m.parse_budget(text)


@pytest.mark.parametrize(
    ("rate", "said"), [(5, "5 bit/s"), (5e3, "5 kbit/s"), (5e6, "5 Mbit/s"), (5e9, "5 Gbit/s")]
)
def test_rates_in_words(rate: float, said: str) -> None:
    settings = m.MirrorSettings(budget=rate / 8)
    state = measured({1: rate / MBIT})
    _, found = m.plan(state, installed("none"), [spot(1)], settings, 10.0)
    assert f"carries {said}," in found.uncovered[spot(1).mac]

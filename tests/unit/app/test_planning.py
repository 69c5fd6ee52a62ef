"""The mirror's plan, with devices that a decision watches."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.app.looking import Looking
from plugin.app.planning import NO_PROBE, PROVEN_SECONDS, Planned, Planning, as_suspects
from plugin.app.proving import Proving
from plugin.faucet.hook import Mode
from plugin.faucet.mirror import MirrorSettings
from plugin.faucet.reach import Spot
from plugin.faucet.turns import COOKIES
from tests.fabric import Clock
from tests.unit.app.test_hooking import MAC, OTHER, config, installed

__all__ = ["config"]
SPOTS = [Spot(MAC, "sw1", 1, 100), Spot(OTHER, "sw1", 2, 100)]


class Planner:
    def __init__(self, config: Path, mode: Mode, **settings: float) -> None:
        installed(config, mode)
        self.clock = Clock()
        self.looked = Looking(config).look()
        wanted = MirrorSettings(**settings)  # type: ignore[arg-type]  # a budget alone
        self.planning = Planning(lambda: wanted, Proving(None, self.clock), self.clock)

    def plan(self, *watched: str) -> Planned:
        return self.planning.plan(self.looked, SPOTS, frozenset(watched))


def watched(planned: Planned) -> dict[str, int]:
    return {str(value): rule.cookie for rule in planned.stages.watches for _, value in rule.match}


def test_where_nothing_is_mirrored_only_the_watched_are(config: Path) -> None:
    planner = Planner(config, "none")
    assert planner.plan().stages.watches == ()
    assert watched(planner.plan(OTHER)) == {OTHER: COOKIES[0]}
    # Who is watched already keeps its cookie.
    assert watched(planner.plan(MAC, OTHER)) == {OTHER: COOKIES[0], MAC: COOKIES[1]}
    assert watched(planner.plan(MAC)) == {MAC: COOKIES[1]}
    assert watched(planner.plan("02:00:00:00:00:77")) == {}  # nobody knows where it is


def test_where_all_is_mirrored_nobody_needs_a_watch(config: Path) -> None:
    planner = Planner(config, "vlan")
    assert watched(planner.plan(MAC)) == {}
    assert planner.planning.problem is None


def test_where_they_take_turns_the_watched_go_first(config: Path) -> None:
    planner = Planner(config, "none", budget=1e6)
    assert OTHER in watched(planner.plan(OTHER))
    assert planner.planning.problem == NO_PROBE


def test_as_suspects() -> None:
    assert as_suspects(SPOTS, frozenset()) is SPOTS
    found = as_suspects(SPOTS, frozenset({OTHER}))
    assert [one.suspect for one in found] == [False, True]


@pytest.mark.parametrize("there", [True, False])
def test_watches_at_no_switch_are_told_after_a_while(config: Path, *, there: bool) -> None:
    planner = Planner(config, "none")
    planned = planner.plan(MAC)
    cookies = frozenset(watched(planned).values()) if there else frozenset()
    assert planner.planning.unproven(planned, cookies) == ()
    planner.clock.now += PROVEN_SECONDS
    told = planner.planning.unproven(planned, cookies)
    assert told == (() if there else ("1 of 1 watches are written, and at no switch",))
    assert planner.planning.unproven(planned, None) == ()

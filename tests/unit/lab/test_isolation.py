"""The demo's last act: what it writes, what it looks at, and what it says did not hold."""

from __future__ import annotations

from typing import Any, cast

import pytest

from plugin.lab import isolation
from plugin.lab.isolation import Act, Isolation, policy
from plugin.lab.lab import Lab
from plugin.lab.offices import office
from plugin.lab.outcome import NAMES
from plugin.lab.proving import Cast, Reached

CAST = Cast("ben", "anna", "files", "www", "10.0.0.5")
ALIVE, SOME, DEAD = Reached(4), Reached(2), Reached(0)
SEEN = Isolation(
    CAST, 1.0, before=ALIVE, dead=DEAD, neighbour=ALIVE, remedy=ALIVE, released=True, again=ALIVE,
    trail=({"state": "isolated"},),
)  # fmt: skip


class Office:
    """A lab in which every echo request is answered as is said."""

    def __init__(self, seed: int = 1) -> None:
        self.topology = office(seed)
        self.calmed: list[str] = []

    def calm(self, host: str) -> None:
        self.calmed.append(host)


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Act:
    monkeypatch.setattr(isolation, "reach", lambda *_: ALIVE)
    return Act(cast("Lab", Office()), "ben")


def device(state: str | None) -> dict[str, Any]:
    mac = office(1).host("ben").mac
    return {"mac": mac, "case": None if state is None else {"state": state}}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"after": None}, "ben was not isolated"),
        ({"before": SOME}, "ben did not reach files before it was isolated"),
        ({"dead": SOME}, "ben reached files while it was isolated"),
        ({"neighbour": SOME}, "anna lost touch with files while ben was isolated"),
        ({"remedy": DEAD}, "ben did not reach www, where it would be mended"),
        ({"released": False}, "ben was not released"),
        ({"again": SOME}, "ben does not reach files after its release"),
        ({"trail": ()}, "the journal tells nothing of it"),
    ],
)
def test_each_promise_is_looked_after(wrong: dict[str, Any], words: str) -> None:
    assert list(SEEN.failures()) == []
    assert list(SEEN._replace(**wrong).failures()) == [words]


def test_the_policy_names_all_misdeeds_protects_the_router_and_knows_the_remedy() -> None:
    topology = office(1)
    found = policy(topology, "10.0.0.5")
    (rule,) = found["rules"]
    assert set(rule["match"]["behaviours"]) == set().union(*NAMES.values())
    assert (rule["mode"], rule["action"]) == ("enforce", "quarantine")
    assert rule["allow"] == [{"host": "10.0.0.5"}]
    assert found["protect"]["macs"] == [topology.host("outside").mac]
    assert policy(topology, None)["rules"][0]["allow"] == []


def test_it_is_looked_at_while_it_lasts_and_after_it(act: Act) -> None:
    assert act.seen is not None
    assert list(act.step([device("isolated")], None)) == []  # not named yet
    assert list(act.step([device("isolating")], 0.0)) == []  # not proven yet
    assert act.seen.after is None
    words = list(act.step([device("isolated")], 0.0))
    assert words[0].startswith("ben is isolated, proven at the switch")
    assert act.seen.dead == act.seen.neighbour == act.seen.remedy == ALIVE
    assert list(act.step([device("isolated")], 0.0)) == []  # once
    before = act.over
    words = list(act.step([device("released")], 0.0))
    assert words[0].startswith("ben is released")
    assert (before, act.over) == (False, True)


def test_where_nobody_turns_bad_there_is_nothing_to_see() -> None:
    quiet = Act(cast("Lab", Office()), None)
    assert (quiet.seen, quiet.over) == (None, True)
    assert list(quiet.look_before()) == list(quiet.step([device("isolated")], 0.0)) == []
    assert list(quiet.audit("halia.yaml")) == []

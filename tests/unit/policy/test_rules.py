from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from plugin.actions import Action
from plugin.policy.rules import DAY, EMPTY, HARD_CAP, HOUR, Caps, Devices, Match, Rule, Step

BLOCK = Action(kind="block")


def _rule(**changed: object) -> Rule:
    usual = {"name": "r", "place": "p:1:1", "match": Match(), "action": BLOCK}
    return Rule(**usual | changed)  # type: ignore[arg-type]  # as they come


def test_a_rule_is_on_trial_asks_nobody_and_ends_soon() -> None:
    rule = _rule()
    assert (rule.mode, rule.scope, rule.accept_novelty_alone) == ("simulate", "device", False)
    assert (rule.duration, rule.approve_within, rule.grace) == (HOUR, 4 * HOUR, 600.0)
    assert rule.forget == 30 * DAY


def test_the_ladder_begins_with_the_rules_own_action() -> None:
    later = Step(BLOCK, DAY)
    assert _rule(duration=60.0).steps == (Step(BLOCK, 60.0),)
    assert _rule(duration=60.0, escalate=(later,)).steps == (Step(BLOCK, 60.0), later)


def test_no_policy_isolates_nobody_and_learns_first() -> None:
    assert EMPTY.rules == ()
    assert EMPTY.protect == Devices()
    assert EMPTY.learning == 7 * DAY
    assert Caps() == Caps(devices=10, percent=5.0, per_switch=5, per_hour=5)
    assert max(Caps().devices, Caps().per_switch) <= HARD_CAP


@pytest.mark.parametrize("one", [EMPTY, Caps(), Devices(), Match(), _rule()])
def test_nobody_changes_what_was_read(one: object) -> None:
    first = fields(one)[0].name  # type: ignore[arg-type]  # all are dataclasses
    with pytest.raises(FrozenInstanceError):
        setattr(one, first, None)

"""What is published of a decision: as its schema has it, whatever the case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from plugin.actions import Action, parse_action
from plugin.policy.decision import (
    ADDRESSES_MAX,
    STATES,
    decision_document,
    decision_words,
    left_alone,
)
from tests.cases import AT, step

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "configs" / "schema" / "decision-v1.schema.json").read_text())
GOLDEN = ROOT / "tests" / "data" / "decision.json"


def problems(document: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_the_document_is_the_golden_one_and_as_the_schema_has_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    document = decision_document(step())
    assert document == json.loads(GOLDEN.read_text())
    assert problems(document) == []


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ["notify", "watch", "limit:2M", "revlan:guest-1", "block"])
def test_every_state_and_action_is_in_the_schema(state: Any, action: str) -> None:
    document = decision_document(step(state, None, action=parse_action(action)))
    assert problems(json.loads(json.dumps(document))) == []
    assert document["action"] == action.replace("2M", "2000k")


def test_what_is_not_known_is_null() -> None:
    bare = step(
        place=None, rule=None, until=None, deadline=None, policy="", evidence=(), addresses=(),
        action=Action(kind="block"), origin="operator", actor="kim",
    )  # fmt: skip
    document = decision_document(bare)
    assert problems(document) == []
    for name in ("place", "rule", "until", "deadline", "policy"):
        assert document[name] is None, name


def test_the_schema_knows_the_states_and_refuses_what_it_does_not_name() -> None:
    assert tuple(SCHEMA["$defs"]["state"]["enum"]) == STATES
    document = decision_document(step())
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(document)
    wrong = (
        {"state": "gone"}, {"mac": "02:00:00:00:00:0A"}, {"action": "limit:2M"},
        {"time": "yesterday"}, {"number": 0}, {"more": 1}, {"allow": ["dns"]},
        {"addresses": ["10.0.0.1"] * 2},
    )  # fmt: skip
    for change in wrong:
        assert problems(document | change), change


def test_times_are_exact_to_the_microsecond() -> None:
    # 0.1 as a float of today's size is 0.099999904…: its noise is not published.
    document = decision_document(step(changed=1_700_000_000.1, opened=1_700_000_000.0))
    assert document["time"] == "2023-11-14T22:13:20.1Z"
    assert document["opened"] == "2023-11-14T22:13:20Z"


def test_addresses_are_told_once_and_not_without_end() -> None:
    many = tuple(f"10.0.0.{n}" for n in range(1, 60))
    document = decision_document(step(addresses=("10.0.0.1", *many)))
    assert document["addresses"] == list(many[:ADDRESSES_MAX])


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_said_in_words(state: Any) -> None:
    words = decision_words(decision_document(step(state, None, why="a scan")))
    assert words.startswith("case 7, quarantine")
    assert words.endswith("412 hosts on port 445 in 60 s (a scan)")
    assert "{" not in words


def test_words_tell_when_it_ends() -> None:
    assert "is in force until 2023-11-14T23:13:20.25Z:" in decision_words(decision_document(step()))
    endless = decision_document(step(until=None))
    assert "is in force until it is released:" in decision_words(endless)
    asked = decision_document(step("pending", None, deadline=AT))
    assert "at most until 2023-11-14T22:13:20.25Z:" in decision_words(asked)
    same = decision_document(step(reason="a scan", why="a scan"))
    assert decision_words(same).endswith(": a scan")


def test_who_is_left_alone_is_said_with_its_end() -> None:
    assert left_alone("block", 1_700_000_000.0, 7) == (
        "left alone by rules that are no harder than block until 2023-11-14T22:13:20Z, after case 7"
    )
    assert left_alone("block", None, 7).endswith("than block, after case 7")


def test_an_isolation_that_is_still_on_its_way_is_not_told_as_a_new_one() -> None:
    first = decision_words(decision_document(step("isolating", "pending")))
    assert "is being enforced" in first
    again = decision_words(decision_document(step("isolating", "isolating")))
    assert "is still being enforced" in again

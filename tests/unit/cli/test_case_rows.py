"""Cases in words."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from plugin.actions import Action
from plugin.cli import case_rows
from plugin.policy.cases import Proof, State
from plugin.policy.remembered import from_document, to_document
from tests.services import LAPTOP, NOW, case


def test_a_row_says_who_what_until_when_and_why() -> None:
    notes = ["dns 10.0.0.53 is left out: sw1 port 2 denies it"]
    cells = case_rows.row(case(7, name="ann-laptop", notes=notes), NOW)
    assert [cell.text for cell in cells] == [
        "7", f"{LAPTOP} ann-laptop", "isolated", "quarantine", "scanners", "in 1 h", "proven",
        "it scans; dns 10.0.0.53 is left out: sw1 port 2 denies it",
    ]  # fmt: skip
    assert len(cells) == len(case_rows.HEADER)
    assert cells[2].style == "red"


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_words(state: str) -> None:
    assert case_rows.STATES[state]
    assert case_rows.row(case(state=state), NOW)[2].text == state


@pytest.mark.parametrize("proof", get_args(Proof))
def test_every_proof_has_words_and_only_one_says_proven(proof: str) -> None:
    assert case_rows.PROOFS[proof].startswith("proven") == (proof == "proven")


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, "in 1 h"),
        ({"until": None}, "released"),
        ({"until": NOW - 1}, "now"),
        ({"state": "isolating", "until": None, "deadline": NOW + 9}, "released"),
        ({"state": "pending", "until": None, "deadline": NOW + 600}, "in 10 min"),
        ({"state": "releasing"}, "-"),
        ({"state": "over", "deadline": None}, "-"),
        ({"state": "released", "deadline": NOW + 5}, "in 5 s"),
    ],
)
def test_how_long_still(fields: dict[str, Any], left: str) -> None:
    assert case_rows.left(case(**fields), NOW) == left


@pytest.mark.parametrize("state", ["releasing", "pending", "released", "over", "simulated"])
def test_what_is_not_isolated_claims_no_proof(state: str) -> None:
    assert case_rows.row(case(state=state, proof="proven"), NOW)[6].text == "-"


@pytest.mark.parametrize(
    ("origin", "rule", "said"),
    [
        ("rule", "scanners", "scanners"),
        ("operator", None, "(by hand)"),
        ("found", None, "(found in the file)"),
        ("port", "scanners", "scanners (its port)"),
    ],
)
def test_what_began_it(origin: str, rule: str | None, said: str) -> None:
    assert case_rows.source_of(case(origin=origin, rule=rule)) == said


@pytest.mark.parametrize(
    "action",
    [
        Action(kind="limit", rate=512),
        Action(kind="revlan", vlan="jail"),
        Action(kind="block"),
        Action(kind="quarantine"),
    ],
)
def test_actions_as_they_are_ordered(action: Action) -> None:
    document = {"kind": action.kind, "rate": action.rate, "vlan": action.vlan}
    assert case_rows.action_of({"action": document}) == str(action)
    assert case_rows.action_of({"action": str(action)}) == str(action)


def test_floods_are_told_where_they_still_come_and_revlan_is_offered() -> None:
    assert "revlan:NAME" in str(case_rows.flooded(case()))
    assert case_rows.flooded(case(action="revlan:jail")) is None
    assert case_rows.flooded(case(state="pending")) is None
    assert case_rows.flooded(case(action="block"))
    assert case_rows.flooded(case(action="limit:512k")) is None, "all may reach it"


def test_who_deserves_a_look_comes_first() -> None:
    states = ["over", "released", "pending", "isolated", "simulated", "isolating", "new one"]
    cases = [case(number, state=state) for number, state in enumerate(states, 1)]
    found = [one["state"] for one in case_rows.ordered([*cases, case(99)])]
    assert found == [
        "isolated", "isolated", "isolating", "pending", "released", "simulated", "new one", "over",
    ]  # fmt: skip
    assert case_rows.ordered([*cases, case(99)])[0]["number"] == 99


@pytest.mark.parametrize("state", [*case_rows.STATES, "of a newer Halia"])
def test_every_state_can_be_told_in_a_few_words(state: str) -> None:
    said = case_rows.brief(case(7, state=state, proof="loaded"), NOW)
    assert said.startswith("7: quarantine by scanners, ")
    assert ", proven" not in said


def test_the_cases_of_these_tests_are_as_the_journal_has_them() -> None:
    document = case()
    del document["name"]
    assert to_document(from_document(document)) == document


def test_an_order_whose_last_step_was_halia_s_is_by_hand() -> None:
    by = case(origin="operator", rule=None, actor="halia")
    assert case_rows.brief(by, NOW).startswith("1: quarantine by hand, ")
    assert case_rows.brief({**by, "actor": "ann"}, NOW).startswith("1: quarantine by ann, ")
    assert case_rows.brief({**by, "origin": "found"}, NOW).startswith("1: quarantine by halia, ")

"""What people ask of the decisions, and order, as documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plugin.actions import Action
from plugin.app.deciding import Decisions
from plugin.engine import Engine
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.policy import cases as told
from plugin.policy.cases import Ordered, Released
from plugin.policy.remembered import from_document
from tests.playbook import PORTS, SCANNERS, START, A, B, found, learned, play, policy

if TYPE_CHECKING:
    from plugin.policy.cases import Told, Transition

RULES = policy(SCANNERS)


@pytest.fixture
def engine() -> Engine:
    made = Engine()
    play(
        made, (0, ev.PolicyRead(RULES)), (0, ev.Restored((), ())), (0, PORTS), (0, learned()),
        (0, learned(B, port=2)), (0, ev.CaptureOpened(A, "one.pcap")),
    )  # fmt: skip
    return made


@pytest.fixture
def decisions(engine: Engine) -> Decisions:
    def order(what: Told) -> tuple[Transition, ...]:
        commands = engine.order(what, START + 5)
        return tuple(one.transition for one in commands if isinstance(one, do.AnnounceDecision))

    return Decisions(engine, order, lambda: START + 5)


def test_an_order_gives_the_steps_that_followed(decisions: Decisions) -> None:
    (step,) = decisions.order(Ordered(B, Action(kind="block"), None, "ann", "looks odd"))
    assert (step["before"], step["why"]) == (None, "looks odd")
    assert (step["case"]["mac"], step["case"]["state"]) == (B, "isolating")
    assert step["case"]["until"] is None
    (step,) = decisions.order(Released(B, "ann", "it was not"))
    assert (step["before"], step["case"]["state"]) == ("isolating", "releasing")
    with pytest.raises(told.DeniedOrder):
        decisions.order(Released(B, "ann", "once more"))


def test_cases_are_the_documents_of_the_journal(engine: Engine, decisions: Decisions) -> None:
    assert decisions.cases() == []
    play(engine, (1, ev.Behaved(found(after=1))))
    (case,) = decisions.cases()
    assert from_document(json.loads(json.dumps(case))) == engine.deciding.case(A)


def test_a_rule_s_reasons_are_explained(engine: Engine, decisions: Decisions) -> None:
    play(engine, (1, ev.Behaved(found(after=1))))
    explained = decisions.explain(A)
    assert explained is not None
    assert (explained["mac"], explained["enforced"]) == (A, "scanners")
    assert decisions.explain("02:00:00:00:00:99") is None
    json.dumps(explained)


def test_how_it_stands(engine: Engine, decisions: Decisions) -> None:
    play(engine, (1, ev.Behaved(found(after=1))))
    assert decisions.status() == {
        "problem": None,
        "policy": "policy.yaml",
        "digest": RULES.digest,
        "rules": 1,
        "cases": {"isolating": 1},
        "frozen": None,
        "refused": None,
        "learning_until": None,
    }
    engine.deciding.frozen = lambda: "10 devices are isolated"  # type: ignore[method-assign]  # as caps do
    assert decisions.status()["problem"] == "no rule isolates anybody: 10 devices are isolated"
    engine.deciding.refused = "p.yaml is wrong"
    assert decisions.status()["problem"] == (
        "no rule isolates anybody: 10 devices are isolated; p.yaml is wrong"
    )
    bare = Decisions(Engine(), lambda _: (), lambda: START).status()
    assert (bare["policy"], bare["digest"], bare["cases"]) == (None, None, {})
    assert bare["learning_until"] is None


def test_how_long_it_learns_is_said_while_it_does_and_a_rule_waits_for_it() -> None:
    for rules, until in ((policy(SCANNERS, learning="1h"), START + 3_600), (policy(), None)):
        made = Engine()
        play(made, (0, ev.PolicyRead(rules)), (0, ev.Restored((), ())))
        assert Decisions(made, lambda _: (), lambda: START + 5).status()["learning_until"] == until
        late = Decisions(made, lambda _: (), lambda: START + 3_601)
        assert late.status()["learning_until"] is None


@pytest.mark.parametrize(
    ("rules", "seconds", "learns"), [(SCANNERS, 5, True), (SCANNERS, 700, False), ("", 5, False)]
)
def test_learning_is_told_while_it_keeps_a_rule_from_acting(
    rules: str, seconds: float, *, learns: bool
) -> None:
    made = Engine()
    play(made, (0, ev.PolicyRead(policy(rules, learning="10m"))), (0, ev.Restored((), ())))
    status = Decisions(made, lambda _: (), lambda: START + seconds).status()
    assert status["learning_until"] == (START + 600 if learns else None)

"""What goes to the broker and to the journal about one announcement."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from plugin.app.messages import decision_body, decision_sayable, finding_sayable, verdict_sayable
from plugin.broker.message import message_id, poseidon_refuses
from plugin.engine import commands as do
from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import Verdict, judge
from plugin.policy.cases import Transition
from plugin.policy.remembered import from_document
from plugin.settings import data_folder
from tests.playbook import START, A, case, found, role, verdict

LABELS = {"Workstation": "Developer workstation"}
SCAN = found().finding


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    text = (data_folder("configs") / "schema" / "verdict-v1.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


@pytest.mark.parametrize(
    "one",
    [
        verdict(),
        verdict(role=role("undetermined"), ips=()),
        verdict(role=role("unknown"), anomaly=judge([SCAN] * 40), warnings=("damaged",)),
        verdict(ips=("10.0.0.1", "fe80::1"), anomaly=judge(())),
        verdict(end_ns=None),
        verdict(roles=(role(), role("unknown"))),
    ],
)
def test_a_verdict_is_for_everyone_and_for_poseidon(
    validator: jsonschema.Draft202012Validator, one: Verdict
) -> None:
    said = verdict_sayable(do.Announce("trace_a.pcap", one), LABELS, START)
    assert (said.time, said.kind) == (START, "verdict")
    ours, *theirs = said.messages
    document = json.loads(ours.body)
    validator.validate(document)
    assert document == said.body["verdict"]
    assert ours.message_id == said.body["message_id"] == message_id("verdict", A, "trace_a.pcap")
    assert (said.body["mac"], said.body["capture"]) == (A, "trace_a.pcap")
    assert [message.key for message in theirs] == ["poseidon.algos.decider"] * 2
    bodies: list[dict[str, Any]] = [json.loads(message.body) for message in theirs]
    assert [poseidon_refuses(body) for body in bodies] == [None, None]
    assert A in bodies[0]["data"]["mac_addresses"]
    assert bodies[1]["data"] == ""
    assert len({message.message_id for message in said.messages}) == 3


def test_poseidon_reads_networkmls_own_labels() -> None:
    said = verdict_sayable(do.Announce("t", verdict(role=role(label="Workstation"))), LABELS, 0)
    body = json.loads(said.messages[1].body)
    labels = body["data"]["mac_addresses"][A]["classification"]["labels"]
    assert labels[0] == "Developer workstation"


def test_a_capture_without_a_link_address_is_not_for_poseidon(
    validator: jsonschema.Draft202012Validator,
) -> None:
    said = verdict_sayable(do.Announce("t", verdict(mac=None)), LABELS, START)
    assert [message.exchange for message in said.messages] == ["halia"]
    validator.validate(json.loads(said.messages[0].body))


def test_the_same_capture_judged_again_is_the_same_message() -> None:
    first, again = (verdict_sayable(do.Announce("t", verdict()), {}, now) for now in (1.0, 2.0))
    assert first.messages == again.messages


@pytest.mark.parametrize("known", [None, role(), role("undetermined")])
def test_a_finding_is_for_everyone_but_poseidon(
    validator: jsonschema.Draft202012Validator, known: Any
) -> None:
    command = do.AnnounceFinding(A, ("10.0.0.1",), "trace_a.pcap", known, found(after=5))
    said = finding_sayable(command, START)
    (message,) = said.messages
    document = json.loads(message.body)
    validator.validate(document)
    assert (said.kind, document["kind"], message.exchange) == ("finding", "finding", "halia")
    assert said.body["message_id"] == message.message_id
    assert said.body["verdict"] == document
    assert said.body["capture"] == document["source"] == "trace_a.pcap"
    other = Finding("beacon", 1.0, 0.5, ("often",), ())
    again = finding_sayable(command._replace(found=command.found._replace(finding=other)), START)
    assert again.messages[0].message_id != message.message_id


def test_a_step_of_a_case_names_who_made_it_and_holds_the_whole_case() -> None:
    step = Transition(case(actor="ann", evidence=("m1",), notes=("a",)), "isolating", "she said so")
    said = decision_sayable(step, START)
    assert (said.time, said.kind, said.actor) == (START, "decision", "ann")
    assert (said.body["before"], said.body["why"]) == ("isolating", "she said so")
    assert from_document(json.loads(json.dumps(said.body["case"]))) == step.case
    (message,) = said.messages
    assert (message.exchange, message.key) == ("halia", "halia.decision")
    assert decision_body(step) == said.body


def test_each_step_of_a_case_is_a_message_of_its_own_and_told_again_the_same() -> None:
    step = Transition(case("isolating"), None, "it scans")
    ids = {
        decision_sayable(one, now).messages[0].message_id
        for now in (1.0, 2.0)
        for one in (
            step,
            Transition(case("isolated"), "isolating", "seen at the switches"),
            Transition(case("isolated", changed=START + 9), "isolated", "again"),
            Transition(case("isolating", number=8), None, "it scans"),
        )
    }
    assert len(ids) == 4

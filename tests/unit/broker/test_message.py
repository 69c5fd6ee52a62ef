"""What is published: ids that stay, bodies that Poseidon survives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.broker.message import (
    Message,
    decision_message,
    finding_message,
    message_id,
    poseidon_message,
    poseidon_refuses,
    verdict_message,
)

MAC = "0e:00:00:00:00:0a"
GOOD: dict[str, Any] = {"labels": ["a", "b", "Unknown"], "confidences": [0.8, 0.1, 0]}


def body(entry: object = None, key: str = MAC, kind: str = "mac_addresses") -> dict[str, Any]:
    entry = {"classification": GOOD} if entry is None else entry
    return {"tool": "networkml", "file_path": "/x/trace_1.pcap", "data": {kind: {key: entry}}}


def test_the_id_is_the_same_for_the_same_and_another_for_another() -> None:
    assert message_id("verdict", MAC, "a.pcap") == message_id("verdict", MAC, "a.pcap")
    others = {
        message_id(*parts)
        for parts in (
            ("verdict", MAC, "a.pcap"),
            ("finding", MAC, "a.pcap"),
            ("verdict", MAC, "b.pcap"),
            ("verdict", "x", "a.pcap"),
            ("verdict" + MAC, "", "a.pcap"),
        )
    }
    assert len(others) == 5


def test_a_verdict_goes_to_our_exchange_whole() -> None:
    document = {"schema": 1, "mac": MAC, "source": "/captures/a.pcap", "role": {"x": 0.5}}
    message = verdict_message(document)
    assert (message.exchange, message.key) == ("halia", "halia.verdict")
    assert json.loads(message.body) == document
    assert message.message_id == verdict_message({**document, "source": "a.pcap"}).message_id
    with pytest.raises(ValueError, match="JSON"):
        verdict_message({**document, "role": float("nan")})


def test_a_finding_is_told_once_for_each_behaviour_device_and_capture() -> None:
    def finding(name: str, source: str = "/captures/a.pcap") -> Message:
        anomaly = {"behaviour": [{"name": name}]}
        return finding_message({"schema": 1, "mac": MAC, "source": source, "anomaly": anomaly})

    first = finding("beacon")
    assert (first.exchange, first.key) == ("halia", "halia.verdict")
    assert first.message_id == message_id("finding:beacon", MAC, "a.pcap")
    assert first.message_id == finding("beacon", "a.pcap").message_id
    others = {finding("syn-flood").message_id, finding("beacon", "b.pcap").message_id}
    others |= {verdict_message(json.loads(first.body)).message_id, first.message_id}
    assert len(others) == 4


def test_a_decision_goes_to_our_exchange_as_it_is_and_a_repeat_is_known() -> None:
    golden = Path(__file__).resolve().parents[2] / "data" / "decision.json"
    document = json.loads(golden.read_text())
    message = decision_message(document)
    assert (message.exchange, message.key) == ("halia", "halia.decision")
    assert message.message_id == "36e2fbb47cbe852c2d4552327af01739"
    assert json.loads(message.body) == document
    same = {"why": "other words", "notes": [], "evidence": ["x"], "before": None}
    assert decision_message(document | same).message_id == message.message_id


@pytest.mark.parametrize(
    "change",
    [
        {"number": 8},
        {"state": "released"},
        {"time": "2023-11-14T22:13:20.250001Z"},
        {"until": None},
        {"proof": "loaded"},
        {"action": "block"},
        {"mac": "02:00:00:00:00:0b"},
    ],
)
def test_another_step_is_another_message(change: dict[str, Any]) -> None:
    golden = Path(__file__).resolve().parents[2] / "data" / "decision.json"
    document = json.loads(golden.read_text())
    assert decision_message(document | change).message_id != decision_message(document).message_id


@pytest.mark.parametrize(
    "document",
    [
        body(),
        body({"anomaly": {"verdict": "anomalous"}}),
        body(key="10.0.0.1", kind="ipv4_addresses"),
        {**body(), "data": ""},
        {**body(), "data": {}},
        body({"classification": {"labels": list("abcd"), "confidences": [1, 0, 0, 0]}}),
    ],
)
def test_what_poseidon_takes(document: dict[str, Any]) -> None:
    assert poseidon_refuses(document) is None
    message = poseidon_message(document)
    assert message.exchange == "topic-poseidon-internal"
    assert json.loads(message.body) == document


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([body()], "the body is no object"),
        ("text", "the body is no object"),
        ({**body(), "data": ["x"]}, "data is no object"),
        ({**body(), "data": {"mac_addresses": []}}, "mac_addresses is no object"),
        (body(key=MAC.upper()), "no link address in lower case"),
        (body("x"), "is no object"),
        (body({"classification": [1]}), "classification is no object"),
        (body({"classification": {**GOOD, "labels": ["a", "b"]}}), "fewer than 3"),
        (body({"classification": {**GOOD, "confidences": [1.0]}}), "fewer than 3"),
        (body({"classification": {**GOOD, "confidences": ["1", 0, 0]}}), "no number"),
        (body({"classification": {**GOOD, "confidences": [True, 0, 0]}}), "no number"),
        (body({"classification": {**GOOD, "labels": ["a", "b", None]}}), "no text"),
        (body({"classification": {"labels": ["a", "b", "c"]}}), "no lists"),
    ],
)
def test_what_would_stop_poseidon_is_refused_here(document: Any, why: str) -> None:
    assert why in str(poseidon_refuses(document))
    if isinstance(document, dict):
        with pytest.raises(ValueError, match="Poseidon would not take it"):
            poseidon_message(document)


def test_the_end_mark_has_an_id_of_its_own() -> None:
    ids = {poseidon_message(one).message_id for one in (body(), {**body(), "data": ""})}
    assert len(ids) == 2
    assert all(isinstance(one, Message) for one in (poseidon_message(body()),))


GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "poseidon" / "messages.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_what_poseidon_did_with_a_message_is_what_we_say_of_it(case: dict[str, Any]) -> None:
    try:
        document = json.loads(case["body"])
    except ValueError:
        assert not case["we_send"]  # we send what json.dumps made, so never this
        return
    assert (poseidon_refuses(document) is None) is case["we_send"]
    if case["outcome"] == "stops":
        assert not case["we_send"]


def test_the_golden_messages_are_of_all_kinds() -> None:
    assert {case["outcome"] for case in GOLDEN} == {"taken", "passed over", "stops"}
    assert {case["we_send"] for case in GOLDEN} == {True, False}

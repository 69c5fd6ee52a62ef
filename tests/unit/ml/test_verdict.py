from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import numpy as np
import pytest

from plugin.ml import verdict
from plugin.ml.behaviour.finding import Finding, Found
from plugin.ml.novelty.explain import Explanation, Feature
from plugin.ml.role import dispersion
from plugin.ml.verdict import (
    Anomaly,
    Role,
    Verdict,
    choose,
    decide,
    finding_document,
    is_relay,
    judge,
    relay_reason,
    to_document,
    warnings_of,
)
from plugin.settings import data_folder
from tests.models import manifest

MANIFEST = manifest("net", ("Printer", "Workstation", "Camera", "Phone"))._replace(
    threshold=0.6, min_packets=10, min_sessions=2
)
SURE, UNSURE = np.array([0.7, 0.1, 0.15, 0.05]), np.array([0.4, 0.3, 0.2, 0.1])


SCAN = Finding("horizontal-scan", 25.0, 25.0, ("25 hosts",), ("10.0.0.1", "10.0.0.2"))


def finding(score: float, name: str = "novelty") -> Finding:
    return Finding(name, score, 2.0, ("why",), ("what",))


LOW, AT, HIGH = finding(1.9), finding(2.0), finding(2.1)


def test_a_sure_model_knows() -> None:
    found = decide(MANIFEST, SURE, 10, 2)
    assert (found.decision, found.reason, found.model) == ("known", None, "tiny")
    assert found.labels == ("Printer", "Camera", "Workstation")
    assert found.confidences == (0.7, 0.15, 0.1)
    assert decide(MANIFEST._replace(threshold=0.7), SURE, 10, 2).decision == "known"


def test_an_unsure_model_does_not_and_says_why() -> None:
    found = decide(MANIFEST, UNSURE, 10, 2)
    assert found.decision == "unknown"
    assert found.reason == "Printer at 0.40 is below the model's threshold of 0.60"
    assert found.labels[0] == "Printer"


def test_figures_that_differ_are_told_so_that_they_do() -> None:
    close = np.array([0.5996, 0.2004, 0.1, 0.1])
    assert decide(MANIFEST, close, 10, 2).reason == (
        "Printer at 0.5996 is below the model's threshold of 0.6000"
    )


def test_who_is_like_all_classes_alike_is_like_none() -> None:
    found = decide(MANIFEST, np.full(4, 0.25), 10, 2)
    assert found.reason is not None
    assert found.reason.startswith("like none of the model's classes, ")
    assert "Printer" not in found.reason
    nearly = decide(MANIFEST, np.array([0.27, 0.25, 0.24, 0.24]), 10, 2).reason
    assert nearly == "Printer at 0.27 is below the model's threshold of 0.60"


def test_a_device_like_many_classes_a_little_is_unknown_and_says_why() -> None:
    strict = MANIFEST._replace(threshold=0.0, rejection=0.8)
    assert decide(strict, SURE, 10, 2).decision == "known"
    found = decide(strict, np.full(len(MANIFEST.classes), 1 / len(MANIFEST.classes)), 10, 2)
    assert found.decision == "unknown"
    assert found.reason is not None
    assert "spread over them by 1.00" in found.reason
    limit = float(dispersion(SURE, strict.temperature))
    assert decide(strict._replace(rejection=limit), SURE, 10, 2).decision == "known"
    below = strict._replace(rejection=float(np.nextafter(limit, 0)))
    assert decide(below, SURE, 10, 2).decision == "unknown"


@pytest.mark.parametrize(
    ("packets", "sessions", "reason"),
    [
        (9, 2, "9 packets, the model needs 10"),
        (1, 2, "1 packet, the model needs 10"),
        (10, 1, "1 session, the model needs 2"),
        (10, 0, "no IP session"),
    ],
)
def test_too_little_is_undetermined_however_sure(packets: int, sessions: int, reason: str) -> None:
    found = decide(MANIFEST, SURE, packets, sessions)
    assert (found.decision, found.reason) == ("undetermined", reason)
    assert found.confidences[0] == 0.7


def test_nothing_to_predict_from() -> None:
    found = decide(MANIFEST, None, 100, 0)
    assert found == Role("undetermined", ("Unknown",) * 3, (0.0,) * 3, "tiny", "no IP session")
    assert decide(MANIFEST, None, 100, 5) == found


def role(decision: str, confidence: float, model: str) -> Role:
    reason = None if decision == "known" else "why"
    return Role(decision, ("A", "B", "C"), (confidence, 0.1, 0.0), model, reason)


@pytest.mark.parametrize(
    ("device", "enterprise", "answer"),
    [
        (("known", 0.9), ("known", 0.8), "device"),
        (("known", 0.7), ("known", 0.8), "enterprise"),
        (("known", 0.7), ("unknown", 0.8), "device"),
        (("unknown", 0.9), ("unknown", 0.2), "enterprise"),
        (("unknown", 0.9), ("undetermined", 0.2), "enterprise"),
    ],
)
def test_the_surer_known_role_answers(
    device: tuple[str, float], enterprise: tuple[str, float], answer: str
) -> None:
    assert choose([role(*device, "device"), role(*enterprise, "enterprise")]).model == answer


@pytest.mark.parametrize(
    ("confidences", "expected"),
    [
        ((0.25, 0.25, 0.25), False),
        ((0.35, 0.25, 0.2), False),
        ((0.4, 0.2, 0.2), True),
        ((0.375, 0.25, 0.1), True),
        ((0.9, 0.0, 0.0), True),
        ((0.0, 0.0, 0.0), False),
    ],
)
def test_a_label_stands_out_or_is_an_accident(
    confidences: tuple[float, ...], expected: bool
) -> None:
    assert Role("unknown", ("a", "b", "c"), confidences, "m", "why").stands_out is expected


def test_a_relay_is_undetermined_however_sure_and_says_why() -> None:
    why = relay_reason(1, 8)
    assert why.startswith("sends from 9 addresses, 8 of them outside: a router or gateway")
    found = decide(MANIFEST, SURE, 10, 2, relay=why)
    assert (found.decision, found.reason) == ("undetermined", why)
    assert found.labels[0] == "Printer"
    assert decide(MANIFEST, SURE, 1, 1, relay=why).reason == why
    assert choose([role("known", 0.7, "device"), found]).model == "device"
    assert is_relay(found)
    assert not is_relay(decide(MANIFEST, SURE, 1, 1))
    assert not is_relay(role("known", 0.9, "device"))
    named = MANIFEST._replace(classes=("a router or gateway", *MANIFEST.classes[1:]))
    assert not is_relay(decide(named, UNSURE, 10, 2))


def test_what_has_a_hundredth_is_worth_a_look() -> None:
    some = Role("unknown", ("a", "b", "c"), (0.9, 0.01, 0.0099), "m", "why")
    assert some.likely() == (("a", 0.9), ("b", 0.01))


def test_warnings() -> None:
    assert warnings_of(900, 900, cut=False) == ()
    assert warnings_of(891, 900, cut=False) == ()
    assert len(warnings_of(890, 900, cut=False)) == 1
    assert warnings_of(240, 900, cut=False) == ("captured 4 minutes of the recommended 15 minutes",)
    assert warnings_of(1.5, 60, cut=False) == ("captured 1 second of the recommended 1 minute",)
    assert len(warnings_of(10, 900, cut=True)) == 2


def example(**fields: Any) -> Verdict:
    whole: dict[str, Any] = {
        "mac": "0e:00:00:00:00:0a",
        "ips": ("192.168.1.2", "fe80::1"),
        "source": "a.pcap",
        "packets": 12,
        "sessions": 3,
        "start_ns": 1_700_000_000_000_000_000,
        "end_ns": 1_700_000_900_500_000_000,
        "role": role("known", 0.9, "device"),
        "roles": (role("known", 0.9, "device"), role("unknown", 0.5, "enterprise")),
        "warnings": ("a warning",),
    }
    return Verdict(**(whole | fields))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    text = (data_folder("configs") / "schema" / "verdict-v1.schema.json").read_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    return jsonschema.Draft202012Validator(json.loads(text))


def test_the_json_is_what_the_issue_wrote_down() -> None:
    document = to_document(example())
    assert list(document) == [
        "schema", "kind", "mac", "ips", "source", "packets", "sessions", "window", "role", "roles",
        "anomaly", "warnings",
    ]  # fmt: skip
    assert document["window"] == {
        "start": "2023-11-14T22:13:20Z",
        "end": "2023-11-14T22:28:20.5Z",
    }
    assert document["role"] == {
        "decision": "known",
        "labels": ["A", "B", "C"],
        "confidences": [0.9, 0.1, 0.0],
        "model": "device",
        "reason": None,
    }
    assert document["anomaly"] is None
    changed = to_document(example(anomaly=judge((), LOW, finding(2.5, "change"))))["anomaly"]
    assert [changed[one]["name"] for one in ("novelty", "change")] == ["novelty", "change"]
    assert "roles" not in to_document(example(roles=()))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"roles": ()},
        {"mac": None, "ips": ()},
        {"start_ns": None, "end_ns": None},
        {"start_ns": -(10**18), "end_ns": 2**62},
        {"role": decide(MANIFEST, None, 0, 0)},
        {"role": decide(MANIFEST, SURE, 10, 2, relay=relay_reason(1, 8))},
        {"anomaly": judge(())},
        {"anomaly": judge([SCAN])},
        {"anomaly": judge([SCAN] * 100)},
        {"anomaly": Anomaly("changed", novelty=SCAN, change=SCAN)},
        {"anomaly": judge((), LOW, HIGH, HIGH)},
        {"explanation": Explanation("Printer", 12, (Feature("ttl", 60, 64, 64, 64, -4.0),))},
        {"explanation": Explanation(None, 300, ())},
    ],
)
def test_every_verdict_fits_the_published_schema(
    validator: jsonschema.Draft202012Validator, fields: dict[str, Any]
) -> None:
    document = json.loads(json.dumps(to_document(example(**fields))))
    validator.validate(document)


def test_a_behaviour_makes_a_device_anomalous_and_none_does_not_make_it_normal() -> None:
    assert judge([SCAN]) == Anomaly("anomalous", None, None, (SCAN,))
    assert judge(()) == Anomaly("undetermined", None, None, ())
    assert len(judge([SCAN] * 100).behaviour) == verdict.FINDINGS_MAX == 32
    assert to_document(example(anomaly=judge([SCAN])))["anomaly"] == {
        "verdict": "anomalous",
        "novelty": None,
        "change": None,
        "behaviour": [
            {
                "name": "horizontal-scan",
                "score": 25.0,
                "threshold": 25.0,
                "reasons": ["25 hosts"],
                "evidence": ["10.0.0.1", "10.0.0.2"],
            }
        ],
    }


@pytest.mark.parametrize(
    ("behaviour", "novelty", "change", "suspicion", "answer"),
    [
        ((), None, None, None, "undetermined"),
        ((), None, LOW, LOW, "undetermined"),
        ((), LOW, None, None, "normal"),
        ((), LOW, LOW, LOW, "normal"),
        ((), AT, None, None, "novel"),
        ((), HIGH, LOW, LOW, "novel"),
        ((), LOW, AT, None, "changed"),
        ((), HIGH, HIGH, LOW, "changed"),
        ((), None, HIGH, None, "changed"),
        ((), LOW, LOW, AT, "anomalous"),
        ((), None, None, HIGH, "anomalous"),
        ((SCAN,), LOW, LOW, None, "anomalous"),
        ((SCAN,), HIGH, HIGH, HIGH, "anomalous"),
    ],
)
def test_the_worst_finding_decides_and_new_is_not_bad(
    behaviour: tuple[Finding, ...],
    novelty: Finding | None,
    change: Finding | None,
    suspicion: Finding | None,
    answer: str,
) -> None:
    found = judge(behaviour, novelty, change, suspicion)
    assert (found.verdict, found.novelty, found.change) == (answer, novelty, change)
    suspect = suspicion is not None and suspicion.score >= suspicion.threshold
    assert found.behaviour == (*behaviour, *((suspicion,) if suspect else ()))


def test_a_suspicion_has_its_place_among_however_many_behaviours() -> None:
    found = judge([SCAN] * 100, suspicion=finding(3.0, "suspicion"))
    assert len(found.behaviour) == verdict.FINDINGS_MAX
    assert [one.name for one in found.behaviour[-2:]] == [SCAN.name, "suspicion"]


@pytest.mark.parametrize("role", [None, role("known", 0.9, "device")])
def test_a_finding_is_a_verdict_of_its_own_kind(
    validator: jsonschema.Draft202012Validator, role: Role | None
) -> None:
    ips = ("10.0.0.7", "10.0.0.7", *(f"10.1.0.{i}" for i in range(40)))
    found = Found(1_700_000_000_500_000_000, "0e:00:00:00:00:0a", SCAN)
    document = finding_document("0e:00:00:00:00:0a", ips, "trace_1_2.pcap", role, found)
    validator.validate(json.loads(json.dumps(document)))
    assert list(document) == list(to_document(example(roles=())))
    assert (document["kind"], document["packets"], document["sessions"]) == ("finding", None, None)
    assert document["window"] == {
        "start": "2023-11-14T22:13:20.5Z",
        "end": "2023-11-14T22:13:20.5Z",
    }
    assert (document["role"] is None) == (role is None)
    assert document["anomaly"]["behaviour"][0]["name"] == "horizontal-scan"
    for place, value in (("packets", 1), ("sessions", 0), ("mac", None), ("anomaly", None)):
        assert not validator.is_valid(document | {place: value})
    assert not validator.is_valid(document | {"kind": "capture"})


@pytest.mark.parametrize("place", ["packets", "sessions", "role"])
def test_a_verdict_about_a_capture_has_all(
    validator: jsonschema.Draft202012Validator, place: str
) -> None:
    assert not validator.is_valid(to_document(example()) | {place: None})
    assert not validator.is_valid(to_document(example()) | {"kind": "rumour"})


def test_the_schema_holds_anomalies_from_the_start(
    validator: jsonschema.Draft202012Validator,
) -> None:
    finding = {
        "name": "scan", "score": 3.5, "threshold": 1, "reasons": ["200 ports"], "evidence": ["s1"],
    }  # fmt: skip
    document = to_document(example()) | {
        "anomaly": {
            "verdict": "anomalous",
            "novelty": None,
            "change": finding,
            "behaviour": [finding],
        }
    }
    validator.validate(document)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema",), 2),
        (("mac",), "0E:00:00:00:00:0A"),
        (("role", "labels"), ["A", "B"]),
        (("role", "confidences"), [1, 0]),
        (("role", "decision"), "maybe"),
        (("role", "confidences", 0), 1.5),
        (("colour",), 1),
        (("roles",), []),
    ],
)
def test_the_schema_refuses_what_poseidon_could_not_take(
    validator: jsonschema.Draft202012Validator, place: tuple[Any, ...], value: object
) -> None:
    document: Any = copy.deepcopy(to_document(example()))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert not validator.is_valid(document)


def test_an_explanation_stands_in_the_json_only_where_there_is_one() -> None:
    assert "explanation" not in to_document(example())
    told = Explanation("Printer", 12, (Feature("ttl", 60.123456789, 64, 64.5, 65, -4),))
    assert to_document(example(explanation=told))["explanation"] == {
        "role": "Printer",
        "references": 12,
        "features": [
            {"name": "ttl", "value": 60.123457, "low": 64, "middle": 64.5, "high": 65, "beyond": -4}
        ],
    }


def test_confidences_are_rounded_in_json() -> None:
    document = to_document(example(role=role("known", 0.123456789, "device")))
    assert document["role"]["confidences"][0] == 0.123457
    assert verdict.DECIMALS == 6

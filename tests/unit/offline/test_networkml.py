"""The rules are those under which Poseidon takes a result; no Poseidon is needed to hold them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import Role, Verdict, judge
from plugin.offline.networkml import file_names, predictions

MAC = "0e:00:00:00:00:0a"
LABELS = {"Printer": "Printer", "Workstation": "Business workstation"}


def verdict(**fields: Any) -> Verdict:
    whole: dict[str, Any] = {
        "mac": MAC,
        "ips": ("10.1.2.3", "fe80::1"),
        "source": "/files/trace_5e13ab_2026-01-01_00_00_00.pcap",
        "packets": 100,
        "sessions": 5,
        "start_ns": 1_767_225_600_100_000_000,
        "end_ns": 1_767_225_700_100_000_000,
        "role": Role(
            "known", ("Workstation", "HueBridge", "Unknown"), (0.75, 0.25, 0.0), "m", None
        ),
        "roles": (),
        "warnings": (),
    }
    return Verdict(**(whole | fields))


def check_as_poseidon(messages: object) -> None:
    """What stops Poseidon, or what it silently drops, fails here."""
    assert isinstance(messages, list)  # the wrapper publishes each element; a dict gives strings
    result, end = messages
    for message in messages:
        assert isinstance(message, dict)
        assert {"tool", "id", "type", "file_path", "data", "results"} <= set(message)
    assert end["data"] == ""
    kinds = result["data"]
    assert set(kinds) <= {"mac_addresses", "ipv4_addresses", "ipv6_addresses"}
    for mac, entry in kinds["mac_addresses"].items():
        assert re.fullmatch("[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac)
        check_entry(entry)
    for kind in ("ipv4_addresses", "ipv6_addresses"):
        for entry in kinds.get(kind, {}).values():
            check_entry(entry)


def check_entry(entry: Any) -> None:
    labels, confidences = (entry["classification"][k] for k in ("labels", "confidences"))
    first, second, third = labels[:3]
    assert all(isinstance(label, str) and label for label in (first, second, third))
    assert len(confidences) == len(labels) == 3
    assert all(type(p) is float and 0 <= p <= 1 for p in confidences)
    assert "pcap_labels" in entry
    assert isinstance(entry["decisions"]["investigate"], bool)


def test_the_message_is_networkmls() -> None:
    messages = predictions(verdict().source, [verdict()], LABELS)
    check_as_poseidon(json.loads(json.dumps(messages)))
    assert messages[0]["tool"] == "networkml"
    assert messages[0]["data"]["mac_addresses"][MAC] == {
        "uid": "None",
        "file_path": "/files/trace_5e13ab_2026-01-01_00_00_00.pcap",
        "pcap": "trace_5e13ab_2026-01-01_00_00_00.pcap",
        "pcap_key": "5e13ab",
        "pcap_labels": None,
        "timestamp": 1767225600.1,
        "source_ip": "10.1.2.3",
        "decisions": {"investigate": False},
        "classification": {
            "labels": ["Business workstation", "HueBridge", "Unknown"],
            "confidences": [0.75, 0.25, 0.0],
        },
    }


@pytest.mark.parametrize("decision", ["unknown", "undetermined"])
def test_what_is_not_known_is_to_be_investigated(decision: str) -> None:
    role = Role(decision, ("Unknown",) * 3, (0.0,) * 3, "m", "3 packets")
    messages = predictions(
        "x.pcap", [verdict(role=role, source="x.pcap", start_ns=None, ips=())], {}
    )
    check_as_poseidon(messages)
    entry = messages[0]["data"]["mac_addresses"][MAC]
    assert entry["decisions"] == {"investigate": True}
    assert (entry["pcap_key"], entry["source_ip"], entry["timestamp"]) == ("", "None", 0.0)


def test_an_anomalous_device_is_to_be_investigated_whatever_its_role() -> None:
    scan = Finding("vertical-scan", 25.0, 25.0, ("25 ports",), ())
    for found, expected in (([scan], True), ([], False)):
        one = verdict(anomaly=judge(found))
        entry = predictions("a.pcap", [one], {})[0]["data"]["mac_addresses"][one.mac]
        assert entry["decisions"] == {"investigate": expected}


def test_a_device_without_a_mac_goes_by_its_addresses() -> None:
    messages = predictions("x", [verdict(mac=None)], LABELS)
    check_as_poseidon(messages)
    assert messages[0]["data"]["mac_addresses"] == {}
    assert set(messages[0]["data"]["ipv4_addresses"]) == {"10.1.2.3"}
    assert set(messages[0]["data"]["ipv6_addresses"]) == {"fe80::1"}


def test_no_device_is_an_empty_result() -> None:
    messages = predictions("x", [], LABELS)
    check_as_poseidon(messages)
    assert messages[0]["data"] == {"mac_addresses": {}}


def test_names_of_the_files() -> None:
    assert file_names(["/a/b.pcap"]) == ["predict.json"]
    assert file_names(["/a/b.pcap", "/c/b.pcap", "d.pcap"]) == [
        "b.pcap.predict.json",
        "b.pcap.2.predict.json",
        "d.pcap.predict.json",
    ]


def test_confidences_are_rounded_as_in_the_verdict() -> None:
    role = Role("known", ("A", "B", "C"), (2 / 3, 1 / 3, 0.0), "m", None)
    entry = predictions("x", [verdict(role=role)], {})[0]["data"]["mac_addresses"][MAC]
    assert entry["classification"]["confidences"] == [0.666667, 0.333333, 0.0]


def test_no_two_files_have_one_name_and_poseidon_can_take_them_apart() -> None:
    trace = "trace_5e13ab_2026-01-01_00_00_00.pcap"
    sources = [f"a/{trace}", f"b/{trace}", "c/b.pcap.2", "a/b.pcap", "b/b.pcap", "c/b.pcap", "-"]
    names = file_names(sources)
    assert len(set(names)) == len(sources)
    assert [name.startswith(trace) for name in names] == [True] * 2 + [False] * 5
    assert names[-1] == "stdin.predict.json"
    assert file_names(["x/a\udcff.pcap", "b"])[0] == "a\\udcff.pcap.predict.json"

"""Entries of the journal as sentences."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli.entries import KINDS, about, concerns, diff_of, flat, sentence
from tests.services import LAPTOP, PRINTER, SCAN, case, role, step

ANOMALY = {"verdict": "anomalous", "novelty": None, "change": None, "behaviour": [SCAN]}
WHOLE: dict[str, Any] = {
    "mac": "02:00:00:00:00:02", "source": "/c/trace_a.pcap", "packets": 275,
    "role": role("Printer", 0.97), "anomaly": None,
}  # fmt: skip
PLACE: dict[str, Any] = {"dp": "sw1", "port": 3, "vid": 9}


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("verdict", WHOLE, "Printer 0.97, known, in trace_a.pcap; 275 packets"),
        (
            "verdict",
            {"capture": "t.pcap", "verdict": WHOLE | {"anomaly": ANOMALY}},
            (
                "Printer 0.97, known, in t.pcap; 275 packets;"
                " horizontal scan: 412 hosts on port 445 in 60 s"
            ),
        ),
        (
            "verdict",
            WHOLE | {"role": role("Printer", 0.4, "unknown"), "packets": None},
            "unknown, rather Printer 0.40, in trace_a.pcap",
        ),
        (
            "verdict",
            WHOLE | {"role": role("Printer", 0.4, "undetermined"), "source": None},
            "undetermined: it is below the model's threshold of 0.60; 275 packets",
        ),
        ("verdict", {"role": None}, "role not judged"),
        ("finding", {"anomaly": ANOMALY}, "horizontal scan: 412 hosts on port 445 in 60 s"),
        ("finding", {"anomaly": None}, "nothing was told"),
        ("finding", {}, ""),
        ("device", PLACE | {"addresses": ["10.0.0.1"], "name": "ann"},
         "on switch sw1, port 3, VLAN 9; 10.0.0.1; called ann"),
        ("device", {"mac": "x"}, "mac x"),
        ("gone", {}, "it left the network"),
        ("started", {"version": "1", "pid": 7}, "Halia 1 started as process 7"),
        ("stopped", {"why": "SIGTERM"}, "Halia stopped: SIGTERM"),
        ("strange", {"a": [1, "b"]}, "a 1 b"),
    ],
)  # fmt: skip
def test_sentences(kind: str, body: dict[str, Any], said: str) -> None:
    assert sentence(kind, body) == said


BY_RULE = case(7, evidence=["f-1", "v-2"], models=["device"])
BY_HAND = case(
    8, rule=None, origin="operator", actor="ann", reason="she called", evidence=[], policy=""
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            step(BY_RULE, "isolating", "read back from the switches"),
            (
                "case 7 isolating -> isolated (quarantine, rule scanners); read back from the"
                " switches; it scans; evidence f-1 v-2; models device; policy abababababab"
            ),
        ),
        (
            step(BY_RULE | {"actor": "ann", "state": "releasing"}, "isolated", "a false alarm"),
            (
                "case 7 isolated -> releasing (quarantine, rule scanners, by ann); a false alarm;"
                " it scans; evidence f-1 v-2; models device; policy abababababab"
            ),
        ),
        (
            step(BY_HAND | {"state": "isolating"}, None, "she called"),
            "case 8 begins as isolating (quarantine, by ann); she called",
        ),
    ],
)
def test_a_step_of_a_case_is_one_sentence(body: dict[str, Any], said: str) -> None:
    assert sentence("decision", body) == said


def test_another_policy_and_what_caps_stop() -> None:
    body = {"source": "office.yaml", "digest": "ab" * 32, "rules": 3}
    assert sentence("policy", body) == "policy abababababab of office.yaml: 3 rules"
    none = {"source": "", "digest": "", "rules": 0}
    assert sentence("policy", none) == "no policy: no rule isolates anybody"
    assert sentence("caps", {"frozen": None}) == "rules may isolate again"
    assert sentence("caps", {"frozen": "caps.devices: 9 of 9"}).endswith("it: caps.devices: 9 of 9")


def test_a_release_without_the_daemon() -> None:
    body = {"macs": [LAPTOP], "all": True, "reason": "the daemon hangs"}
    assert (
        sentence("release", body)
        == f"everybody let out without the daemon: {LAPTOP}; the daemon hangs"
    )
    body = {"macs": [], "all": False, "reason": "x"}
    assert sentence("release", body) == "let out without the daemon: nobody was in the file; x"


def test_whom_an_entry_is_about() -> None:
    assert about(step(BY_RULE)) == LAPTOP
    assert about({"mac": LAPTOP}) == LAPTOP
    assert about({"case": 7, "mac": 9}) is None
    assert about({}) is None


def test_an_entry_may_concern_several() -> None:
    assert concerns({"macs": [PRINTER, LAPTOP]}, LAPTOP)
    assert concerns(step(BY_RULE), LAPTOP)
    assert not concerns({"macs": [PRINTER]}, LAPTOP)
    assert not concerns({"macs": 7, "mac": PRINTER}, LAPTOP)


def test_what_was_written_is_counted() -> None:
    body = {"file": "f.yaml", "diff": "--- a\n+++ b\n@@ -1 +1,2 @@\n-x\n+y\n+z\n", "macs": []}
    assert sentence("config", body) == "f.yaml written: 2 lines more, 1 fewer"
    assert len(diff_of(body)) == 6
    assert diff_of({}) == diff_of({"diff": 7}) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_of_another_halia_is_told_as_it_is(kind: str) -> None:
    body = {"verdict": 7, "new": True}
    assert sentence(kind, body) in {flat(body), "it left the network"}

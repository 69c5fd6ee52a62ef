"""Entries of the journal as sentences."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli.entries import KINDS, flat, sentence
from tests.services import SCAN, role

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


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_of_another_halia_is_told_as_it_is(kind: str) -> None:
    body = {"verdict": 7, "new": True}
    assert sentence(kind, body) in {flat(body), "it left the network"}

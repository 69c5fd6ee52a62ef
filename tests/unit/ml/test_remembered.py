"""What was written of a role and an anomaly comes back as it was."""

from __future__ import annotations

import json

from plugin.ml.behaviour.finding import Finding
from plugin.ml.remembered import anomaly_from, role_from
from plugin.ml.verdict import Anomaly, Role, anomaly_document, role_document

FINDING = Finding("beacon", 1.5, 1.0, ("every 60 s",), ("198.51.100.1:443",))


def test_roles_come_back() -> None:
    for reason in (None, "too little"):
        role = Role("known", ("A", "B", "Unknown"), (0.9, 0.1, 0.0), "m", reason)
        assert role_from(json.loads(json.dumps(role_document(role)))) == role


def test_anomalies_come_back() -> None:
    assert anomaly_from(None) is None
    for anomaly in (
        Anomaly("undetermined"),
        Anomaly("anomalous", None, None, (FINDING, FINDING)),
        Anomaly("novel", FINDING, FINDING._replace(name="change")),
    ):
        assert anomaly_from(json.loads(json.dumps(anomaly_document(anomaly)))) == anomaly

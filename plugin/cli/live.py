"""Verdicts, findings, decisions and alarms of a running Halia as lines for people. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from plugin.errors import printable
from plugin.policy.decision import KIND as DECISION
from plugin.policy.decision import decision_words

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(document: Mapping[str, Any], name: str | None = None) -> str:
    """One line, its end included, for what ``halia run`` says.

    Args:
        document: A verdict's, a finding's, a decision's or an alarm's.
        name: What its device is called; by default it is its MAC address.
    """
    kind = document["kind"]
    if kind == "alarm":
        time = datetime.fromtimestamp(document["time"], UTC).strftime("%H:%M:%S")
        return _line(time, "alarm", name or document["mac"] or "", document["text"])
    if kind == DECISION:
        time = document["time"][11:19]
        return _line(time, "decided", name or document["mac"], decision_words(document))
    time = str(document["window"]["end"] or "")[11:19]
    if kind == "finding":
        found = document["anomaly"]["behaviour"][0]
        return _line(time, "finding", name or document["mac"], _finding(found))
    role = document["role"]
    words = f"{role['labels'][0]} {role['confidences'][0]:.2f}, {role['decision']}"
    words += f" ({role['reason']})" if role["reason"] else ""
    anomaly = document["anomaly"]
    if anomaly is not None and anomaly["behaviour"]:
        words += "; anomalous: " + ", ".join(map(_finding, anomaly["behaviour"]))
    return _line(time, "verdict", name or document["mac"] or "-", words)


def _finding(found: Mapping[str, Any]) -> str:
    return f"{found['name'].replace('-', ' ')}: {'; '.join(found['reasons'])}"


def _line(time: str, kind: str, mac: str, words: str) -> str:
    return f"{time}  {kind:<7}  {mac:<17}  {printable(words)}\n"

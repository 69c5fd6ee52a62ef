"""Lines for people: the time, what it is, of whom, and why."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli.live import told
from plugin.ml.verdict import finding_document, judge, to_document
from plugin.policy.decision import decision_document
from tests.cases import step
from tests.playbook import START, A, found, role, verdict

SCAN = found().finding
WORDS = "horizontal scan: 412 hosts on port 445 in 60 s"
ALARM = {"kind": "alarm", "time": START + 61.5, "alarm": "twice", "mac": A, "text": "two places"}


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (
            to_document(verdict(end=61)),
            f"08:01:01  verdict  {A}  Printer 0.90, known\n",
        ),
        (
            to_document(verdict(role=role("unknown"), anomaly=judge([SCAN]))),
            f"08:00:00  verdict  {A}  Printer 0.90, unknown (too little); anomalous: {WORDS}\n",
        ),
        (
            to_document(verdict(mac=None, end_ns=None, anomaly=judge(()))),
            "  verdict  -                  Printer 0.90, known\n",
        ),
        (
            finding_document(A, (), "t", None, found(after=5)),
            f"08:00:05  finding  {A}  horizontal scan: 412 hosts on port 445 in 60 s\n",
        ),
        (
            decision_document(step()),
            (
                "22:13:20  decided  02:00:00:00:00:0a  case 7, quarantine is in force until"
                " 2023-11-14T23:13:20.25Z: horizontal scan: 412 hosts on port 445 in 60 s"
                " (read back from every hooked port)\n"
            ),
        ),
        (ALARM, f"08:01:01  alarm    {A}  two places\n"),
        (ALARM | {"mac": None}, "08:01:01  alarm                       two places\n"),
    ],
)
def test_each_is_one_line(document: dict[str, Any], line: str) -> None:
    assert told(document) == line


def test_a_device_may_be_called_by_its_name() -> None:
    assert told(ALARM, "printer").startswith("08:01:01  alarm    printer  ")


def test_what_others_wrote_does_nothing_to_the_terminal() -> None:
    line = told(ALARM | {"text": "\x1b[2Jgone\nand another line"})
    line += told(decision_document(step(reason="\x1b[2Jgone\nand another line")))
    assert line.count("\n") == 2
    assert "\x1b" not in line

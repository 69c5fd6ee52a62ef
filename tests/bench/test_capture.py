from __future__ import annotations

import json

import pytest

from bench.__main__ import main
from bench.capture import (
    CPU_GOAL_US,
    FIELD,
    QUICK,
    Report,
    Row,
    capture_lines,
    judge,
    run_capture,
)

GOOD = Row("100k", "halia capture", 100, 1.0, 150, 150, 0, 0.3, 0.1, 2.0)


@pytest.mark.parametrize(
    ("changed", "met"),
    [
        ({}, [True, True]),
        ({"kept": 149}, [False, True]),
        ({"kept": 151}, [False, True]),
        ({"dropped": 1}, [False, True]),
        ({"user_us": CPU_GOAL_US + 0.01}, [True, False]),
        ({"failed": "it fell"}, [False, False]),
    ],
)
def test_goals(changed: dict[str, object], met: list[bool]) -> None:
    row = GOOD._replace(**changed)  # type: ignore[arg-type] # any field
    assert [g.met for g in judge([row, GOOD._replace(name="tcpdump", kept=0)])] == met
    assert Report({}, [row], judge([row])).failed == (met != [True, True])


def test_other_streams_have_no_goal_for_time() -> None:
    assert len(judge([GOOD._replace(stream="stall", user_us=99.0)])) == 1


def test_what_each_tool_says_is_understood() -> None:
    told = {c.name: c.told for c in FIELD}
    tcpdump = "7 packets captured\n9 packets received by filter\n2 packets dropped by kernel\n"
    assert told["tcpdump"]([tcpdump]) == (7, 2)
    assert told["one tcpdump a device"]([tcpdump, tcpdump]) == (14, 4)
    dumpcap = (
        "Packets: 12 \rPackets captured: 17\n"
        "Packets received/dropped on interface 'halia1': 17/3 (pcap:3/dumpcap:0/flushed:0/ps)\n"
    )
    assert told["dumpcap"]([dumpcap]) == (17, 3)
    line = {"kind": "summary", "written_packets": 30, "kernel_drops": 1, "unread": 2}
    assert told["halia capture"](['{"kind": "file"}\n' + json.dumps(line) + "\n"]) == (30, 3)


def test_a_small_run_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    report = run_capture(quick=True, only=("halia capture", "tcpdump"))
    if report.skipped:
        pytest.skip(f"no frames can be sent here: {report.skipped}")
    ours = [row for row in report.rows if row.name == "halia capture"]
    assert [row.kept - row.expected for row in ours] == [0] * len(QUICK)
    assert [row.sent for row in ours] == [stream.frames for stream in QUICK]
    assert [g.met for g in report.goals if "nothing lost" in g.name] == [True] * len(QUICK)
    assert "halia capture" in "\n".join(capture_lines(report))
    assert main(["capture", "--quick", "--json", "--only", "no such contender"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == []

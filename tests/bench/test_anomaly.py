"""The bench of behaviours: what is counted as their cost, and when a goal is missed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import bench.anomaly
from bench.__main__ import main
from bench.anomaly import Cost, Report, anomaly_lines, cost_of
from bench.inputs import Input, Skipped
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

CHEAP = Cost("short", "generated", 100, 1_000, 0, 0.0004, 0.0006, 0.02)


def test_a_capture_is_counted_judged_and_streamed(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*attacks.horizontal()))
    cost = cost_of(Input("own", path, "a scan"), 1)
    assert (cost.packets, cost.sessions, cost.findings) == (41, 41, 1)
    assert min(cost.counting_s, cost.judging_s, cost.streaming_s) > 0


def test_a_microsecond_a_session_is_the_goal() -> None:
    assert CHEAP.micros == pytest.approx(1.0)
    assert CHEAP._replace(judging_s=0.00059).met
    dear = CHEAP._replace(judging_s=0.00061)
    assert not dear.met
    cheap = CHEAP._replace(judging_s=0.00059)
    assert not Report((cheap,), (), 15, "demo").failed
    assert Report((cheap, dear), (), 15, "demo").failed
    assert Report((cheap,), (), 15.1, "demo").failed
    assert Report((cheap,), (), 0, "demo").failed  # did not run
    lines = anomaly_lines(Report((cheap, dear), (Skipped("merge", "no folder"),), 20, "demo"))
    assert "met" in lines[1]
    assert "MISSED" in lines[2]
    assert lines[3] == "NOT RUN: merge: no folder"
    assert lines[4].endswith("demo: 20.0 x bare Python (goal: <= 15) MISSED")


def test_the_verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report((CHEAP._replace(judging_s=0.0005),), (), 14.0, "demo")
    monkeypatch.setattr(bench.anomaly, "run_anomaly", lambda *_, **__: report)
    assert main(["anomaly", "--json", "--check"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["classify_times_bare_python"] == 14.0
    assert shown["behaviours"][0]["micros"] == pytest.approx(0.9)
    monkeypatch.setattr(bench.anomaly, "run_anomaly", lambda *_, **__: report._replace(times=16.0))
    assert main(["anomaly", "--check"]) == 1

"""The bench of the engine: what it measures, and that a missed goal is a failure."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import main
from bench.engine import Report, Step, engine_lines, run_engine


def test_a_missed_goal_is_told_and_fails() -> None:
    good = Step("a", 10, 1.0, 50.0)
    assert not Report(10, (good,), 1.0).failed
    assert Report(10, (good, good._replace(us=50.1)), 1.0).failed
    report = Report(10, (good,), 1000.0)
    assert report.failed
    assert "MISSED" in engine_lines(report)[-1]


def test_a_small_run_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    report = run_engine(200)
    assert [step.events for step in report.steps][:7] == [200, 200, 200, 200, 400, 200, 200]
    assert [step.events for step in report.steps][7:] == [70, 200, 120, 60]
    assert all(step.us > 0 for step in report.steps)
    assert main(["engine", "--quick", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["devices"] == 1_000

"""The bench of flows: a stand-in for netml, goals, and what is said without netml."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import bench.flows
from bench.__main__ import main
from bench.flows import NO_NETML, Step, flows_lines, our_seconds, rates
from bench.inputs import Input

SMALL = Path(__file__).resolve().parents[1] / "data" / "netml" / "small.pcap.xz"
STAND_IN = """
import json, sys
assert sys.argv[3:] == ["IAT-0-0"], sys.argv
print(json.dumps({"cpu_s": {"flows": 999.0, "IAT-0-0": 1.0}, "versions": {"netml": "9.9"}}))
"""


def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    path = tmp_path / "child.py"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(bench.flows, "CHILD", path)


def measured(python: str | None) -> Step:
    source = Input("small", SMALL, "the small one")
    return rates(source, python, source, 100, 1)


def test_rates_are_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, STAND_IN)
    step = measured(sys.executable)
    assert step.value is not None
    assert step.value > 1_000  # theirs is 0.1 packets a second
    assert step.met
    assert "2,500 packets" in step.note
    assert "netml 9.9: the small one in 1000.00 s = 0/s" in step.note


def test_what_fails_is_said_and_misses_no_goal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, tmp_path, "raise SystemExit('no netml here')")
    step = measured(sys.executable)
    assert step.value is None
    assert "no netml here" in step.note
    assert step.met


def test_all_features_are_made() -> None:
    seconds, packets, memory = our_seconds(SMALL, bench.flows.FEATURES)
    assert (packets, seconds > 0, memory > 0) == (2_500, True, True)


def test_without_netml_lines_say_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HALIA_NETML", raising=False)
    monkeypatch.setattr(bench.flows, "shared_folder", lambda: None)
    assert main(["flows", "--quick", "--check", "--cache", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "NOT RUN  short: packets a CPU second beside netml" in said
    assert NO_NETML in said
    assert "measured short: all features" in said
    assert "NOT RUN  learn on netml's demo capture" in said


def test_a_missed_goal_is_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [Step("slow", 2.0, 20.0, "why"), Step("fast", 30.0, 20.0, "")]
    monkeypatch.setattr(bench.flows, "run_flows", lambda *_, **__: steps)
    assert main(["flows", "--check", "--cache", str(tmp_path)]) == 1
    assert main(["flows", "--json", "--cache", str(tmp_path)]) == 0
    lines = capsys.readouterr().out
    assert "MISSED   slow: 2 x (goal >= 20 x); why" in lines
    assert json.loads(lines.splitlines()[-1])["steps"][1]["met"]
    assert flows_lines(steps)[2].startswith("met      fast: 30 x")

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import bench.core
import bench.model
from bench.__main__ import main
from bench.core import Options, Report
from bench.goals import GOALS, Judged
from bench.model import Step

if TYPE_CHECKING:
    from pathlib import Path

    from bench.goals import Outcome


def report(outcome: Outcome) -> Report:
    judged = Judged(GOALS[0], "met", 1.0, "")._replace(outcome=outcome)
    return Report({"cpu": "x"}, [], [], [judged])


@pytest.mark.parametrize(
    ("outcome", "check", "code"),
    [
        ("met", True, 0),
        ("not judged", True, 0),
        ("missed", True, 1),
        ("refused", True, 1),
        ("missed", False, 0),
    ],
)
def test_a_check_ends_with_1_when_a_goal_is_missed(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, *, check: bool, code: int
) -> None:
    monkeypatch.setattr(bench.core, "run_core", lambda _: report(outcome))
    assert main(["core", *(["--check"] if check else [])]) == code


def test_the_options_reach_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Options] = []

    def run(options: Options) -> Report:
        seen.append(options)
        return report("met")

    monkeypatch.setattr(bench.core, "run_core", run)
    words = ["--quick", "--only", "short", "--packets", "9", "--cache", str(tmp_path)]
    assert main(["core", *words]) == 0
    assert seen == [Options(tmp_path, 2, 9, None, quick=True, only=("short",))]


def test_json_is_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.core, "run_core", lambda _: report("met"))
    main(["core", "--json"])
    assert json.loads(capsys.readouterr().out)["goals"][0]["outcome"] == "met"


@pytest.mark.parametrize(("difference", "code"), [(0.0, 0), (1.0, 1)])
def test_the_model_step_is_checked_too(
    monkeypatch: pytest.MonkeyPatch, difference: float, code: int
) -> None:
    steps = [Step("net", 9, 1.0, 1.0, 0.0), Step("forest", 9, 1.0, 1.0, difference)]
    monkeypatch.setattr(bench.model, "run_model", lambda **_: steps)
    assert main(["model", "--check"]) == code


def test_agreement_needs_captures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HALIA_SHARED", str(tmp_path))
    assert main(["agree"]) == 2
    assert "HALIA_SHARED" in capsys.readouterr().err


def test_several_verbs_are_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "model", "--quick", "--json", "--rounds", "1"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["devices"] == 1_000
    assert second["steps"]

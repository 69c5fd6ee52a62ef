"""The bench of outlier selection: a stand-in for PyOD, goals, and what is said without PyOD."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import bench.sos
from bench.__main__ import main
from bench.sos import NO_PYOD, Step, compare, run_sos, some_rows, sos_lines, their_scores

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = """
import json, sys
import numpy as np
assert sys.argv[3:] == ["euclidean", "4.5", "{eps}"], sys.argv
rows = np.load(sys.argv[1])
assert rows.shape == (200, 8)
np.save(sys.argv[2], np.full((len(rows), 1), 0.5)[:, 0])
print(json.dumps({{"cpu_s": 1000.0, "pyod": "9.9", "numpy": "1"}}))
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "child.py"
    path.write_text(STAND_IN.replace('"{eps}"', "sys.argv[5]").format(), encoding="utf-8")
    monkeypatch.setattr(bench.sos, "CHILD", path)
    monkeypatch.delenv("HALIA_PYOD", raising=False)
    return path


@pytest.mark.usefixtures("stand_in")
def test_a_ratio_and_a_difference_come_from_the_peer() -> None:
    speed, difference = compare(sys.executable, 200, 1)
    assert speed.value is not None
    assert speed.value > 15
    assert speed.met
    assert "PyOD 9.9" in speed.note
    assert difference.value == pytest.approx(0.5, abs=0.1)
    assert not difference.met


@pytest.mark.usefixtures("stand_in")
def test_without_pyod_its_lines_say_so_and_miss_no_goal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sos", "--quick", "--check"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("NOT RUN")] == said[1:3]
    assert NO_PYOD in said[1]
    assert said[3].startswith("met")


def test_a_python_without_pyod_is_named(tmp_path: Path) -> None:
    found = their_scores(str(tmp_path / "none"), some_rows(9), metric="x", perplexity=2, eps=1)
    assert isinstance(found, str)
    assert "none" in found
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no module >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    steps = compare(str(broken), 50, 1)
    assert [step.value for step in steps] == [None, None]
    assert all(step.note.endswith("no module") for step in steps)


@pytest.mark.usefixtures("stand_in")
def test_the_environment_names_the_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALIA_PYOD", sys.executable)
    assert run_sos(rounds=1, quick=True)[0].value is not None


def test_a_missed_goal_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = Step("rows", 20.1, "s", 20.0, False, "")
    assert not slow.met
    assert slow._replace(at_least=True).met
    monkeypatch.setattr(bench.sos, "run_sos", lambda *_, **__: [slow])
    assert main(["sos"]) == 0
    assert main(["sos", "--check"]) == 1
    assert main(["sos", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["steps"][0]["met"] is False
    assert sos_lines([slow])[1] == "MISSED   rows: 20.1 s (goal <= 20 s)"


def test_rows_are_seeded() -> None:
    assert (some_rows(20) == some_rows(20)).all()
    assert np.abs(some_rows(20)[:5].mean() - 6) < 1

"""Each block of netml's README has its twin: programs in examples/, commands of ``halia``."""

from __future__ import annotations

import io
import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from plugin.cli.main import main
from plugin.netml import load_data
from tests.netml_files import COLUMNS, DNS, FLOWS, write_capture, write_labels

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
README = """
halia learn --pcap=data/demo.pcap --label=data/demo.csv --output=out/OCSVM-results.dat
halia learn extract --pcap=data/demo.pcap --label=data/demo.csv --feature=out/IAT-features.dat
halia learn train --feature=out/IAT-features.dat --output=out/OCSVM-results.dat
halia learn --pcap=traffic.pcap --output=model.dat
"""
"""netml's, with ``halia`` for ``netml``; the one that classifies reads standard input."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where netml's README is followed."""
    monkeypatch.chdir(tmp_path)
    write_capture(tmp_path / "data" / "demo.pcap")
    write_labels(tmp_path / "data" / "demo.csv")
    write_capture(tmp_path / "traffic.pcap")
    write_capture(tmp_path / "unclassified.pcap")
    return tmp_path


def command(number: int) -> list[str]:
    return shlex.split(README.strip().splitlines()[number])[1:]


def classify(model: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    """``halia classify --model=M < unclassified.pcap``."""
    with (folder / "unclassified.pcap").open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
        return main(["classify", f"--model={model}", *more])


def test_the_programs_run_one_after_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(EXAMPLES / "extract.py"))
    assert f"({FLOWS}, {COLUMNS})" in capsys.readouterr().out
    done = runpy.run_path(str(EXAMPLES / "train.py"))
    assert 0.0 <= done["ndm"].score <= 1.0
    detector, history = load_data(folder / "out" / "OCSVM-results.dat")
    assert history["score"] == done["ndm"].score
    assert detector.name == "OCSVM-results.dat"
    capsys.readouterr()
    runpy.run_path(str(EXAMPLES / "classify.py"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == FLOWS
    assert {line.split()[-1] for line in lines} <= {"1", "-1"}


def test_every_program_is_told_and_run() -> None:
    """A new one needs a line in the README of examples, and a place in the test above."""
    told = re.findall(r"\]\((\w+\.py)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert sorted(told) == sorted(path.name for path in EXAMPLES.glob("*.py"))
    here = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in told if f'EXAMPLES / "{name}"' not in here] == []


def test_all_in_one_command(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*command(0), "--last=drop"]) == 0  # as netml parts flows
    assert f"{FLOWS} flows, {FLOWS - DNS} normal and {DNS} abnormal" in capsys.readouterr().out
    assert classify("out/OCSVM-results.dat", folder, monkeypatch) == 0
    assert f"of {FLOWS} flows score above" in capsys.readouterr().out


def test_two_steps_leave_the_features_as_they_are(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """netml's second step empties the file that it is to read."""
    assert main(command(1)) == 0
    before = (folder / "out" / "IAT-features.dat").read_bytes()
    assert main(command(2)) == 0
    assert (folder / "out" / "IAT-features.dat").read_bytes() == before
    assert "AUC" in capsys.readouterr().out
    features, labels = load_data("out/IAT-features.dat")
    assert classify("out/OCSVM-results.dat", folder, monkeypatch, "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["kind"] for one in told] == ["flow"] * len(features) + ["device"]
    assert len(labels) == len(features) > FLOWS  # the last part of a parted flow is kept


def test_a_model_without_labels_scores_a_capture_from_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(command(3)) == 0
    assert "no labels, so no test" in capsys.readouterr().out
    assert classify("model.dat", folder, monkeypatch, "--report-all") == 0
    assert "standard input" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", ["--help", "learn --help", "learn --help-algorithm", "learn --help-param"]
)
def test_it_tells_what_there_is(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 0
    assert "one-class" in capsys.readouterr().out or words == "--help"


def test_the_program_in_the_document_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "traffic.pcap").rename(folder / "capture.pcap")
    text = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "docs/flows.md", "exec"), {})  # noqa: S102 - our own document
    assert f"({FLOWS}, {COLUMNS})" in capsys.readouterr().out
    assert (folder / "flows-model" / "manifest.json").is_file()

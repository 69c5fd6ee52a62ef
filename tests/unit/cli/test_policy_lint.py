"""``halia policy lint`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text("rules:\n  r: [rule: {device_key: os, value: x, acls: [a]}]\n")
    Path("a.yaml").write_text("acls: {b: []}")
    return tmp_path


def halia(words: str) -> int:
    return main(["policy", *words.split()])


def test_each_finding_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("lint r.yaml --acls a.yaml") == 4
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == 8
    assert lines[5].startswith("r.yaml:2:7: rules.r: a rule on the os never applies")
    assert lines[5].endswith("[never: os-never]")
    assert lines[7].startswith("a.yaml:1:8: acls.b: without rules")
    assert said.err == ""


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("lint r.yaml --json") == 4
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 6
    assert set(found[0]) == {"place", "kind", "effect", "rule", "text"}
    assert found[-1]["rule"] == "r"
    assert found[-1]["kind"] == "os-never"


def test_a_file_with_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.yaml").write_text("rules: {}")
    assert halia("lint r.yaml") == 0
    assert capsys.readouterr().out == "r.yaml: Poseidon does with it what it says\n"
    assert halia("lint r.yaml --json") == 0
    assert capsys.readouterr().out == ""


def test_what_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("lint gone.yaml") == 2
    assert "gone.yaml: cannot be read" in capsys.readouterr().err
    Path("r.yaml").write_text("{")
    assert halia("lint r.yaml") == 2
    assert "r.yaml:1:2: " in capsys.readouterr().err
    assert halia("lint r.yaml --out r.yaml --force") == 2

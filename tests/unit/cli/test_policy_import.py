"""``halia policy import`` at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.cli.main import main

RULES = """\
rules:
  good: [rule: {device_key: role, value: Printer, acls: [nothing]}]
"""
BAD = RULES + "  bad: [rule: {device_key: role, value: Printer, acls: [gone]}]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(RULES)
    Path("a.yaml").write_text("acls: {nothing: [rule: {actions: {allow: 0}}]}")
    return tmp_path


def halia(words: str) -> int:
    return main(["policy", *words.split()])


def test_a_policy_is_written_that_check_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("import r.yaml --acls a.yaml -o p.yaml") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "protect names nothing" in said.err
    assert halia("check p.yaml") == 0
    assert capsys.readouterr().out == "p.yaml: good: 1 rule, enforced: none\n"
    assert halia("import r.yaml --acls a.yaml --out p.yaml") == 2
    assert "exists already" in capsys.readouterr().err
    assert halia("import r.yaml --acls a.yaml --out p.yaml --force --enforce -q") == 0
    assert capsys.readouterr().err == ""
    halia("check p.yaml")
    assert "enforced: good" in capsys.readouterr().out


def test_what_is_left_out_ends_with_four_and_the_rest_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("r.yaml").write_text(BAD)
    assert halia("import r.yaml --acls a.yaml -q") == 4
    said = capsys.readouterr()
    assert "- name: good\n" in said.out
    assert "- name: bad\n" not in said.out
    assert "r.yaml:3:57: rules.bad: left out: a.yaml has no ACL gone" in said.err
    assert halia("import r.yaml --acls a.yaml --instead gone=limit:2M") == 0
    assert "action: limit:2000k" in capsys.readouterr().out


def test_an_input_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("r.yaml", "a.yaml"):
        before = Path(name).read_text()
        assert halia(f"import r.yaml --acls a.yaml -o {name} --force") == 2
        assert "is an input" in capsys.readouterr().err
        assert Path(name).read_text() == before


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("import gone.yaml", "gone.yaml: cannot be read"),
        ("import r.yaml --instead nothing", "'nothing': ACL=ACTION is expected"),
        ("import r.yaml --instead =block", "'=block': ACL=ACTION is expected"),
        ("import r.yaml --instead nothing=shoot", "'shoot' is no action"),
    ],
)
def test_mistakes(words: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert halia(words) == 2
    assert problem in capsys.readouterr().err


def test_broken_files_are_told_whole_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("r.yaml").write_text("rules: {a: x}")
    Path("a.yaml").write_text("acls: {b: y}")
    assert halia("import r.yaml --acls a.yaml -o p.yaml") == 2
    said = capsys.readouterr().err
    assert "r.yaml:1:12: rules.a: a list" in said
    assert "a.yaml:1:11: acls.b: a list" in said
    assert not Path("p.yaml").exists()

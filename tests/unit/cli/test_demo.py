from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from plugin.cli.main import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_ends_by_itself_and_draws(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "devices have their true role among the three" in out
    assert "not how accurate it is" in out
    assert "####" in out
    assert Path("demo-out/roles.png").read_bytes().startswith(b"\x89PNG")
    assert main(["demo", "-q"]) == 0  # its own picture is replaced


def test_without_matplotlib_it_still_shows_roles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["demo"]) == 0
    captured = capsys.readouterr()
    assert "HueBridge" in captured.out
    assert "no picture" in captured.err
    assert main(["demo", "--picture", "x.png"]) == 2


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json", "--picture", "p.png"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(len(row["labels"]) == 3 and not row["seen_in_training"] for row in rows)
    assert Path("p.png").is_file()
    assert main(["demo", "--picture", "p.png"]) == 2  # never over a file without --force
    assert main(["demo", "-q", "--picture", "p.png", "--force"]) == 0


def test_a_picture_is_a_png(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--picture", "a.txt"]) == 2
    assert capsys.readouterr() == ("", "halia: a.txt: is written as .png; name it so\n")
    assert not Path("a.txt").exists()

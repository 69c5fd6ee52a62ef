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
    assert main(["demo", "--captures"]) == 0
    out = capsys.readouterr().out
    assert "7 of 9 devices are known, 7 of these rightly." in out
    assert "2 are not; the surest guess would be right for 2 of these." in out
    assert "not how accurate it is" in out
    assert "####" in out
    assert Path("demo-out/roles.png").read_bytes().startswith(b"\x89PNG")
    assert main(["demo", "--captures", "-q"]) == 0  # its own picture is replaced


def test_a_guess_is_no_headline_and_nothing_near_zero_is_ranked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--captures"]) == 0
    blocks = capsys.readouterr().out.split("\n\n")
    share = next(block for block in blocks if "fileserver" in block).splitlines()
    assert share[2] == "    undetermined: 2 sessions, the model needs 5; what each would guess"
    assert share[3].startswith("      model ")
    assert "undetermined: Distributed file share" in share[3]
    assert "<- right, " in share[3]
    assert "<- right" not in share[4]
    assert all(" 0.00" not in line for block in blocks for line in block.splitlines())


def test_without_matplotlib_it_still_shows_roles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["demo", "--captures"]) == 0
    captured = capsys.readouterr()
    assert "HueBridge" in captured.out
    assert "no picture" in captured.err
    assert main(["demo", "--captures", "--picture", "x.png"]) == 2


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--captures", "--json", "--picture", "p.png"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(len(row["labels"]) == 3 and not row["seen_in_training"] for row in rows)
    assert Path("p.png").is_file()
    assert (
        main(["demo", "--captures", "--picture", "p.png"]) == 2
    )  # never over a file without --force
    assert main(["demo", "--captures", "-q", "--picture", "p.png", "--force"]) == 0


def test_a_picture_is_a_png(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--captures", "--picture", "a.txt"]) == 2
    assert capsys.readouterr() == ("", "halia: a.txt: is written as .png; name it so\n")
    assert not Path("a.txt").exists()

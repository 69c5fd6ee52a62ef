from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plugin.cli.main import main
from plugin.ml.store import ARRAYS, save_model
from tests.models import tiny_forest, tiny_net
from tests.normals import tiny_normal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models").mkdir()
    save_model(tiny_net(), tmp_path / "models" / "net")
    save_model(tiny_forest(), tmp_path / "models" / "trees")
    monkeypatch.setenv("HALIA_DATA", str(tmp_path))
    return tmp_path / "models"


def damage(folder: Path) -> None:
    (folder / "net" / ARRAYS).write_bytes(b"x")


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["algorithm"], row["path"]) for row in rows] == [
        ("net", str(folder / "net")),
        ("forest", str(folder / "trees")),
    ]
    assert main(["models", "list"]) == 0
    assert "service-ports" in capsys.readouterr().out


def test_models_of_normal_are_listed_shown_and_verified(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tiny_normal(), folder / "usual")
    assert main(["models", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("kind") for row in rows] == [None, None, "normal"]
    assert main(["models", "list"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert "normal: nearest" in line
    assert main(["models", "show", "usual"]) == 0
    assert "Camera, Printer, Workstation" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0
    (folder / "usual" / ARRAYS).write_bytes(b"x")
    assert main(["models", "verify", "usual"]) == 4


def test_list_goes_on_behind_a_damaged_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    assert main(["models", "list", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "not the file that the manifest was written for" in err


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "trees", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["algorithm"] == "forest"
    assert main(["models", "show", str(folder / "net")]) == 0
    lines = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if " " in line
    )
    assert lines["classes"] == "Printer, Workstation"
    assert lines["metrics.accuracy"] == "0.5"
    assert main(["models", "show", "toaster"]) == 2


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    damage(folder)
    assert main(["models", "verify", "trees"]) == 0
    capsys.readouterr()
    assert main(["models", "verify", "--json"]) == 4
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["ok"] for row in rows] == [False, True]
    assert "not the file" in rows[0]["reason"]
    assert main(["models", "verify"]) == 4
    assert "good" in capsys.readouterr().out


def test_shipped_models_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    names = {line.split()[0].rpartition("/")[2] for line in lines}
    assert {"demo", "device", "enterprise", "normal"} <= names
    assert all(line.endswith(" good") for line in lines)

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from plugin.cli.main import main
from plugin.ml.store import ARRAYS, save_model
from tests.flow_models import tiny_flows
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


def test_models_of_flows_are_listed_shown_and_verified(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tiny_flows(), folder / "streams")
    assert main(["models", "list"]) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if "streams" in one)
    assert "flows: one-class-svm" in line
    assert "IAT" in line
    assert main(["models", "show", "streams"]) == 0
    shown = capsys.readouterr().out
    assert "threshold" in shown
    assert '"nu": 0.5' in shown
    assert main(["models", "verify"]) == 0
    (folder / "streams" / ARRAYS).write_bytes(b"x")
    assert main(["models", "verify", "streams"]) == 4


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


def test_notes_of_the_metrics_are_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_net()
    metrics = {"test": {"notes": ["with another limit", "of one unit"]}, "empty": {"notes": []}}
    noted = model._replace(manifest=model.manifest._replace(metrics=metrics))
    save_model(noted, folder / "noted")
    assert main(["models", "show", "noted"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "notes" in line]
    assert [line.split(maxsplit=1) for line in lines] == [
        ["metrics.test.notes", "with another limit; of one unit"]
    ]


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    damage(folder)
    assert main(["models", "verify", "trees"]) == 0
    capsys.readouterr()
    assert main(["models", "verify", "--json"]) == 4
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["ok"] for row in rows] == [False, True]
    digests = [row["manifest_sha256"] for row in rows]
    manifest = (folder / "trees" / "manifest.json").read_bytes()
    assert digests == [None, hashlib.sha256(manifest).hexdigest()]
    assert "not the file" in rows[0]["reason"]
    assert main(["models", "verify"]) == 4
    assert "good" in capsys.readouterr().out


def test_shipped_models_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    names = {line.split()[0].rpartition("/")[2] for line in lines}
    assert {"demo", "device", "enterprise", "normal"} <= names
    assert all(line.split()[1] == "good" for line in lines)

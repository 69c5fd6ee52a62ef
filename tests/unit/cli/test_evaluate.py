from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from plugin.cli.main import main
from plugin.ml.crossval import Work
from plugin.ml.train import Recipe
from plugin.offline import fitting, training

CAPTURES = Path(__file__).resolve().parents[2] / "data" / "captures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A list of real captures, and a model of them."""
    names = sorted(p.name for p in CAPTURES.glob("*_Setup*"))
    names += sorted(p.name for p in CAPTURES.glob("zeek*"))
    rows = [
        f"{name},{'iot' if '_Setup' in name else 'server'},s{i % 4}" for i, name in enumerate(names)
    ]
    (tmp_path / "l.csv").write_text("path,label,site\n" + "\n".join(rows) + "\n")
    listing = training.read_listing(tmp_path / "l.csv", root=CAPTURES)
    recipe = Recipe(
        algorithm="forest",
        features="service-ports",
        grid=((("trees", 5.0), ("leaf", 1.0), ("share", 0.3)),),
        folds=2,
    )
    material = training.gather(listing, "service-ports").material
    learned = material.take(np.arange(1, len(material)))
    made = fitting.make_model(learned, recipe, fitting.Naming(name="m"), Work())
    fitting.save_model(made.model, tmp_path / "m")
    return tmp_path


def _command(folder: Path, *more: str) -> list[str]:
    base = ["evaluate", str(folder / "m"), str(folder / "l.csv"), "--root", str(CAPTURES)]
    return [*base, "--jobs", "1", *more]


def test_leaving_out_and_a_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, picture = folder / "r.html", folder / "c.png"
    command = _command(folder, "--leave-out", "site", "--json")
    command += ["--report", str(page), "--picture", str(picture)]
    assert main(command) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["groups"] == 4
    assert "WARNING" not in captured.err
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "version 1" in text
    assert "captures of this test, SHA-256" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(command) == 2  # neither is replaced without --force
    assert main([*command, "--force"]) == 0


def test_seen_captures_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_command(folder)) == 0
    captured = capsys.readouterr()
    assert "captures were in the model's training" in captured.err
    assert "this is no test" in captured.out


def test_a_column_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_command(folder, "--leave-out", "nowhere")) == 2
    assert "no column 'nowhere'" in capsys.readouterr().err


def test_folds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_command(folder, "--leave-out", "site", "--folds", "2")) == 0
    assert "2 folds by site" in capsys.readouterr().out
    assert main(_command(folder, "--folds", "2")) == 2
    assert "--leave-out COLUMN" in capsys.readouterr().err
    assert main(_command(folder, "--leave-out", "site", "--seed", "2")) == 2
    assert "--seed: does not go with --leave-out" in capsys.readouterr().err
    assert main(_command(folder, "--leave-out", "site", "--folds", "1")) == 2


@pytest.mark.parametrize("option", ["--report", "--picture", "--out"])
def test_a_folder_that_is_not_there_is_told_before_any_work(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "none" / {"--report": "x.html", "--picture": "x.png", "--out": "x"}[option]
    assert main(["evaluate", "device", str(tmp_path / "missing.csv"), option, str(place)]) == 2
    assert "its folder is not there" in capsys.readouterr().err


def test_no_such_model(folder: Path) -> None:
    assert main(["evaluate", "no-such-model", str(folder / "l.csv")]) == 2


@pytest.mark.parametrize(
    ("option", "name"), [("--picture", "x.jpg"), ("--report", "x.png")], ids=["picture", "report"]
)
def test_a_name_promises_what_is_written(
    option: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "device", str(tmp_path), option, str(tmp_path / name)]) == 2
    assert f"{name}: is written as " in capsys.readouterr().err

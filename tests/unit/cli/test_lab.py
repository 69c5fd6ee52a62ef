from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plugin.cli import lab as command
from plugin.cli.main import command_parser, main
from plugin.errors import LabError
from plugin.lab import control
from plugin.lab.offices import office

if TYPE_CHECKING:
    from pathlib import Path

# Labs that are up are tested in tests/e2e/test_lab.py: they need namespaces.


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "labs"
    folder.mkdir()
    monkeypatch.setattr(command, "base_folder", lambda **_: folder)
    return folder


def test_no_lab_is_up(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "status", "--name", "x"]) == 4
    assert "x: no lab is up; labs that are: none" in capsys.readouterr().err
    assert main(["lab", "exec", "h1", "--", "true"]) == 3
    assert main(["lab", "bad", "h1", "scan"]) == 3
    assert base.is_dir()
    assert main(["lab", "down", "--name", "y"]) == 0
    assert "y: no lab is up; labs that are: none" in capsys.readouterr().err
    assert main(["lab", "bad", "h1", "foo"]) == 2
    assert "scan" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "", ".x", "x" * 25, "a b"])
def test_names_stay_in_the_folder(name: str) -> None:
    assert main(["lab", "status", "--name", name]) == 2


@pytest.mark.parametrize("rate", ["0", "-1", "x", "nan", "inf"])
def test_rates_are_above_zero(rate: str) -> None:
    assert main(["lab", "bad", "h1", "scan", f"--rate={rate}"]) == 2


def test_down_removes_what_a_killed_lab_left_but_not_a_living_one(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (base / "dead" / "ovs").mkdir(parents=True)
    (base / "coming").mkdir()
    lock = control.hold(base / "coming")
    assert lock is not None
    assert main(["lab", "down", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"down": ["dead"]}
    assert [p.name for p in base.iterdir()] == ["coming"]
    assert main(["lab", "up", "--name", "coming"]) == 2
    assert "is up already" in capsys.readouterr().err


def test_a_wrong_topology_is_told_with_its_place(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("vlans: {a: {vid: 0}}\nswitches: {}\n", encoding="utf-8")
    assert main(["lab", "up", str(file)]) == 2
    assert f"{file}:1:18: vlans.a.vid" in capsys.readouterr().err
    assert list(base.iterdir()) == []


def test_an_office_is_one_seed_and_no_file(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--office", "1-2"], ["--office", "x"], ["--office", "1", "some.yaml"]):
        assert main(["lab", "up", *words]) == 2
    assert "a FILE.yaml or --office, not both" in capsys.readouterr().err
    assert main(["lab", "up", "--machines", "40"]) == 2
    assert "with --office" in capsys.readouterr().err
    args = command_parser("lab").parse_args(["up", "--office", "7"])
    assert command._topology(args) == office(7)
    args = command_parser("lab").parse_args(["up", "--office", "7", "--machines", "40"])
    assert command._topology(args) == office(7, machines=40)
    assert list(base.iterdir()) == []


def test_the_base_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "BASE", f"{tmp_path}/halia-lab")
    assert not command.base_folder().exists()
    assert command._names() == []
    (made,) = {command.base_folder(make=True), command.base_folder()}
    assert made.stat().st_mode & 0o777 == 0o711
    made.chmod(0o777)
    with pytest.raises(LabError, match="is not this user's own folder"):
        command.base_folder()
    made.rmdir()
    made.symlink_to(tmp_path)
    with pytest.raises(LabError, match="is not this user's own folder"):
        command.base_folder()

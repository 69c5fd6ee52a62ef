from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin import settings
from plugin.cli.main import main
from plugin.settings.secret import HIDDEN
from plugin.settings.text import default_text


def test_show_tells_value_and_origin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALIA_DATA", "/somewhere")
    assert main(["config", "show", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["setting"] for row in rows] == [s.key for s in settings.SETTINGS]
    assert rows[1] == {"setting": "data", "value": "/somewhere", "origin": "variable HALIA_DATA"}
    assert main(["config", "show"]) == 0
    assert "variable HALIA_DATA" in capsys.readouterr().out


def test_show_keeps_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALIA_BROKER_USER", "halia")
    monkeypatch.setenv("HALIA_BROKER_PASSWORD", "hunter2")
    monkeypatch.setenv("HALIA_STORE_URL", "mariadb://halia:hunter2@db/halia")
    for words in (["config", "show"], ["config", "show", "--json"]):
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert "hunter2" not in shown
        assert HIDDEN in shown
        assert "mariadb://halia:***@db/halia" in shown


def test_show_gives_each_value_as_the_file_has_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALIA_CAPTURE_ROTATE_TIME", "900")
    monkeypatch.setenv("HALIA_MIRROR_IGNORE_VLANS", "7, 8")
    assert main(["config", "show"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["capture.rotate_time"][0] == "15m"
    assert rows["capture.names"][0] == "false"
    assert rows["mirror.ignore_vlans"][:2] == ["[7,", "8]"]
    assert main(["config", "show", "--json"]) == 0
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    values = {line["setting"]: line["value"] for line in lines}
    assert values["capture.rotate_time"] == 900.0
    assert values["mirror.ignore_vlans"] == [7, 8]
    assert values["capture.rotate_size"] == 100 << 20


def test_check_is_silent_or_names_all_problems(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "halia.yaml"
    file.write_text("model: x\n", encoding="utf-8")
    assert main(["config", "check", str(file)]) == 0
    assert main(["config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr() == ("", "")
    file.write_text("a: 1\nb: 2\n", encoding="utf-8")
    assert main(["config", "check", str(file)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_init_writes_a_file_that_is_then_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["config", "init"]) == 0
    file = tmp_path / "halia" / "halia.yaml"
    assert capsys.readouterr().err == f"halia: wrote {file}\n"
    assert settings.load_settings().origins["model"].startswith(str(file))
    assert main(["config", "init"]) == 2
    assert main(["config", "init", "--force", "-q"]) == 0
    capsys.readouterr()
    assert main(["config", "init", "--out", "-"]) == 0
    assert capsys.readouterr().out == default_text()


def test_init_in_a_place_that_cannot_be_made_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert main(["config", "init"]) == 2
    told = f"halia: {tmp_path}/file/halia: cannot be made: Not a directory; name a file with --out"
    assert capsys.readouterr().err.startswith(told)


def test_init_in_a_closed_home_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", closed)
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    assert main(["config", "init"]) == 2
    assert capsys.readouterr().err.endswith("halia.yaml: cannot be written: Permission denied\n")


def test_init_looks_at_the_settings_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init", "--out", "-", "--config", "nosuch.yaml"]) == 2
    assert capsys.readouterr().err == "halia: nosuch.yaml: no such settings file\n"

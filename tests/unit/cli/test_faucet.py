"""``halia faucet`` at the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from plugin.cli.main import main
from tests.checker import environment

TEXT = """\
vlans: {v: {vid: 100}}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v}  # desk
      9: {name: col, output_only: true}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    file = tmp_path / "faucet.yaml"
    file.write_text(TEXT)
    return file


def halia(verb: str, config: Path, *words: str) -> int:
    checked = [] if verb == "status" else ["--faucet", str(environment()), "--no-reload"]
    return main(["faucet", verb, str(config), *checked, *words])


def test_install_asks_and_does_nothing_without_an_answer(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert halia("install", config) == 4
    said = capsys.readouterr()
    assert "+      1: {acls_in: [halia_hook, halia_tail], native_vlan: v}  # desk" in said.out
    assert "cold start" in said.out
    assert "--yes" in said.err
    assert halia("install", config, "--dry-run") == 0
    assert config.read_text() == TEXT


@pytest.mark.parametrize(("answer", "code"), [("n", 4), ("", 4), ("y", 0)])
def test_the_answer_counts(
    config: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    terminal = io.StringIO(answer + "\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]  # it plays a terminal
    monkeypatch.setattr("sys.stdin", terminal)
    assert halia("install", config) == code
    assert (config.read_text() == TEXT) == (code == 4)


def test_install_twice_status_and_remove(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("status", config) == 4
    assert "the hook is not installed" in capsys.readouterr().out
    assert halia("install", config, "--yes") == 0
    assert "written; no running Faucet" in capsys.readouterr().out
    assert halia("install", config, "--yes") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert halia("status", config) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split() == ["sw1", "1", "yes", "yes", "halia_hook", "halia_tail"]
    assert halia("remove", config, "--yes", "-q") == 0
    assert config.read_text() == TEXT


def test_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("install", config, "--yes", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["changed"]
    assert done["written"]
    assert done["loaded"] is None
    assert halia("status", config, "--json") == 0
    *ports, whole = map(json.loads, capsys.readouterr().out.splitlines())
    assert [p["hooked"] for p in ports] == [True, False]
    assert (whole["installed"], whole["problems"]) == (True, [])


def test_drift_is_shown_and_is_a_no(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    halia("install", config, "--yes")
    config.write_text(config.read_text().replace("acls_in: [halia_hook, halia_tail], ", ""))
    capsys.readouterr()
    assert halia("status", config) == 4
    assert "! sw1 port 1 is not hooked" in capsys.readouterr().out


def test_refusals_are_told_with_all_reasons(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(TEXT.replace("dp_id: 1", "dp_id: 1\n    dp_acls: [a]").replace("col", "x"))
    assert halia("install", config, "--mirror", "none", "--json") == 4
    said = capsys.readouterr()
    assert "dp_acls" in json.loads(said.out)["refused"][0]
    assert "dp_acls" in said.err


def test_a_wrong_vlan_number_is_an_option_error(config: Path) -> None:
    assert halia("install", config, "--quarantine-vid", "4095") == 2
    assert halia("install", config, "--collector", "9", "--quarantine-vid", "7", "--dry-run") == 0


def test_vlans_can_be_left_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("install", config, "--ignore-vlan", "7", "--dry-run") == 4
    assert "declares no such VLAN" in capsys.readouterr().err
    words = ["--ignore-vlan", "100", "--ignore-vlan", "666", "--yes"]
    assert halia("install", config, *words) == 0
    assert "VLAN v is not mirrored" in capsys.readouterr().out
    assert "acls_in: [halia_vlan]" not in config.read_text()
    assert halia("status", config) == 0


def test_a_port_mirror_says_what_it_costs(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("install", config, "--mirror", "port", "--yes") == 0
    assert "--drop-repeats" in capsys.readouterr().out
    assert halia("status", config) == 0
    assert "--drop-repeats" in capsys.readouterr().out
    assert halia("remove", config, "--yes") == 0
    assert config.read_text() == TEXT


def test_no_file_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("status", tmp_path / "none.yaml") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_settings_say_where_faucet_is(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    settings = config.parent / "halia.yaml"
    settings.write_text(f"faucet:\n  config: {config}\n")
    words = ["--config", str(settings)]
    assert main(["faucet", "install", "--dry-run", *words]) == 4
    assert f"{config}: no check_faucet_config" in capsys.readouterr().err
    settings.write_text(f"faucet:\n  config: {config}\n  environment: {environment()}\n")
    assert main(["faucet", "install", "--yes", "--no-reload", *words]) == 0
    assert main(["faucet", "status", *words]) == 0
    assert main(["faucet", "status", str(config.with_name("none.yaml")), *words]) == 2
    assert main(["faucet", "remove", "--yes", "--no-reload", *words]) == 0
    assert config.read_text() == TEXT

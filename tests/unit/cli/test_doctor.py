"""``halia doctor`` where nearly nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.cli.main import main
from tests.doctors import wanted
from tests.services import serving


def run(folder: Path, *words: str) -> int:
    wanted(
        folder, run__state=folder / "state", faucet__socket=folder / "f.sock",
        faucet__config=folder / "faucet.yaml", faucet__page="http://127.0.0.1:9",
        control__socket=folder / "s",
    )  # fmt: skip
    return main(["doctor", "--config", str(folder / "halia.yaml"), *words])


def test_what_is_missing_is_told_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path) == 4
    out = capsys.readouterr().out
    assert "FAILED   event feed      " in out
    assert f"-> start Faucet with FAUCET_EVENT_SOCK={tmp_path / 'f.sock'}" in out
    assert "ok       models          " in out
    assert out.splitlines()[-1].endswith("skipped")
    assert "failed" in out.splitlines()[-1]


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--json") == 4
    checks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"name", "state", "what", "remedy"} == set(checks[0])
    assert {c["state"] for c in checks} >= {"ok", "failed", "skipped"}


def test_the_daemon_of_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path / "other"):
        run(tmp_path, "--socket", str(tmp_path / "other"))
    assert "Halia 0.1 runs as process 4711" in capsys.readouterr().out


def test_wrong_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "halia.yaml").write_text("control: {sokket: x}\n")
    assert main(["doctor", "--config", str(tmp_path / "halia.yaml")]) == 2
    assert "sokket" in capsys.readouterr().err

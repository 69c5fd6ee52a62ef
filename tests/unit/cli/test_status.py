"""``halia status`` asked of a real control socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.main import main
from plugin.cli.status import page, trouble
from tests.services import STATUS, Office, serving


def run(folder: Path, *words: str, **parts: Any) -> int:
    office = Office()
    office.state |= parts
    with serving(folder / "s", office):
        return main(["status", *words, "--socket", str(folder / "s")])


def test_all_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith("halia 0.1 runs as process 4711, up 1 d\n")
    assert "capture  good      iface mirror0, frames 1,000, drops 0\n" in out
    assert "broker   not used\n" in out


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"connected": False, "url": "amqp://b/"}, "not connected; url amqp://b/"),
        ({"connected": False, "problem": "login refused"}, "login refused"),
        ({"problem": "the disk is full", "deep": True}, "the disk is full; deep yes"),
    ],
)
def test_trouble(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: dict[str, Any], words: str
) -> None:
    assert run(tmp_path, broker=part) == 4
    assert f"broker   TROUBLE  {words}\n" in capsys.readouterr().out
    assert run(tmp_path, "--json", broker=part) == 4
    assert json.loads(capsys.readouterr().out)["broker"] == part


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == STATUS


def test_no_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--socket", str(tmp_path / "s")]) == 3
    assert "start 'halia run'" in capsys.readouterr().err


def test_parts() -> None:
    assert trouble(None) is trouble({}) is trouble(7) is None
    text = page({"version": "1", "pid": 2, "uptime": 3, "extra": 7}, width=80, colour=True)
    assert "\x1b[32mgood\x1b[0m" in text
    assert text.endswith("7\n")


def test_plain_words() -> None:
    part = {
        "states": {"mirrored": 9, "ok": 1},
        "down_switches": [],
        "names": ["a", "b"],
        "holding": {"good": False},
        "none": {},
        "page_problem": None,
    }
    text = page({"feed": part}, width=None, colour=False)
    assert (
        "states 9 mirrored, 1 ok, down switches none, names a b, holding no good, none none" in text
    )


def test_a_page_that_is_away_is_trouble() -> None:
    part = {"connected": True, "page_problem": "Faucet's page does not answer"}
    assert trouble(part) == "Faucet's page does not answer"
    assert "TROUBLE" in page({"feed": part}, width=None, colour=False)


def test_a_part_that_is_only_yes_or_no() -> None:
    assert page({"holding": False}, width=None, colour=False).endswith("holding  good   no\n")


def test_moments_are_told_as_people_read_them() -> None:
    part = {"learning_until": 1_700_000_000.4, "written_at": None, "cases": {"isolated": 2}}
    text = page({**STATUS, "decisions": part}, width=None, colour=False)
    assert "learning until 2023-11-14T22:13:20Z, cases 2 isolated" in text

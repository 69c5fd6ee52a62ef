"""``halia devices label``, asked of a real control socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from plugin.cli.device_label import captures_of
from plugin.cli.main import main
from plugin.offline.training import read_listing
from tests import attacks
from tests import frames as f
from tests.services import LAPTOP, PRINTER, device, serving

if TYPE_CHECKING:
    from pathlib import Path

NAME = f"trace_{LAPTOP.replace(':', '')}_2023-11-14_22_13_20.pcap"
HASHED = f"trace_{'a' * 40}_2023-11-14_22_13_20.pcap"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Captures of a daemon."""
    captures = tmp_path / "captures"
    captures.mkdir()
    for name in (NAME, HASHED, "trace_other.pcap", f"{NAME}.part"):
        (captures / name).write_bytes(f.pcap(*attacks.visits()[:-1]))
    return captures


def label(folder: Path, *words: str) -> int:
    socket = folder.parent / "s"
    given = ["devices", "label", *words, "--socket", str(socket), "--captures", str(folder)]
    with serving(socket):
        return main([*given, "--list", str(folder.parent / "list.csv")])


def test_the_captures_of_a_device_get_its_label(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert label(folder, "ann-laptop", "workstation", "--network", "office") == 0
    (sample,) = read_listing(folder.parent / "list.csv").samples
    assert (sample.path, sample.label, sample.mac) == (f"captures/{NAME}", "Workstation", LAPTOP)
    assert sample.columns["network"] == "office"
    assert f"{LAPTOP} is Workstation" in capsys.readouterr().out


def test_a_device_that_is_not_known_gets_none(folder: Path) -> None:
    assert label(folder, "10.9.9.9", "Printer") == 4
    assert not (folder.parent / "list.csv").exists()


def test_a_device_without_captures_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert label(folder, PRINTER, "Printer") == 4
    assert "no finished capture" in capsys.readouterr().err


def test_captures_that_another_program_names_are_known_from_the_history(folder: Path) -> None:
    history: list[Any] = [{"time": 0, "kind": "verdict", "body": {"capture": HASHED}}]
    found = captures_of(device(LAPTOP, history=history, last_capture=None), folder)
    assert [path.name for path in found] == sorted([NAME, HASHED])
    last = captures_of(device(PRINTER, last_capture=HASHED), folder)
    assert [path.name for path in last] == [HASHED]
    assert captures_of(device(PRINTER, last_capture=HASHED), folder / "none") == []

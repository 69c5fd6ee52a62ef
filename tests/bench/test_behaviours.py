"""The table of false alarms: counted by device, group and behaviour."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import bench.behaviours
from bench.__main__ import main
from bench.behaviours import behaviour_lines, judge_all
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["path,attack"]
    for place, attack, frames in (
        ("devices/a/one.pcap", "no", attacks.beacons()),
        ("devices/a/two.pcap", "no", attacks.visits()),
        ("devices/b/three.pcap", "no", attacks.visits()),
        ("attacks/scan/four.pcap", "yes", attacks.horizontal()),
        ("hostile/five.pcap", "no", attacks.horizontal()),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f.pcap(*frames))
        rows.append(f"{place},{attack}")
    (tmp_path / "attacks" / "no.pcap").write_bytes(b"no capture")
    rows += ["attacks/no.pcap,yes", "zeek/conn.log,no"]
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_devices_are_counted_by_group_and_behaviour(folder: Path) -> None:
    a, b, scans = judge_all(folder)
    assert (a.name, a.captures, a.devices, a.named, a.told) == ("devices/a", 2, 6, {"beacon": 1}, 1)
    assert (b.name, b.named, b.told) == ("devices/b", {}, 0)
    assert (scans.name, scans.attack, scans.named) == ("attacks", "yes", {"horizontal-scan": 1})
    assert 0 < b.hours < a.hours
    lines = behaviour_lines([a, b, scans])
    assert lines[1].split()[:4] == ["devices/a", "no", "2", "6"]
    assert lines[1].split()[-1] == "1"
    assert lines[1].split()[lines[0].split().index("beacon")] == "1"


def test_the_verb(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.behaviours, "shared_folder", lambda: folder)
    assert main(["behaviours", "--json", "--check"]) == 0
    assert len(json.loads(capsys.readouterr().out)["groups"]) == 3
    with (folder / "labels.csv").open("a", encoding="utf-8") as rows:
        rows.write("attacks/scan/four.pcap,no\n")
    assert main(["behaviours", "--check"]) == 1
    monkeypatch.setattr(bench.behaviours, "shared_folder", lambda: None)
    assert main(["behaviours"]) == 2

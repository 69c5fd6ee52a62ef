from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from plugin.errors import HaliaError
from plugin.offline import demo

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shown() -> list[demo.Shown]:
    return list(demo.show())


def test_every_capture_has_three_roles(shown: list[demo.Shown]) -> None:
    assert [one.capture for one in shown] == [row["path"] for row in demo.demo_list()]
    for one in shown:
        assert len(one.verdict.role.labels) == 3
        assert one.verdict.packets > 0


def test_the_demo_shows_nothing_that_was_learned(shown: list[demo.Shown]) -> None:
    assert not any(one.seen for one in shown)
    held_out = {row["sha256"] for row in demo.demo_list()}
    for name in ("device", "enterprise"):
        manifest = json.loads((ROOT / "models" / name / "manifest.json").read_text())
        learned = manifest["metrics"]["training_files"]
        assert not {digest[:16] for digest in held_out} & set(learned)
        assert learned


def test_truth_is_in_the_vocabularys_spelling(shown: list[demo.Shown]) -> None:
    assert {"HueBridge", "Printer", "Workstation", "Active Directory controller"} <= {
        one.truth for one in shown
    }
    assert sum(one.found for one in shown) >= len(shown) // 2


def test_the_list_names_the_files_that_are_there() -> None:
    folder = ROOT / "configs" / "demo"
    rows = {row["path"]: row for row in demo.demo_list()}
    assert set(rows) == {p.name for p in folder.glob("*.pcap*")}
    for name, row in rows.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == row["sha256"]


def test_the_models_sources_agree_with_the_demo() -> None:
    with (ROOT / "models" / "sources.csv").open(newline="") as stream:
        held_out = {row["sha256"] for row in csv.DictReader(stream) if row["use"] == "demo"}
    assert held_out == {row["sha256"] for row in demo.demo_list()}


def test_a_folder_without_a_demo(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    with pytest.raises(HaliaError, match="demo"):
        demo.demo_list(tmp_path)

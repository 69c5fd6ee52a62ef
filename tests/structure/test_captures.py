"""The captures in the tree are those that their lists name, under licences that allow it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PERMISSIVE = ("MIT", "BSD", "Apache-2.0", "Unlicense", "repo MIT")
LISTS = [ROOT / "tests/data/SOURCES.csv", ROOT / "configs/demo/demo.csv"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("path", LISTS, ids=lambda p: p.name)
def test_files_are_the_listed_ones(path: Path) -> None:
    rows = _rows(path)
    listed = {row["path"] for row in rows}
    suffixes = {".pcap", ".pcapng", ".zst", ".cap"}
    there = {
        p.relative_to(path.parent).as_posix()
        for p in path.parent.rglob("*")
        if p.suffix in suffixes
    }
    assert there == listed
    for row in rows:
        content = (path.parent / row["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert row["licence"].startswith(PERMISSIVE)
        assert row["source_repo"].startswith("github:")
        assert row["source_commit"]


def test_they_are_small() -> None:
    sizes = [sum(p.stat().st_size for p in path.parent.rglob("*") if p.is_file()) for path in LISTS]
    assert sizes[0] < 5 << 20
    assert sizes[1] < 2 << 20


def test_hostile_captures_have_their_expected_counts() -> None:
    hostile = ROOT / "tests" / "data" / "hostile"
    expected = {f"hostile/{row['path']}" for row in _rows(hostile / "expected.csv")}
    listed = {row["path"] for row in _rows(LISTS[0]) if row["path"].startswith("hostile/")}
    assert expected == listed


def test_every_training_capture_is_named_in_full() -> None:
    rows = _rows(ROOT / "models" / "sources.csv")
    assert len({row["path"] for row in rows}) == len(rows)
    for row in rows:
        assert row["use"] in {"train", "demo"}
        assert len(row["sha256"]) == 64
        assert row["repository"]
        assert row["commit"]
        assert row["source_path"]
        assert (
            row["transform"] != "none"
            or row["member"]
            or row["sha256_before"]
            or (row["source_path"].endswith(".gz"))
        )

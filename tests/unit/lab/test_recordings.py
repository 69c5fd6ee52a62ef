from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from plugin.errors import LabError
from plugin.lab import parse_topology
from plugin.lab.record import COLUMNS, Recorded, Wishes
from plugin.lab.recordings import LIST, read_seeds, record_all, write_list
from tests.labs import QUIET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", (7,)), ("1-3", (1, 2, 3)), ("1-3,9,2", (1, 2, 3, 9)), ("5-5", (5,)), ("0", (0,))],
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert read_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "1,,2", "1-2-3", "0-99999999", "１"])
def test_what_is_no_list_of_seeds(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        read_seeds(text)


def row(seed: int, host: str, window: int = 1) -> Mapping[str, Any]:
    path = f"{seed}/{host}-{window}.pcap"
    values = (path, "printer", seed, "02:00:00:00:00:01", host, seed, window, 5, 9.9)
    return dict(zip(COLUMNS, values, strict=True))


def recorded(seed: int, *hosts: str) -> Recorded:
    return Recorded(seed, tuple(row(seed, host) for host in hosts), 10, 0, 1.0)


def paths(folder: Path) -> list[str]:
    with (folder / LIST).open(encoding="utf-8", newline="") as stream:
        return [one["path"] for one in csv.DictReader(stream)]


def test_the_list_keeps_what_was_not_recorded_anew(tmp_path: Path) -> None:
    write_list(tmp_path, [2, 10], [recorded(10, "b", "a"), recorded(2, "a")])
    assert paths(tmp_path) == ["2/a-1.pcap", "10/a-1.pcap", "10/b-1.pcap"]
    write_list(tmp_path, [10, 3], [recorded(10, "c")])
    assert paths(tmp_path) == ["2/a-1.pcap", "10/c-1.pcap"]
    assert [p.name for p in tmp_path.iterdir()] == [LIST]


def test_a_lab_that_fails_is_told_once_the_others_are_done(tmp_path: Path) -> None:
    alone = QUIET.replace("      6: {host: col, collector: true}\n", "").replace("  col:\n", "")
    with pytest.raises(LabError, match="has no collector"):
        record_all([parse_topology(alone)], tmp_path, Wishes())
    assert paths(tmp_path) == []

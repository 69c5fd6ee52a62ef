"""Hours of ordinary work: how they are judged and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.tables.calm import HEADER, Hours, judged, line
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path


def test_a_recording_is_judged_by_behaviours_and_by_suspicion(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*attacks.horizontal()))
    found = judged(path, 7, 0.5)
    assert (found.seed, found.hours) == (7, 0.5)
    assert found.packets > found.devices > 0
    assert found.behaviours == 1


def test_who_is_accused_is_told() -> None:
    calm = line(Hours(11, 1.0, 9, 12_345, 0, ()))
    assert calm == "| 11 | 1 | 9 | 12,345 | 0 | 0 |"
    assert HEADER.splitlines()[0].count("|") == calm.count("|")
    assert line(Hours(1, 0.5, 2, 3, 1, ("9 pings", "8 pings"))).endswith("| 2; 9 pings; 8 pings |")

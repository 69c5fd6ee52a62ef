"""The two cores against each other, byte by byte."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from plugin.core import Timeouts
from plugin.core._reference import Engine as Reference
from tests.engines import Result, make, run

CAPTURES = Path(__file__).resolve().parents[2] / "data"
SETTINGS: list[dict[str, Any]] = [
    {},
    {"max_open": 3},
    {"timeouts": Timeouts(1, 1, 1, 1, 5, 5, 5, 5)},
    {"max_macs": 2},
]


def compiled() -> type:
    module = pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    engine: type = module.Engine
    return engine


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def outcome(
    engine: type, data: bytes, settings: dict[str, Any], cuts: range, stats: bool
) -> Result:
    made = make(engine, stats=stats, **settings)
    return run(made, data, cuts=cuts, stats=stats, packet_room=4096, session_room=256)


@pytest.mark.parametrize("settings", SETTINGS, ids=["default", "evicting", "short", "few macs"])
@pytest.mark.parametrize("folder", ["captures", "hostile"])
def test_equal_on_every_capture_that_comes_with_the_tests(
    folder: str, settings: dict[str, Any]
) -> None:
    engine = compiled()
    files = [p for p in sorted((CAPTURES / folder).rglob("*")) if p.is_file()]
    assert len(files) > 10
    for i, path in enumerate(files):
        data = content(path)
        cuts = range(i, len(data), 1 + len(data) // (1 + i % 7))
        expected = outcome(Reference, data, settings, cuts, stats=True)
        assert outcome(engine, data, settings, cuts, stats=True) == expected, path.name


def test_equal_on_all_of_the_shared_data(shared_dir: Path) -> None:
    engine = compiled()
    captures = [p for p in sorted((shared_dir / "data").rglob("*.pcap*")) if p.is_file()]
    assert len(captures) > 500
    for i, path in enumerate(captures):
        data, settings = content(path), SETTINGS[i % len(SETTINGS)]
        for stats in (True, False):
            expected = outcome(Reference, data, settings, range(0), stats)
            assert outcome(engine, data, settings, range(0), stats) == expected, path.name

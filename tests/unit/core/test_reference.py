"""The two cores against each other, byte by byte; skipped only where the compiled one is missing."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from plugin.core import Timeouts
from plugin.core._reference import Engine as Reference
from tests.engines import make, run

CAPTURES = Path(__file__).resolve().parents[2] / "data"
SETTINGS: list[dict[str, object]] = [
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


@pytest.mark.parametrize("settings", SETTINGS, ids=["default", "evicting", "short", "few macs"])
@pytest.mark.parametrize("folder", ["captures", "hostile"])
def test_equal_on_every_capture_that_comes_with_the_tests(
    folder: str, settings: dict[str, object]
) -> None:
    engine = compiled()
    files = [
        p for p in sorted((CAPTURES / folder).rglob("*")) if p.is_file() and p.suffix != ".csv"
    ]
    assert files
    for i, path in enumerate(files):
        data = content(path)
        cuts = range(i, len(data), max(1, len(data) // (1 + i % 7)))
        assert run(make(engine, **settings), data, cuts=cuts) == run(
            make(Reference, **settings), data, cuts=cuts
        ), path.name


def test_equal_on_all_of_the_shared_data(shared_dir: Path) -> None:
    engine = compiled()
    captures = [p for p in sorted((shared_dir / "data").rglob("*.pcap*")) if p.is_file()]
    assert len(captures) > 500
    for i, path in enumerate(captures):
        data, settings = content(path), SETTINGS[i % len(SETTINGS)]
        assert run(make(engine, **settings), data) == run(make(Reference, **settings), data), (
            path.name
        )
        counted = run(make(engine, stats=False, **settings), data, stats=False)
        assert counted == run(make(Reference, stats=False, **settings), data, stats=False), (
            path.name
        )

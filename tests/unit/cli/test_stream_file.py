from __future__ import annotations

from pathlib import Path

import pytest

from plugin.cli.stream_file import StreamFile
from plugin.errors import OutputError


def test_it_is_written_on_and_on(tmp_path: Path) -> None:
    path = tmp_path / "all.pcap"
    with StreamFile(path) as stream:
        for piece in (b"one ", b"", b"two"):
            stream.write(piece)
        assert path.read_bytes() == b"one two"  # nothing waits in memory


def test_without_a_path_nothing_is_kept() -> None:
    with StreamFile(None) as stream:
        stream.write(b"x")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "all.pcap"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="cannot be made: File exists"):
        StreamFile(path)
    assert path.read_bytes() == b"mine"


def test_a_full_disk_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    monkeypatch.setattr(Path, "open", lambda self, *_, **__: open(self, "wb", buffering=0))  # noqa: PTH123, SIM115 - it is there already
    with StreamFile(full) as stream:
        with pytest.raises(OutputError, match="No space left on device"):
            stream.write(b"x")
        stream.write(b"y")

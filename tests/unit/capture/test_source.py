from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
import threading
from pathlib import Path

import pytest

from plugin.capture.source import damaged_errors, find_captures, open_source
from plugin.errors import CaptureError
from tests import frames as f

DATA = f.pcap(*(f.udp_frame(i, dport=i) for i in range(2000)))


def content(path: Path) -> bytes:
    out, block = bytearray(), bytearray(10_000)
    with open_source(path) as source:
        while got := source.read_into(memoryview(block)):
            out += block[:got]
    return bytes(out)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_what_a_file_is_is_told_by_its_first_bytes(pack: type, tmp_path: Path) -> None:
    path = tmp_path / "no-name-that-tells"
    path.write_bytes(pack(DATA))
    assert content(path) == DATA


def test_zstd(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="needs the extra halia[zstd]")
    path = tmp_path / "c"
    half = len(DATA) // 2
    path.write_bytes(zstandard.compress(DATA[:half]) + zstandard.compress(DATA[half:]))
    assert content(path) == DATA


def test_zstd_without_its_extra_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(9))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CaptureError, match=r"halia\[zstd\]"):
        content(path)


def test_a_torn_packed_file_gives_all_that_came_before_the_tear(tmp_path: Path) -> None:
    noise = os.urandom(300_000)  # packs badly: much of it must come out of half the file
    path = tmp_path / "torn.gz"
    packed = gzip.compress(noise)
    path.write_bytes(packed[: len(packed) // 2])
    out, block = bytearray(), bytearray(4096)
    with open_source(path) as source:
        try:
            while got := source.read_into(memoryview(block)):
                out += block[:got]
        except damaged_errors():
            out += b"torn"
    assert out.endswith(b"torn")
    del out[-4:]
    assert len(out) > 100_000
    assert noise.startswith(bytes(out))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(DATA))))
    monkeypatch.setattr(sys, "stdin", stream)
    assert content(Path("-")) == DATA


def test_a_pipe_is_read_as_it_fills(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as out:
            for at in range(0, len(DATA), 7000):
                out.write(DATA[at : at + 7000])

    writer = threading.Thread(target=write)
    writer.start()
    assert content(path) == DATA
    writer.join()


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="nothing-here"):
        content(tmp_path / "nothing-here.pcap")


def test_directories_are_searched_by_content(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b").write_bytes(gzip.compress(DATA))
    (tmp_path / "a.bin").write_bytes(DATA[:10])
    (tmp_path / "notes.pcap").write_text("no capture")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"no capture"))
    (tmp_path / "torn.gz").write_bytes(gzip.compress(DATA)[:12])
    found = [p.name for p in find_captures([tmp_path])]
    assert found == ["a.bin", "b", "torn.gz"]


def test_a_directory_without_captures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no capture in this directory"):
        list(find_captures([tmp_path]))


def test_a_directory_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(DATA)
    closed = tmp_path / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(path: str | Path) -> object:  # the tests may be root's, to whom all is open
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert list(find_captures([tmp_path])) == [tmp_path / "a", closed]
    assert list(find_captures([closed])) == [closed]
    with pytest.raises(CaptureError, match="closed: cannot be read"), open_source(closed):
        pass


def test_a_named_file_is_passed_on_whatever_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("text")
    assert list(find_captures([path, Path("-")])) == [path, Path("-")]

from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin.capture.source import damaged_errors, find_captures, open_source
from plugin.errors import CaptureError
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = f.pcap(*(f.udp_frame(i, dport=i) for i in range(2000)))


def content(path: Path, out: bytearray | None = None) -> bytes:
    out, block = bytearray() if out is None else out, bytearray(10_000)
    with open_source(path) as source:
        while got := source.read_into(memoryview(block)):
            out += block[:got]
    return bytes(out)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_what_a_file_is_is_told_by_its_first_bytes(pack: type, tmp_path: Path) -> None:
    path = tmp_path / "no-name-that-tells"
    path.write_bytes(pack(DATA))
    assert content(path) == DATA


def zstd() -> Callable[[bytes], bytes]:
    """A packer that ends frames with a checksum, as the program zstd does."""
    zstandard = pytest.importorskip("zstandard", reason="needs the extra halia[zstd]")
    compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(write_checksum=True).compress
    return compress


SKIPPABLE = b"\x5f\x2a\x4d\x18\x03\0\0\0abc"


def test_zstd_frames_one_after_the_other_and_frames_to_skip(tmp_path: Path) -> None:
    path, pack = tmp_path / "c", zstd()
    half = len(DATA) // 2
    packed = [SKIPPABLE, pack(DATA[:half]), SKIPPABLE, pack(b""), pack(DATA[half:]), SKIPPABLE]
    path.write_bytes(b"".join(packed))
    assert content(path) == DATA


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 100])
def test_a_torn_zstd_frame_is_no_end(cut: int, tmp_path: Path) -> None:
    path, packed = tmp_path / "c", zstd()(DATA)
    path.write_bytes(packed[:-cut])
    out = bytearray()
    with pytest.raises(EOFError, match="within a zstd frame"):
        content(path, out)
    assert DATA.startswith(bytes(out))
    if cut <= 4:  # only the checksum is torn
        assert len(out) == len(DATA)


def test_a_frame_to_skip_that_is_torn_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(zstd()(DATA) + SKIPPABLE[:-1])
    with pytest.raises(EOFError, match="within a zstd frame"):
        content(path)


@pytest.mark.parametrize("change", ["checksum", "rest"])
def test_a_damaged_zstd_stream_is_an_error(change: str, tmp_path: Path) -> None:
    path, packed = tmp_path / "c", zstd()(DATA)
    wrong = packed[:-1] + bytes((packed[-1] ^ 1,))
    path.write_bytes(wrong if change == "checksum" else packed + b"no frame at all")
    with pytest.raises(sys.modules["zstandard"].ZstdError):
        content(path)
    assert sys.modules["zstandard"].ZstdError in damaged_errors()


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


PACKERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
    "plain": lambda: bytes,
    "gzip": lambda: gzip.compress,
    "xz": lambda: lzma.compress,
    "zst": zstd,
}


@pytest.mark.parametrize("name", PACKERS)
def test_a_slow_pipe_is_looked_at_until_it_shows_what_it_is(name: str, tmp_path: Path) -> None:
    path, packed = tmp_path / "pipe", PACKERS[name]()(DATA)
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as out:
            for at in range(4):
                out.write(packed[at : at + 1])
                time.sleep(0.02)
            out.write(packed[4:])

    writer = threading.Thread(target=write)
    writer.start()
    assert content(path) == DATA
    writer.join()


@pytest.mark.parametrize("start", [b"", b"\xd4\xc3"])
def test_an_input_shorter_than_what_is_looked_at(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(start)
    assert content(path) == start


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


def test_a_directory_without_captures_comes_itself_and_opening_it_is_the_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.pcap").write_bytes(DATA)
    paths = [tmp_path / "empty", tmp_path / "nope.pcap", tmp_path / "a.pcap"]
    assert list(find_captures(paths)) == paths
    with pytest.raises(CaptureError, match="no capture in this directory") as caught:
        content(tmp_path / "empty")
    assert caught.value.advice is None
    (tmp_path / "empty" / "conn.log").write_text("#separator")
    with pytest.raises(CaptureError, match="logs are not read, Zeek's neither"):
        content(tmp_path / "empty")


@pytest.mark.parametrize("magic", [b"\x28\xb5\x2f\xfd", b"\x52\x2a\x4d\x18"])
def test_a_packed_file_that_cannot_be_looked_into_is_taken_for_a_capture(
    magic: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.zst").write_bytes(magic + bytes(9))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert list(find_captures([tmp_path])) == [tmp_path / "c.zst"]


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

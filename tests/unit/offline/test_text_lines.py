"""Texts as lines."""

from __future__ import annotations

import gzip
import lzma
import os
from typing import TYPE_CHECKING

import pytest

from plugin.errors import InputError
from plugin.offline import text_lines
from plugin.offline.text_lines import open_lines

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> list[bytes]:
    with open_lines(path) as (_, lines):
        return list(lines)


@pytest.mark.parametrize("block", [1, 2, 3, 1 << 18])
@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a\nb", [b"a\n", b"b"]),
        (b"a\r\n\nb\n", [b"a\r\n", b"\n", b"b\n"]),
        (b"\n", [b"\n"]),
    ],
)
def test_lines(
    content: bytes, lines: list[bytes], block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_lines, "_BLOCK", block)
    (tmp_path / "a").write_bytes(content)
    assert read(tmp_path / "a") == lines


@pytest.mark.parametrize("block", [1, 3, 7, 1 << 18])
def test_a_line_without_end_takes_no_memory(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_lines, "_BLOCK", block)
    monkeypatch.setattr(text_lines, "LINE_MAX", 4)
    (tmp_path / "a").write_bytes(b"1\n" + b"x" * 50 + b"\n2\n" + b"y" * 50)
    assert read(tmp_path / "a") == [b"1\n", b"xxxx\n", b"2\n", b"yyyy\n"]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_what_is_packed_is_told_by_its_content(pack: object, tmp_path: Path) -> None:
    assert callable(pack)
    (tmp_path / "a.txt").write_bytes(pack(b"a\nb\n"))
    assert read(tmp_path / "a.txt") == [b"a\n", b"b\n"]


def test_what_is_packed_and_torn(tmp_path: Path) -> None:
    whole = b"".join(b"%d\n" % n for n in range(50_000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(whole)[:-100])
    seen: list[bytes] = []
    with (
        open_lines(tmp_path / "a.gz") as (_, lines),
        pytest.raises(InputError, match="packed and damaged") as caught,
    ):
        seen.extend(lines)
    assert "a.gz" in str(caught.value)
    assert seen[:2] == [b"0\n", b"1\n"]


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory; a file is expected"):
        read(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "nothing")
    with pytest.raises(InputError, match="name too long"):
        read(tmp_path / ("x" * 5_000))


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(InputError, match="no regular file"):
            read(tmp_path / name)


def test_progress(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\n" * 10)
    seen: list[int] = []
    with open_lines(tmp_path / "a", seen.append) as (name, lines):
        assert name == str(tmp_path / "a")
        assert len(list(lines)) == 10
    assert seen == [20]

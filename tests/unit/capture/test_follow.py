from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin.capture.follow import open_growing
from plugin.errors import CaptureError


def never() -> bool:
    return False


def no_wait(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s")


def test_what_is_added_is_read_and_the_end_is_that_of_the_moment(tmp_path: Path) -> None:
    path, parts, view = tmp_path / "x", [b"cd", b"e"], bytearray(9)
    path.write_bytes(b"ab")

    def wait(seconds: float) -> None:
        assert seconds > 0
        with path.open("ab") as stream:
            stream.write(parts.pop(0))

    asked = [False]
    with open_growing(path, lambda: asked[0], wait) as source:
        assert source.read_into(memoryview(view)[:1]) == 1
        assert [source.read_into(memoryview(view)[at:]) for at in (1, 2, 4)] == [1, 2, 1]
        assert (bytes(view[:5]), source.position(), source.size) == (b"abcde", 5, None)
        path.write_bytes(b"abcdefg")
        asked[0] = True
        assert source.read_into(memoryview(view)[:1]) == 1
        path.write_bytes(b"abcdefghi")  # later than the end
        assert source.read_into(memoryview(view)) == 1
        assert source.read_into(memoryview(view)) == 0


def test_a_pipe_ends_with_its_writer_or_when_it_is_time(tmp_path: Path) -> None:
    path, view = tmp_path / "pipe", memoryview(bytearray(9))
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    over = [False]
    with open_growing(path, lambda: over[0], no_wait) as source:
        os.write(writer, b"abc")
        assert source.read_into(view) == 3
        os.close(writer)
        assert source.read_into(view) == 0
        over[0] = True
        assert source.read_into(view) == 0


def test_a_file_that_becomes_shorter_is_told(tmp_path: Path) -> None:
    path, view = tmp_path / "x", memoryview(bytearray(9))
    path.write_bytes(b"abc")
    with open_growing(path, never, no_wait) as source:
        assert source.read_into(view) == 3
        path.write_bytes(b"a")
        with pytest.raises(CaptureError, match="became shorter"):
            source.read_into(view)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with (
            pytest.raises(CaptureError, match="cannot be read"),
            open_growing(path, never, no_wait),
        ):
            pass

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from plugin.cli.lines import LineWriter


class Slow(io.StringIO):
    """A reader who stands still until he is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.waits = threading.Event()

    def write(self, text: str) -> int:
        self.waits.set()
        assert self.go.wait(30)
        return super().write(text)


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


def test_lines_come_in_order() -> None:
    out = io.StringIO()
    lines = LineWriter(out)
    for i in range(1000):
        lines.say(str(i))
    lines.close()
    assert out.getvalue().split() == [str(i) for i in range(1000)]


def test_a_reader_who_stands_still_holds_nobody_up() -> None:
    out = Slow()
    lines = LineWriter(out, waiting_max=5)
    lines.say("first")
    assert out.waits.wait(30)
    for i in range(9):
        lines.say(str(i))
    assert lines.left_out == 4
    out.go.set()
    lines.close()
    assert out.getvalue().split() == ["first", "0", "1", "2", "3", "4"]


def test_a_reader_who_has_gone_is_told_at_the_end() -> None:
    lines = LineWriter(Gone())
    lines.say("x")
    lines.say("y")
    with pytest.raises(BrokenPipeError):
        lines.close()
    assert lines.gone


def test_a_reader_who_stands_still_at_the_end_is_not_waited_for() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "w", encoding="utf-8") as out:
        lines = LineWriter(out, waiting_max=50, patience=0.2)
        for _ in range(100):
            lines.say("x" * 5000)
        lines.close()
        out.close()
        said = reader.read().count(b"\n")
    assert said
    assert said + lines.left_out == 100


def test_one_whose_writes_cannot_be_ended_is_left_behind() -> None:
    out = Slow()
    lines = LineWriter(out, waiting_max=2, patience=0.1)
    for _ in range(3):
        lines.say("x")
        assert out.waits.wait(30)
    lines.close()
    assert lines.left_out == 3
    out.go.set()


def test_a_full_disk_is_told_at_the_end() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as out:
        lines = LineWriter(out)
        lines.say("x")
        lines.say("y")
        with pytest.raises(OSError, match="No space left"):
            lines.close()
    assert lines.left_out == 2

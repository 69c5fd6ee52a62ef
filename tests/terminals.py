"""Programs at a terminal of a test's own: what they draw there, and Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.labs import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The other side of a program's terminal."""

    def __init__(self, handle: int, process: subprocess.Popen[bytes]) -> None:
        self._handle = handle
        self.process = process
        self.seen = ""

    def read_until(self, words: str) -> str:
        """Read until these words stand there; give all that was drawn, steering included."""
        end = time.monotonic() + PATIENCE
        while words not in plain(self.seen):
            if time.monotonic() > end or not self._read(end - time.monotonic()):
                pytest.fail(f"{words!r} was not drawn: {self.seen!r}")
        return self.seen

    def read_all(self) -> str:
        """Read until the program ends."""
        while self._read(PATIENCE):
            pass
        return self.seen

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._handle, keys)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type(b"\x03")

    def _read(self, seconds: float) -> bool:
        if not select.select([self._handle], [], [], max(0.0, seconds))[0]:
            return False
        try:
            piece = os.read(self._handle, 65536)
        except OSError:  # the program has ended
            return False
        self.seen += piece.decode().replace("\r\n", "\n")
        return bool(piece)


def plain(text: str) -> str:
    """A text without colours and steering."""
    return _STEERING.sub("", text)


@contextmanager
def terminal(
    argv: Sequence[str], cwd: Path, *, columns: int = 80, **environment: str
) -> Iterator[Terminal]:
    """Run a program at a terminal."""
    handle, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("4H", 30, columns, 0, 0))
    names = ("NO_COLOR", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    process = subprocess.Popen(
        argv, cwd=cwd, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        env={**kept, "TERM": "xterm", **environment},
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - Ctrl-C needs it
    )  # fmt: skip
    os.close(inner)
    try:
        yield Terminal(handle, process)
    finally:
        process.kill()
        process.wait()
        os.close(handle)

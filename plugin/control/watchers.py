"""Those who watch: each has a bounded store of lines, and whoever publishes never waits."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import suppress

_WOKEN_BYTES = 4096


class Watcher:
    """Lines on their way to one who watches. Lines come from any thread; one thread takes them."""

    def __init__(self, most: int) -> None:
        """Begin.

        Args:
            most: bytes that wait at most; with more the watcher has not kept up.
        """
        self._most = most
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._left_out = 0
        self._wake, self.woken = socket.socketpair()
        """``woken`` can be read from when there is something to take."""
        self._wake.setblocking(False)
        self.woken.setblocking(False)

    def put(self, line: bytes) -> None:
        """Add a line; once one had no room, none is added any more."""
        with self._lock:
            if self._left_out or self._bytes + len(line) > self._most:
                self._left_out += 1
            else:
                self._lines.append(line)
                self._bytes += len(line)
        self.wake()

    def take(self) -> tuple[list[bytes], int]:
        """Give the lines that wait, and how many had no room."""
        with suppress(BlockingIOError):
            while len(self.woken.recv(_WOKEN_BYTES)) == _WOKEN_BYTES:
                pass
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
            self._bytes = 0
            return lines, self._left_out

    def wake(self) -> None:
        """Make ``woken`` readable."""
        with suppress(OSError):  # it is readable already, or nobody looks any more
            self._wake.send(b"x")

    def close(self) -> None:
        """Give back what it holds."""
        self._wake.close()
        self.woken.close()

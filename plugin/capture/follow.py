"""A capture that is still being written, as a stream of bytes that waits for more at its end."""

from __future__ import annotations

import os
import select
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from plugin.capture.source import STDIN, Source
from plugin.errors import CaptureError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAIT_SECONDS = 0.2
"""Between two looks at a file that has no more."""


@contextmanager
def open_growing(
    path: Path, over: Callable[[], bool], wait: Callable[[float], None]
) -> Iterator[Source]:
    """Open a capture that grows; a pipe or standard input (``-``) ends with its writer.

    Packed captures are not unpacked: one that is being written can be torn anywhere.

    Args:
        path: the capture.
        over: whether it is time to end. What a file holds by then is still read.
        wait: waits so many seconds (``time.sleep``).

    Raises:
        CaptureError: it cannot be opened or read, or becomes shorter while it is read.
    """
    name = "standard input" if path == STDIN else printable(str(path))
    try:
        if path == STDIN:
            growing = _Growing(sys.stdin.fileno(), name, over, wait)
            yield Source(name, None, growing.read_into, growing.position)
            return
        with path.open("rb", buffering=0) as raw:
            growing = _Growing(raw.fileno(), name, over, wait)
            yield Source(name, None, growing.read_into, growing.position)
    except OSError as error:
        raise CaptureError(f"cannot be read: {error.strerror or error}", where=name) from error


class _Growing:
    """An open file: read, and waited for."""

    def __init__(
        self, descriptor: int, name: str, over: Callable[[], bool], wait: Callable[[float], None]
    ) -> None:
        self._descriptor, self._name, self._over, self._wait = descriptor, name, over, wait
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._taken = 0
        self._end: int | None = None

    def position(self) -> int:
        """Bytes that were taken."""
        return self._taken

    def read_into(self, view: memoryview) -> int:
        """Fill a part of the buffer, as soon as there is something; 0 = it is over.

        Raises:
            CaptureError: the file is shorter than what was read of it.
            OSError: it cannot be read.
        """
        while True:
            room = len(view)
            if self._over():
                if not self._is_file:
                    return 0
                self._end = self._size() if self._end is None else self._end
                room = min(room, self._end - self._taken)
            if not self._is_file and not self._is_ready():
                continue
            got = os.readv(self._descriptor, [view[:room]]) if room else 0
            if got or not self._is_file or self._end is not None:
                self._taken += got
                return got
            if self._size() < self._taken:
                raise CaptureError(
                    "became shorter while it was followed",
                    where=self._name,
                    advice="follow a file that is only added to",
                )
            self._wait(WAIT_SECONDS)

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _is_ready(self) -> bool:
        """Whether a pipe has something or has ended; waits for it a little."""
        ready, _, _ = select.select([self._descriptor], [], [], WAIT_SECONDS)
        return bool(ready)

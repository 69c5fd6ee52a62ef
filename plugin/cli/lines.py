"""Lines for a reader who may stand still: a thread of their own writes them, so nobody waits."""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

WAITING_MAX = 100_000
"""Lines that wait at most; what is said beyond is left out, and counted."""
PATIENCE = 5.0
"""Seconds for which a reader may stand still at the end."""
_LONGEST = 30.0
"""Seconds that the end takes at most, however slowly he reads on."""
_PIECE = 4096
"""Bytes that a pipe takes at once when it takes any (PIPE_BUF): writing them never waits."""
_LOOK = 0.1
_SLACK = 1.0


class LineWriter:
    """Says lines in order, from whatever thread, without ever waiting for the reader."""

    def __init__(
        self, out: TextIO, waiting_max: int = WAITING_MAX, patience: float = PATIENCE
    ) -> None:
        """Begin.

        Args:
            out: Where lines go; nobody else writes there meanwhile.
            waiting_max: Lines that wait at most.
            patience: Seconds for which the reader may stand still at the end.
        """
        self._out, self._patience = out, patience
        self._lines: queue.Queue[str | None] = queue.Queue(waiting_max)
        self._ending: float | None = None
        self._problem: OSError | None = None
        self._moved = 0.0
        self.left_out = 0
        """Lines that were not said: too many were waiting, or they could not be written."""
        self.gone = False
        """The reader has gone; nothing more is said."""
        self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Put a line at the end of those that wait."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.left_out += 1

    def close(self) -> None:
        """Wait until all is said, the reader has gone, or stands still for too long.

        Raises:
            BrokenPipeError: he has gone.
            OSError: lines could not be written: the disk is full.
        """
        self._ending = time.monotonic()
        asked = False
        while self._thread.is_alive() and not self._is_over(_SLACK):
            try:
                if asked:
                    self._thread.join(_LOOK)
                else:
                    self._lines.put(None, timeout=_LOOK)
                    asked = True
            except queue.Full:
                continue
        if self._thread.is_alive():  # it waits within a write that cannot be ended
            self.left_out += 1 + self._lines.qsize() - asked
        if self.gone:
            raise BrokenPipeError
        if self._problem is not None and not isinstance(self._problem, TimeoutError):
            raise self._problem

    def _run(self) -> None:
        descriptor = _descriptor(self._out)
        while (line := self._lines.get()) is not None:
            if self.gone or self._problem is not None:
                self.left_out += not self.gone
                continue
            try:
                if descriptor is None:
                    self._out.write(line + "\n")
                    self._moved = time.monotonic()
                else:
                    self._write(descriptor, f"{line}\n".encode(self._out.encoding, "replace"))
            except BrokenPipeError:
                self.gone = True
            except OSError as error:
                self._problem = error
                self.left_out += 1

    def _write(self, descriptor: int, content: bytes) -> None:
        """Write in pieces, none of which waits.

        Raises:
            TimeoutError: nobody has taken one for too long, and we are at the end.
            OSError: it cannot be written.
        """
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while content:
            if self._is_over():
                raise TimeoutError
            if poll.poll(_LOOK * 1000):
                content = content[os.write(descriptor, content[:_PIECE]) :]
                self._moved = time.monotonic()

    def _is_over(self, slack: float = 0.0) -> bool:
        """Whether we are at the end, and the reader has had his time."""
        if self._ending is None:
            return False
        now = time.monotonic() - slack
        still = now - max(self._moved, self._ending)
        return still > self._patience or now - self._ending > _LONGEST


def _descriptor(out: TextIO) -> int | None:
    """What is written to; None: it is no file."""
    try:
        out.flush()
        return out.fileno()
    except (OSError, ValueError):
        return None

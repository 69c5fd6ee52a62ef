"""Lines for a reader who may stand still: a thread of their own writes them, so nobody waits."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

WAITING_MAX = 100_000
"""Lines that wait at most; what is said beyond is left out, and counted."""


class LineWriter:
    """Says lines in order, from whatever thread, without ever waiting for the reader."""

    def __init__(self, out: TextIO, waiting_max: int = WAITING_MAX) -> None:
        """Begin.

        Args:
            out: Where lines go; nobody else writes there meanwhile.
            waiting_max: Lines that wait at most.
        """
        self._out = out
        self._lines: queue.Queue[str | None] = queue.Queue(waiting_max)
        self.left_out = 0
        """Lines that were not said, because too many were waiting."""
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
        """Wait until all is said, or the reader has gone.

        Raises:
            BrokenPipeError: he has gone.
        """
        self._lines.put(None)
        self._thread.join()
        if self.gone:
            raise BrokenPipeError

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            if self.gone:
                continue
            try:
                self._out.write(line + "\n")
                if self._lines.empty():
                    self._out.flush()
            except BrokenPipeError:
                self.gone = True

"""Finished captures to verdicts, one after the other, in a thread of their own."""

from __future__ import annotations

import logging
import queue
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from plugin.engine import events as ev
from plugin.engine.commands import Announce
from plugin.errors import HaliaError
from plugin.offline.judge import judge_capture

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from plugin.app.inbox import Inbox
    from plugin.engine.commands import Judge
    from plugin.offline.judges import Judges
    from plugin.offline.pasts import Pasts

_WAIT = 0.2
T = TypeVar("T")
log = logging.getLogger("halia.judging")


class Judging:
    """Takes captures, puts verdicts into the inbox.

    Args:
        judges: What captures are judged with.
        inbox: Where verdicts go.
        names: What the device of a capture calls itself; None where that is not recorded.
        took: Called with the seconds that each capture took.
        pasts: The past of each device; None: nobody is compared with what it was.
    """

    def __init__(
        self,
        judges: Judges,
        inbox: Inbox,
        *,
        names: Callable[[Path, str], str | None] | None = None,
        took: Callable[[float], None] = lambda _: None,
        pasts: Pasts | None = None,
    ) -> None:
        self._judges, self._inbox = judges, inbox
        self._names, self._took, self._pasts = names, took, pasts
        self._queue: queue.SimpleQueue[Judge | Announce] = queue.SimpleQueue()
        self._busy = False

    def __len__(self) -> int:
        """What waits: captures, windows to learn; what is being worked on too."""
        return self._queue.qsize() + self._busy

    def put(self, order: Judge) -> None:
        """Take a capture."""
        self._queue.put(order)

    def kept(self, said: Announce) -> None:
        """Take a verdict that is in the journal: its window may be learned."""
        if self._pasts is not None:
            self._queue.put(said)

    def use(self, judges: Judges) -> None:
        """Judge with others from the next capture on."""
        self._judges = judges

    def run(self, stopping: threading.Event) -> None:
        """Judge what comes until stopped."""
        while not stopping.is_set():
            try:
                order = self._queue.get(timeout=_WAIT)
            except queue.Empty:
                continue
            self._busy = True
            if isinstance(order, Announce):
                self.learn(order)
            else:
                began = time.monotonic()
                self._inbox.put(self.judge(order))
                self._took(time.monotonic() - began)
            self._busy = False

    def finish(self) -> int:
        """After the end of :meth:`run`: learn what was kept; gives how many captures are left."""
        left = 0
        while not self._queue.empty():
            order = self._queue.get_nowait()
            if isinstance(order, Announce):
                self.learn(order)
            else:
                left += 1
        return left

    def learn(self, said: Announce) -> None:
        """Learn the window of a verdict that was said and kept."""
        if self._pasts is None:
            return
        learn = partial(self._pasts.learn, said.verdict, said.capture, said.port)
        _supervised(f"the window {said.capture} was learned", learn)

    def judge(self, order: Judge) -> ev.Judged | ev.Unjudged:
        """Judge one capture."""
        done = _supervised(f"{order.capture} was judged", partial(self._judged, order))
        if isinstance(done, Exception):
            return ev.Unjudged(order.capture, order.mac, f"a mistake of Halia's: {done!r}")
        return done

    def _judged(self, order: Judge) -> ev.Judged | ev.Unjudged:
        path = Path(order.path)
        warnings: tuple[str, ...] = ()
        if order.missed:
            warnings = (f"{order.missed:,} frames of this or other devices were lost meanwhile",)
        models, options = self._judges.models, self._judges.options(self._pasts)
        try:
            verdict = judge_capture(
                path, models, options, order.mac, warnings=warnings, pasts=self._pasts
            )
            if verdict is None:
                return ev.Unjudged(order.capture, order.mac, "the device sent nothing", quiet=True)
            name = None
            if self._names is not None and verdict.mac is not None:
                name = self._names(path, verdict.mac)
        except HaliaError as error:
            return ev.Unjudged(order.capture, order.mac, str(error))
        return ev.Judged(order.capture, verdict, name)


def _supervised(doing: str, work: Callable[[], T]) -> T | Exception:
    """Do something; what it gives, or the mistake of ours that it ended in.

    The frames may be hostile: a mistake is told with its traceback, and not allowed to end the
    daemon now and at each start from here on.
    """
    try:
        return work()
    except Exception as error:
        log.exception("a mistake while %s", doing)
        return error

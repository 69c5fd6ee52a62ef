"""Finished captures to verdicts, one after the other, in a thread of their own."""

from __future__ import annotations

import logging
import queue
import time
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.engine import events as ev
from plugin.errors import HaliaError
from plugin.offline.classify import Options
from plugin.offline.judge import judge_capture

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from plugin.app.inbox import Inbox
    from plugin.engine.commands import Judge
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.ml.model import Model

_WAIT = 0.2
log = logging.getLogger("halia.judging")


class Judging:
    """Takes captures, puts verdicts into the inbox.

    Args:
        models: To classify with.
        parameters: Of the behaviours.
        inbox: Where verdicts go.
        names: What the device of a capture calls itself; None where that is not recorded.
        took: Called with the seconds that each capture took.
    """

    def __init__(
        self,
        models: Sequence[Model],
        parameters: Parameters,
        inbox: Inbox,
        *,
        names: Callable[[Path, str], str | None] | None = None,
        took: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._models, self._parameters, self._inbox = models, parameters, inbox
        self._names, self._took = names, took
        self._queue: queue.SimpleQueue[Judge] = queue.SimpleQueue()
        self._busy = False

    def __len__(self) -> int:
        """Captures that wait, the one that is being judged too."""
        return self._queue.qsize() + self._busy

    def put(self, order: Judge) -> None:
        """Take a capture."""
        self._queue.put(order)

    def use(self, models: Sequence[Model], parameters: Parameters) -> None:
        """Judge with other models from the next capture on."""
        self._models, self._parameters = models, parameters

    def run(self, stopping: threading.Event) -> None:
        """Judge what comes until stopped."""
        while not stopping.is_set():
            try:
                order = self._queue.get(timeout=_WAIT)
            except queue.Empty:
                continue
            self._busy = True
            began = time.monotonic()
            self._inbox.put(self.judge(order))
            self._took(time.monotonic() - began)
            self._busy = False

    def judge(self, order: Judge) -> ev.Judged | ev.Unjudged:
        """Judge one capture."""
        path = Path(order.path)
        warnings: tuple[str, ...] = ()
        if order.missed:
            warnings = (f"{order.missed:,} frames of this or other devices were lost meanwhile",)
        options = Options(behaviours=self._parameters)
        try:
            verdict = judge_capture(path, self._models, options, order.mac, warnings=warnings)
            if verdict is None:
                return ev.Unjudged(order.capture, order.mac, "the device sent nothing", quiet=True)
            name = None
            if self._names is not None and verdict.mac is not None:
                name = self._names(path, verdict.mac)
        except HaliaError as error:
            return ev.Unjudged(order.capture, order.mac, str(error))
        except Exception as error:
            # A mistake of ours, on frames that may be hostile: told with its traceback, and not
            # allowed to end the daemon now and at each start from here on.
            log.exception("a mistake while %s was judged", order.capture)
            return ev.Unjudged(order.capture, order.mac, f"a mistake of Halia's: {error!r}")
        return ev.Judged(order.capture, verdict, name)

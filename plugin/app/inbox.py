"""The one queue of ``halia run``: threads and signals put in, the main thread takes out."""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


MOST = 50_000
"""Items beyond which a thread waits before it puts in another."""
_WAIT = 0.01
_AT_ONCE = 512


class Signalled(NamedTuple):
    """A signal came."""

    number: int


class Asked(NamedTuple):
    """Somebody wants to know something that only the main thread may look at."""

    question: Callable[[], Any]
    answer: Future[Any]


class Failed(NamedTuple):
    """A thread ended by a mistake of ours."""

    thread: str
    error: BaseException


Item = "Event | Signalled | Asked | Failed"


class Inbox:
    """SimpleQueue with a limit: its ``put`` may be called in a signal handler."""

    def __init__(self) -> None:
        """Start empty."""
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __len__(self) -> int:
        """Items that wait."""
        return self._queue.qsize()

    def put(self, item: Any) -> None:
        """Put an item in; from a thread, when there are too many, wait first."""
        while self._queue.qsize() > MOST:
            time.sleep(_WAIT)
        self._queue.put(item)

    def put_now(self, item: Any) -> None:
        """Put an item in whatever waits: in signal handlers."""
        self._queue.put(item)

    def ask(self, question: Callable[[], Any], timeout: float) -> Any:
        """Have the main thread answer; from any other thread.

        Raises:
            TimeoutError: it did not in time, and will not: who was told that nothing was done does
                not find it done later.
        """
        answer: Future[Any] = Future()
        self._queue.put(Asked(question, answer))
        try:
            return answer.result(timeout)
        except TimeoutError:
            if answer.cancel():
                raise
            return answer.result()  # it has just begun, or its own answer is a TimeoutError

    def take(self, timeout: float) -> list[Any]:
        """Items in order: some, or none after ``timeout`` seconds."""
        try:
            items = [self._queue.get(timeout=max(0.0, timeout))]
        except queue.Empty:
            return []
        while len(items) < _AT_ONCE:
            try:
                items.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return items

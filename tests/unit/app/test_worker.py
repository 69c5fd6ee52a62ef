"""A thread ends when it is asked to, and tells when it ends by a mistake."""

from __future__ import annotations

import threading

from plugin.app.inbox import Failed, Inbox
from plugin.app.worker import Worker


def wait(event: threading.Event) -> None:
    event.wait()


def broken(event: threading.Event) -> None:
    raise IndexError(event)


def test_it_ends_when_asked() -> None:
    inbox = Inbox()
    worker = Worker("one", inbox, wait)
    assert worker.stop(0)  # it never began
    worker = Worker("one", inbox, wait)
    worker.start()
    assert worker.stop(10)
    assert inbox.take(0) == []


def test_one_that_does_not_end_is_told() -> None:
    free = threading.Event()
    worker = Worker("one", Inbox(), lambda _: wait(free))
    worker.start()
    assert not worker.stop(0.01)
    free.set()
    assert worker.stop(10)


def test_a_mistake_reaches_the_main_thread() -> None:
    inbox = Inbox()
    worker = Worker("one", inbox, broken)
    worker.start()
    (failed,) = inbox.take(10)
    assert isinstance(failed, Failed)
    assert failed.thread == "one"
    assert isinstance(failed.error, IndexError)
    worker.stop(10)

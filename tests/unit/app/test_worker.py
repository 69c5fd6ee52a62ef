"""A thread ends when it is asked to, and tells when it ends by a mistake."""

from __future__ import annotations

from plugin.app.inbox import Failed, Inbox
from plugin.app.worker import Worker


def test_it_ends_when_asked() -> None:
    inbox = Inbox()
    worker = Worker("one", inbox, lambda stopping: stopping.wait() or None)
    assert worker.stop(0)  # it never began
    worker = Worker("one", inbox, lambda stopping: stopping.wait() or None)
    worker.start()
    assert worker.stop(10)
    assert inbox.take(0) == []


def test_one_that_does_not_end_is_told() -> None:
    import threading

    free = threading.Event()
    worker = Worker("one", Inbox(), lambda _: free.wait() or None)
    worker.start()
    assert not worker.stop(0.01)
    free.set()
    assert worker.stop(10)


def test_a_mistake_reaches_the_main_thread() -> None:
    inbox = Inbox()
    worker = Worker("one", inbox, lambda _: [][1])
    worker.start()
    (failed,) = inbox.take(10)
    assert isinstance(failed, Failed)
    assert failed.thread == "one"
    assert isinstance(failed.error, IndexError)
    worker.stop(10)

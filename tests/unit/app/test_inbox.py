"""Many put in, one takes out."""

from __future__ import annotations

import threading

import pytest

from plugin.app import inbox as inboxes
from plugin.app.inbox import Asked, Inbox
from plugin.engine import events as ev


def test_items_come_in_order_and_in_bounded_batches() -> None:
    inbox = Inbox()
    for number in range(600):
        inbox.put(number)
    assert len(inbox) == 600
    first = inbox.take(0)
    assert first == list(range(512))
    assert inbox.take(0) == list(range(512, 600))
    assert inbox.take(0) == []


def test_who_asks_gets_the_answer_of_the_main_thread() -> None:
    inbox = Inbox()
    found: list[object] = []
    asker = threading.Thread(target=lambda: found.append(inbox.ask(lambda: 6 * 7, 10)))
    asker.start()
    (asked,) = inbox.take(10)
    assert isinstance(asked, Asked)
    asked.answer.set_result(asked.question())
    asker.join()
    assert found == [42]


def test_a_question_is_not_waited_for_for_ever() -> None:
    with pytest.raises(TimeoutError):
        Inbox().ask(lambda: None, 0.01)


def test_a_thread_waits_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "MOST", 2)
    inbox = Inbox()
    for _ in range(3):
        inbox.put(ev.Tick())
    writer = threading.Thread(target=lambda: inbox.put(ev.Tick()))
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()
    inbox.put_now(ev.Tick())  # a signal never waits
    assert len(inbox.take(0)) == 4
    writer.join(10)
    assert len(inbox) == 1

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


def test_what_nobody_waits_for_any_more_is_not_done() -> None:
    inbox, done = Inbox(), []
    with pytest.raises(TimeoutError):
        inbox.ask(lambda: done.append(1), 0.01)
    (asked,) = inbox.take(0)
    assert not asked.answer.set_running_or_notify_cancel()
    assert done == []


def test_what_has_begun_is_waited_for_to_its_end() -> None:
    inbox, found = Inbox(), []
    asker = threading.Thread(target=lambda: found.append(inbox.ask(lambda: 42, 0.05)))
    asker.start()
    (asked,) = inbox.take(10)
    assert asked.answer.set_running_or_notify_cancel()
    asker.join(0.3)
    assert asker.is_alive(), "it gave up on what was under way"
    asked.answer.set_result(asked.question())
    asker.join()
    assert found == [42]

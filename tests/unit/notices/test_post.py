"""The way of notices: tried again, given up, counted, told, and never in another's way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import pytest

from plugin.notices.notice import ChannelError, Notice, alarm_notice
from plugin.notices.post import WAITING_MOST, Count, Post

PATIENCE = 20.0
HOUR = 3600.0


class Channel:
    """Delivers, or fails as it is told."""

    name = "test"

    def __init__(self, at_once: int = 1, every: float = 0.0) -> None:
        self.at_once, self.every = at_once, every
        self.errors: list[ChannelError | None] = []
        self.tried: list[list[str]] = []
        self.sent: list[str] = []
        self.closed = False
        self.came = threading.Event()

    def send(self, notices: Sequence[Notice]) -> None:
        self.tried.append([one.text for one in notices])
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.sent += [one.text for one in notices]
        self.came.set()

    def close(self) -> None:
        self.closed = True


class Office:
    """A post, and the time that it is."""

    def __init__(self, channel: Channel | None = None, give_up: float = HOUR) -> None:
        self.time = 1000.0
        self.told: list[str] = []
        self.channel = channel or Channel()
        self.post = Post(
            self.channel, give_up, self.told.append, clock=lambda: self.time, chance=lambda: 1.0
        )

    def problem(self) -> str | None:
        return self.post.problem

    def put(self, *texts: str) -> None:
        for text in texts:
            self.post.put(alarm_notice(0.0, "caps", None, text))

    def turns(self, seconds: float = 0.0) -> None:
        """Let time pass, and do what is due then."""
        self.time += seconds
        while self.post.turn() == 0.0:
            pass


def test_notices_are_delivered_in_order_one_by_one() -> None:
    office = Office()
    assert office.post.turn() is None
    office.put("a", "b", "c")
    office.turns()
    assert office.channel.tried == [["a"], ["b"], ["c"]]
    assert office.post.count() == Count(sent=3, waiting=0, lost=0)


def test_what_fails_is_tried_again_after_longer_and_longer_pauses() -> None:
    office = Office()
    office.channel.errors = [ChannelError("refused"), ChannelError("refused")]
    office.put("a", "b")
    assert office.post.turn() == 1.0
    assert office.problem() == "refused"
    assert office.post.turn() == 1.0
    assert office.channel.tried == [["a"]]
    office.time += 1.0
    assert office.post.turn() == 2.0
    office.time += 1.5
    assert office.post.turn() == 0.5
    assert office.post.count() == Count(sent=0, waiting=2, lost=0)
    office.turns(0.5)
    assert office.channel.sent == ["a", "b"]
    assert office.problem() is None
    assert office.told == []


def test_after_a_success_the_pauses_begin_anew() -> None:
    office = Office()
    office.channel.errors = [ChannelError("x"), ChannelError("x"), None, ChannelError("x")]
    office.put("a", "b")
    office.turns()
    office.turns(1.0)
    office.turns(2.0)
    assert office.post.turn() == 1.0
    assert office.channel.tried == [["a"], ["a"], ["a"], ["b"]]


def test_who_asks_for_patience_gets_it() -> None:
    office = Office()
    office.channel.errors = [ChannelError("answers 429", after=90.0)]
    office.put("a")
    assert office.post.turn() == 90.0


def test_what_is_too_old_is_lost_counted_logged_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    office = Office(give_up=HOUR)
    office.channel.errors = [ChannelError("no such host")] * 100
    office.put("a")
    office.turns()
    office.turns(HOUR / 2)
    office.put("b")
    with caplog.at_level(logging.WARNING, "halia.notices"):
        office.turns(HOUR / 2)
    assert office.post.count() == Count(sent=0, waiting=1, lost=1)
    assert office.told == [
        "notices by test are lost: not delivered in 3600 s: no such host; the journal has them"
    ]
    assert "test: 1 notices are lost: not delivered in 3600 s: no such host" in caplog.text
    office.turns(HOUR / 2)
    assert office.post.count() == Count(sent=0, waiting=0, lost=2)
    assert len(office.told) == 1
    assert office.post.turn() is None


def test_the_next_outage_is_told_again() -> None:
    office = Office(give_up=HOUR)
    for text in ("a", "b"):
        office.channel.errors = [ChannelError("away", vain=True)]
        office.put(text)
        office.turns()
        office.put(f"{text}, later")
        office.turns()
    assert office.channel.sent == ["a, later", "b, later"]
    assert len(office.told) == 2


def test_what_is_never_taken_is_not_tried_again_and_holds_up_nobody() -> None:
    office = Office()
    office.channel.errors = [ChannelError("answers 413", vain=True)]
    office.put("a", "b")
    office.turns()
    assert office.channel.tried == [["a"], ["b"]]
    assert office.post.count() == Count(sent=1, waiting=0, lost=1)
    assert office.told == ["notices by test are lost: answers 413; the journal has them"]
    assert office.problem() is None


def test_no_more_wait_than_there_is_room_for_and_the_oldest_goes() -> None:
    office = Office()
    office.put(*(str(number) for number in range(WAITING_MOST + 3)))
    assert office.post.count() == Count(sent=0, waiting=WAITING_MOST, lost=3)
    assert office.told == ["notices by test are lost: more than 1000 wait; the journal has them"]
    office.turns()
    assert office.channel.sent[0] == "3"
    assert office.channel.sent[-1] == str(WAITING_MOST + 2)


def test_what_comes_within_the_pause_goes_together() -> None:
    office = Office(Channel(at_once=100, every=60.0))
    office.put("a")
    office.turns()
    office.put("b", "c")
    assert office.post.turn() == 60.0
    office.put("d")
    office.turns(59.0)
    assert office.channel.tried == [["a"]]
    office.turns(1.0)
    assert office.channel.tried == [["a"], ["b", "c", "d"]]


def test_a_batch_that_failed_stays_as_it_was() -> None:
    office = Office(Channel(at_once=100))
    office.channel.errors = [ChannelError("x")]
    office.put("a", "b")
    office.turns()
    office.put("c")
    office.turns(1.0)
    assert office.channel.tried == [["a", "b"], ["a", "b"], ["c"]]


def test_the_end_delivers_what_can_be_and_logs_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(Channel(at_once=2, every=60.0))
    office.put("a", "b", "c")
    office.turns()
    office.post.finish()
    assert office.channel.sent == ["a", "b", "c"]
    assert not caplog.records
    office.channel.errors = [ChannelError("away")] * 9
    office.put("d", "e", "f")
    office.post.finish()
    assert len(office.channel.tried) == 3
    assert "test: 3 notices are not delivered: Halia ends" in caplog.text


def test_an_outage_is_logged_when_it_begins_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    office.channel.errors = [ChannelError("refused")] * 3
    office.put("a")
    for _ in range(4):
        office.turns(600.0)
    assert [record.getMessage() for record in caplog.records] == [
        "test: notices are not delivered: refused",
        "test: notices are delivered again",
    ]


def test_the_thread_delivers_and_ends_when_it_is_told_to() -> None:
    channel = Channel()
    post = Post(channel, HOUR, lambda _: None)
    stopping = threading.Event()
    thread = threading.Thread(target=post.run, args=(stopping,))
    thread.start()
    try:
        post.put(alarm_notice(0.0, "caps", None, "a"))
        assert channel.came.wait(PATIENCE)
    finally:
        stopping.set()
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert channel.closed

"""Faucet's events as items of the inbox, from its socket; from a broker see tests/e2e."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pika

from plugin.app.feeding import BrokerFeeding, SocketFeeding
from plugin.app.inbox import Inbox
from plugin.app.worker import Worker
from plugin.events import DeviceLearned, FeedClosed, FeedGap, FeedOpened, Garbage
from tests.apps import PATIENCE, items
from tests.labs import wait_for
from tests.rabbit import free_ports
from tests.unit.faucet.test_event import LEARN, line
from tests.unit.faucet.test_transport import serve

if TYPE_CHECKING:
    from pathlib import Path


def test_events_of_the_socket_come_in_order_and_as_they_were(tmp_path: Path) -> None:
    path, inbox, raw = tmp_path / "event.sock", Inbox(), list[bytes]()
    with serve(path) as server:
        worker = Worker("feed", inbox, SocketFeeding(path, inbox, raw.append).run)
        worker.start()
        with server.accept()[0] as faucet:
            event, later = line(1, L2_LEARN=LEARN), line(4, 13.0, L2_LEARN=LEARN)
            faucet.sendall(event + later + b'{"torn')
            opened, learned, gap, again = items(inbox, 4)
        torn, closed = items(inbox, 2)
    assert opened == FeedOpened(source=str(path))
    assert isinstance(learned, DeviceLearned)
    assert gap == FeedGap(missed=2, before=4)
    assert isinstance(again, DeviceLearned)
    assert isinstance(torn, Garbage)
    assert isinstance(closed, FeedClosed)
    assert raw == [event[:-1], later[:-1]]
    assert worker.stop(PATIENCE)


def test_it_stops_while_nobody_listens(tmp_path: Path) -> None:
    inbox = Inbox()
    worker = Worker("feed", inbox, SocketFeeding(tmp_path / "none", inbox, lambda _: None).run)
    worker.start()
    assert worker.stop(PATIENCE)
    # That it is not there may have been told by then.
    assert all(isinstance(one, FeedClosed) for one in inbox.take(0))


def away() -> pika.ConnectionParameters:
    return pika.ConnectionParameters("127.0.0.1", free_ports(1)[0], connection_attempts=1)


def test_without_a_broker_it_is_told_and_stops() -> None:
    inbox, told = Inbox(), list[str]()
    worker = Worker("feed", inbox, BrokerFeeding(away(), inbox, told.append).run)
    worker.start()
    wait_for(lambda: told, "a word")
    assert "cannot be reached" in told[0]
    assert worker.stop(PATIENCE)
    assert inbox.take(0) == []


def test_messages_of_the_broker_are_events_and_a_lost_connection_tears_the_last() -> None:
    inbox = Inbox()
    one = BrokerFeeding(away(), inbox, lambda _: None)
    # As the consumer calls it; with a real broker: tests/e2e/test_broker_events.py.
    one._consumer._opened()
    whole = line(1, L2_LEARN=LEARN)[:-1]
    one._deliver(whole)
    one._deliver(whole[:30])
    one._closed("the broker has gone")
    opened, learned, torn, closed = inbox.take(0)
    assert isinstance(opened, FeedOpened)
    assert opened.source.startswith("amqp://127.0.0.1:")
    assert isinstance(learned, DeviceLearned)
    assert isinstance(torn, Garbage)
    assert closed == FeedClosed(source=opened.source, reason="the broker has gone")

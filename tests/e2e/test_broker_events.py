"""Faucet's events by way of a real RabbitMQ: from its adapter to us, and from us to Poseidon."""

from __future__ import annotations

import queue
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pika
import pytest
from pika.exchange_type import ExchangeType

from plugin import events as e
from plugin.broker.consumer import Consumer
from plugin.broker.message import (
    EVENT_EXCHANGE,
    EVENT_KEY,
    POSEIDON_EXCHANGE,
    VERDICT_EXCHANGE,
    Message,
)
from plugin.broker.rabbitmq import Publisher, Republisher
from plugin.broker.spool import Spool
from plugin.faucet.event import Feed
from tests.labs import wait_for
from tests.rabbit import PATIENCE, Broker, broker
from tests.unit.faucet.test_event import LEARN, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pika.adapters.blocking_connection import BlockingChannel

ROOT = Path(__file__).resolve().parents[2]
DELETE = """
{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"%s">>)),
rabbit_amqqueue:delete(Q, false, false, <<"test">>).
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("rabbit") / "b") as one:
        yield one


@contextmanager
def adapter(running: Broker) -> Iterator[BlockingChannel]:
    """A connection that declares what Faucet's adapter does."""
    with pika.BlockingConnection(running.parameters()) as connection:
        channel = connection.channel()
        channel.exchange_declare(EVENT_EXCHANGE, ExchangeType.topic)
        yield channel


class Heard:
    """What a consumer told, in order."""

    def __init__(self, running: Broker) -> None:
        self.items: queue.Queue[Any] = queue.Queue()
        self.told: list[str] = []
        self.consumer = Consumer(
            running.parameters(),
            self.items.put,
            opened=lambda: self.items.put("opened"),
            closed=lambda reason: self.items.put(("closed", reason)),
            told=self.told.append,
        )

    def __enter__(self) -> Self:
        self.consumer.start()
        assert self.next() == "opened"
        return self

    def __exit__(self, *_: object) -> None:
        self.consumer.stop(PATIENCE)
        assert not self.consumer._link._thread.is_alive()
        assert self.items.empty()  # a stop closes no feed

    def next(self) -> Any:
        return self.items.get(timeout=PATIENCE)


def own_queues(running: Broker, count: int) -> list[str] | None:
    """Names of our queues, once there are so many; those of others and of before may be there."""
    words = running.ctl("list_queues", "name").split()
    own = [word for word in words if word.startswith("halia_events.")]
    return own if len(own) == count else None


def test_events_come_as_the_adapter_cuts_them_beside_other_consumers(running: Broker) -> None:
    text = line(1, DP_CHANGE={}) + line(2, L2_LEARN=LEARN)
    bodies = [text[:70], *text[70:200].strip().split(b"\n"), text[200:].strip(), b"", b"no event"]
    with adapter(running) as channel, Heard(running) as one, Heard(running) as other:
        for body in bodies:
            channel.basic_publish(EVENT_EXCHANGE, EVENT_KEY, body)
        channel.basic_publish(EVENT_EXCHANGE, "FAUCET.Else", b"nobody's")
        channel.basic_publish(EVENT_EXCHANGE, EVENT_KEY + ".more", b"{}")
        for heard in (one, other):
            assert [heard.next() for _ in bodies] == bodies
            assert heard.next() == b"{}"
        wait_for(lambda: own_queues(running, 2), "two queues")
    wait_for(lambda: own_queues(running, 0) is not None, "their end")
    feed = Feed()
    items = [type(item) for body in bodies for item in feed.message(body)]
    assert items == [e.DatapathChanged, e.DeviceLearned, e.Garbage]
    assert (feed.events, feed.missed) == (2, 0)


def test_a_killed_broker_closes_the_feed_and_opens_it_again(running: Broker) -> None:
    with Heard(running) as heard:
        running.kill()
        word, reason = heard.next()
        assert word == "closed"
        assert "connection has ended" in reason
        running.start()
        assert heard.next() == "opened"
        with adapter(running) as channel:
            channel.basic_publish(EVENT_EXCHANGE, EVENT_KEY, b"after")
            assert heard.next() == b"after"
    up = "events: Faucet's events come from the broker"
    assert (heard.told[0], heard.told[-1], heard.told.count(up)) == (up, up, 2)


def test_a_queue_that_somebody_deletes_is_made_anew(running: Broker) -> None:
    with Heard(running) as heard:
        (name,) = wait_for(lambda: own_queues(running, 1), "one queue")
        running.ctl("eval", DELETE % name)
        assert heard.next() == ("closed", "the broker has taken the queue away")
        assert heard.next() == "opened"
        with adapter(running) as channel:
            channel.basic_publish(EVENT_EXCHANGE, EVENT_KEY, b"after")
            assert heard.next() == b"after"


def test_the_permissions_of_the_manual_are_enough(running: Broker, tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "broker.md").read_text()
    command = next(row for row in manual.splitlines() if "set_permissions" in row)
    words = shlex.split(command)
    running.ctl("add_user", "halia", "word")
    running.ctl(*words[1:])
    place = running.parameters(user="halia", password="word")  # noqa: S106 - made above
    heard: queue.Queue[bytes] = queue.Queue()
    consumer, republisher = Consumer(place, heard.put), Republisher(place)
    with Spool(tmp_path) as spool:
        publisher = Publisher(place, spool)
        for one in (consumer, republisher, publisher):
            one.start()
        wait_for(consumer.connected.is_set, "the consumer", PATIENCE)
        republisher.publish(b"an event")
        for name in (VERDICT_EXCHANGE, POSEIDON_EXCHANGE):
            publisher.publish(Message(name, "some.key", "1", b"{}"))
        assert heard.get(timeout=PATIENCE) == b"an event"
        assert publisher.stop(PATIENCE) == republisher.stop(PATIENCE) == 0
    consumer.stop(PATIENCE)


def test_a_consumer_stops_while_the_broker_is_away(running: Broker) -> None:
    running.kill()
    consumer = Consumer(running.parameters(), lambda _: None)
    consumer.start()
    consumer.stop(PATIENCE)
    assert not consumer._link._thread.is_alive()
    running.start()


@pytest.mark.parametrize("spins", [0, 1, 10, 100, 1000, 10_000, 100_000])
def test_it_stops_at_any_moment_of_connecting(running: Broker, spins: int) -> None:
    told: list[str] = []
    consumer = Consumer(running.parameters(), lambda _: None, told=told.append)
    consumer.start()
    for _ in range(spins):
        consumer.connected.is_set()
    consumer.stop(PATIENCE)
    assert not consumer._link._thread.is_alive()
    assert told in ([], ["events: Faucet's events come from the broker"])


def test_poseidon_gets_each_event_as_it_was_written(running: Broker) -> None:
    lines = [line(n, L2_LEARN=LEARN).rstrip() for n in range(1, 400)]
    with adapter(running) as channel:
        channel.queue_declare("poseidon_main", durable=True)
        channel.queue_bind("poseidon_main", EVENT_EXCHANGE, "FAUCET.Event.#")
        republisher = Republisher(running.parameters())
        republisher.start()
        for event in lines:
            republisher.publish(event)
        assert republisher.stop(PATIENCE) == 0
        assert republisher.dropped == 0
        got = []
        while True:
            method, properties, body = channel.basic_get("poseidon_main", auto_ack=True)
            if method is None or properties is None:
                break
            assert method.routing_key == "FAUCET.Event"
            assert properties.delivery_mode == 2
            got.append(body)
    assert got == lines

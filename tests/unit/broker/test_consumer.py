"""What needs no broker; the rest is in tests/e2e/test_broker_events.py."""

from __future__ import annotations

import pika

from plugin.broker.consumer import Consumer
from tests.labs import wait_for
from tests.rabbit import PATIENCE, free_ports


def test_without_a_broker_nothing_is_opened_or_closed() -> None:
    told: list[str] = []
    calls: list[str] = []
    parameters = pika.ConnectionParameters("127.0.0.1", free_ports(1)[0], connection_attempts=1)
    consumer = Consumer(
        parameters,
        lambda _: calls.append("deliver"),
        opened=lambda: calls.append("opened"),
        closed=lambda _: calls.append("closed"),
        told=told.append,
    )
    consumer.start()
    wait_for(lambda: told, "a word", PATIENCE)
    consumer.stop(PATIENCE)
    assert not consumer.connected.is_set()
    assert calls == []
    assert told == ["events: the broker cannot be reached: Connection refused"]

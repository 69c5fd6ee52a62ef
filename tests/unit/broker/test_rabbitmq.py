"""What needs no broker; the rest is in tests/e2e/test_broker.py, with a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pika
import pytest

from plugin.broker.message import Message
from plugin.broker.rabbitmq import Publisher, Republisher
from plugin.broker.ring import Ring
from plugin.broker.spool import Spool, SpoolFullError
from tests.rabbit import free_ports

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_broker_messages_wait_and_it_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    (port,) = free_ports(1)
    parameters = pika.ConnectionParameters("127.0.0.1", port, connection_attempts=1)
    with Spool(tmp_path) as spool:
        publisher = Publisher(parameters, spool, told=told.append)
        publisher.start()
        for n in range(3):
            publisher.publish(Message("halia", "halia.verdict", str(n), b"{}"))
        assert publisher.stop(2.0) == 3
        assert not publisher.connected.is_set()
        assert [kept.message.message_id for kept in spool.waiting()] == ["0", "1", "2"]
    assert told
    assert "cannot be reached" in told[0]


def test_events_for_others_wait_in_memory_and_never_stop_their_reader() -> None:
    (port,) = free_ports(1)
    parameters = pika.ConnectionParameters("127.0.0.1", port, connection_attempts=1)
    republisher = Republisher(parameters, ring=Ring(max_bytes=20))
    republisher.start()
    for n in range(5):
        republisher.publish(b"%010d" % n)
    assert republisher.stop(0) == 2
    assert republisher.dropped == 3


def test_a_full_spool_is_full_until_there_is_room(tmp_path: Path) -> None:
    with Spool(tmp_path, max_bytes=200) as spool:
        publisher = Publisher(pika.ConnectionParameters(), spool)
        message = Message("halia", "halia.verdict", "1", b"x" * 100)
        publisher.publish(message)
        assert not publisher.full()
        with pytest.raises(SpoolFullError):
            publisher.publish(message)
        assert publisher.full()
        spool.confirm(1)
        assert not publisher.full()
        publisher.publish(message)

"""What needs no broker; the rest is in tests/e2e/test_broker.py, with a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pika
from pika.exceptions import AMQPConnectionError

from plugin.broker.message import Message
from plugin.broker.rabbitmq import Publisher, _reason
from plugin.broker.spool import Spool
from tests.rabbit import free_ports

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reason_names_the_innermost_cause() -> None:
    inner = ConnectionRefusedError(111, "Connection refused")
    assert "Connection refused" in _reason(AMQPConnectionError(inner))
    assert _reason(AMQPConnectionError()).startswith("AMQPConnectionError")


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

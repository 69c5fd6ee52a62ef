"""Faucet's events, from its socket or from RabbitMQ, as items of the inbox."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from plugin.broker.consumer import Consumer
from plugin.events import FeedClosed, FeedOpened
from plugin.faucet.event import Feed
from plugin.faucet.transport import EventSocket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pika

    from plugin.app.inbox import Inbox

_STOP_SECONDS = 5.0


class Feeding(Protocol):
    """A source of Faucet's events."""

    def run(self, stopping: threading.Event) -> None:
        """Put what comes into the inbox until stopped: the work of a thread."""


class SocketFeeding:
    """Faucet's own socket, which serves one client: what we take, we hand on.

    Args:
        path: The socket.
        inbox: Where events go.
        raw: Called with each event as Faucet wrote it.
    """

    def __init__(self, path: Path, inbox: Inbox, raw: Callable[[bytes], None]) -> None:
        self._path, self._inbox, self._raw = path, inbox, raw

    def run(self, stopping: threading.Event) -> None:
        """Read until stopped."""
        reader = EventSocket(self._path, self._inbox.put, raw=self._raw)

        def stop_after() -> None:
            stopping.wait()
            reader.stop()

        waiting = threading.Thread(target=stop_after, daemon=True)
        waiting.start()
        reader.run()
        waiting.join()
        reader.close()


class BrokerFeeding:
    """The events that Faucet's adapter publishes: beside Poseidon.

    Args:
        parameters: Where the broker is.
        inbox: Where events go.
        told: Called with what changes, in words without secrets.
    """

    def __init__(
        self, parameters: pika.ConnectionParameters, inbox: Inbox, told: Callable[[str], None]
    ) -> None:
        self._inbox = inbox
        self._feed = Feed()
        self._source = f"amqp://{parameters.host}:{parameters.port}"
        self._consumer = Consumer(
            parameters,
            self._deliver,
            opened=lambda: inbox.put(FeedOpened(source=self._source)),
            closed=self._closed,
            told=told,
        )

    def run(self, stopping: threading.Event) -> None:
        """Let the consumer's own thread deliver until stopped."""
        self._consumer.start()
        stopping.wait()
        self._consumer.stop(_STOP_SECONDS)

    def _deliver(self, body: bytes) -> None:
        for item in self._feed.message(body):
            self._inbox.put(item)

    def _closed(self, reason: str) -> None:
        for item in self._feed.end():
            self._inbox.put(item)
        self._inbox.put(FeedClosed(source=self._source, reason=reason))

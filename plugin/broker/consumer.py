"""Faucet's events from RabbitMQ, where its adapter publishes them: beside Poseidon, not instead.

The queue is ours alone, and goes with its connection: whatever happened while we were away is
asked from Faucet's own page, as after any gap, so a queue that outlives us would only bring events
of long ago. Its name ends in chance: a connection that the broker has not missed yet must not lock
out the next one, and two of us each get every event. It is bounded: a reader that is too slow loses
the oldest events, sees the gap in the numbering, and asks.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from plugin.broker.link import EVENTS, Link
from plugin.broker.message import EVENT_PATTERN

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    import pika
    from pika.channel import Channel

QUEUE = "halia_events"
QUEUE_MOST = 10_000
"""Events that wait at the broker; then its oldest go."""
PREFETCH = 256


class Consumer:
    """Delivers each message of ``topic_recs`` with a key under FAUCET.Event, until stopped.

    All callbacks come in the consumer's own thread. While ``deliver`` works, the rest waits at the
    broker; a heartbeat's time is too long for it.

    Args:
        parameters: where the broker is, and who we are there.
        deliver: called with the body of each message; what it is, is for the feed to say.
        opened: called when messages begin to come: what happened before is to be asked for.
        closed: called with the reason when they no longer come; it is tried again. Not
            called by :meth:`stop`.
        told: called with what changes, in words without secrets.
    """

    def __init__(
        self,
        parameters: pika.connection.Parameters,
        deliver: Callable[[bytes], None],
        *,
        opened: Callable[[], None] = lambda: None,
        closed: Callable[[str], None] = lambda _: None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._deliver, self._opened = deliver, opened
        self._link = Link(
            "events",
            parameters,
            begin=self._begin,
            lost=closed,
            told=told,
            up="Faucet's events come from the broker",
        )

    @property
    def connected(self) -> threading.Event:
        """Set while messages can come."""
        return self._link.connected

    def start(self) -> None:
        """Begin to connect."""
        self._link.start()

    def stop(self, timeout: float) -> None:
        """End it, from any thread but the consumer's own; wait at most ``timeout`` seconds."""
        self._link.stop(timeout)

    def _begin(self, channel: Channel) -> None:
        queue = f"{QUEUE}.{secrets.token_hex(4)}"

        def declare_queue() -> None:
            channel.queue_declare(
                queue,
                exclusive=True,
                auto_delete=True,
                arguments={"x-max-length": QUEUE_MOST, "x-overflow": "drop-head"},
                callback=lambda _: channel.queue_bind(
                    queue, EVENTS.name, EVENT_PATTERN, callback=consume
                ),
            )

        def consume(_: object) -> None:
            channel.add_on_cancel_callback(
                lambda _: self._link.fail("the broker has taken the queue away")
            )
            channel.basic_qos(prefetch_count=PREFETCH)
            channel.basic_consume(queue, self._message, callback=lambda _: begun())

        def begun() -> None:
            self._link.ready()
            self._link.proved()
            self._opened()

        self._link.declare(channel, (EVENTS,), declare_queue)

    def _message(
        self,
        channel: Channel,
        method: pika.spec.Basic.Deliver,
        _properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        self._deliver(body)
        if channel.is_open:
            channel.basic_ack(method.delivery_tag or 0)

"""Publishing to RabbitMQ: confirms come back in windows, from one connection with one owner.

Waiting for each confirm costs ten times the rate of a window of them in flight; so callers only
put messages into a store (the spool on disk; for Faucet's events a ring in memory), and the owner
takes them from there. What was not confirmed when a connection ends is sent again on the next one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import pika

from plugin.broker.link import EVENTS, POSEIDON, VERDICTS, Link
from plugin.broker.message import event_message
from plugin.broker.ring import Ring
from plugin.broker.spool import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pika.channel import Channel
    from pika.frame import Method

    from plugin.broker.link import Exchange
    from plugin.broker.message import Message
    from plugin.broker.spool import Kept

WINDOW = 256
_STOP_POLL = 0.05
_LAST_SECONDS = 5.0
"""What is left for the end of the connection, however short the time to stop is."""


class Store(Protocol):
    """Where messages wait: :class:`plugin.broker.spool.Spool`, :class:`plugin.broker.ring.Ring`."""

    @property
    def full(self) -> bool:
        """Whether the last message was refused and there still is no room for it."""

    def __len__(self) -> int:
        """Messages that are not confirmed."""

    def put(self, message: Message) -> int:
        """Keep a message."""

    def waiting(self, after: int, most: int) -> Iterator[Kept]:
        """Some of what is not confirmed, oldest first."""

    def confirm(self, number: int) -> None:
        """Let go of a message."""


class Publisher:
    """Takes messages at any time from any thread, and brings them to the broker when it can."""

    def __init__(
        self,
        parameters: pika.connection.Parameters,
        spool: Store,
        *,
        exchanges: tuple[Exchange, ...] = (POSEIDON, VERDICTS),
        name: str = "verdicts",
        window: int = WINDOW,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make a publisher; nothing is connected before :meth:`start`.

        Args:
            parameters: Where the broker is, and who we are there.
            spool: Keeps what is not confirmed; nobody else uses it.
            exchanges: Those that messages are for; declared on each connection.
            name: What is published, for what is told.
            window: Messages in flight at most.
            told: Called from the owner's thread with what changes, in words without secrets.
        """
        self._spool = spool
        self._exchanges = exchanges
        self._window = window
        self._lock = threading.Lock()
        self._link = Link(
            name,
            parameters,
            begin=self._begin,
            turn=self._pump,
            lost=self._lost,
            told=told,
            up="the broker takes messages",
        )
        self._channel: Channel | None = None
        self._sent = 0
        self._tag = 0
        self._flying: dict[int, int] = {}
        """Delivery tag -> number in the spool."""
        self.connected = self._link.connected
        self.confirmed = 0
        """Messages that the broker has confirmed."""

    @property
    def reconnects(self) -> int:
        """Connections after the first that worked."""
        return max(0, self._link.worked - 1)

    def start(self) -> None:
        """Begin to connect."""
        self._link.start()

    def publish(self, message: Message) -> None:
        """Keep a message in the store and send it as soon as the broker takes it.

        Raises:
            SpoolError: it could not be kept; it will not be sent.
        """
        with self._lock:
            self._spool.put(message)
        self._link.wake()

    def waiting(self) -> int:
        """Messages that the broker has not confirmed."""
        with self._lock:
            return len(self._spool)

    def full(self) -> bool:
        """Whether a message was refused for want of room, and there still is none for it."""
        with self._lock:
            return self._spool.full

    def stop(self, timeout: float) -> int:
        """Send for at most ``timeout`` seconds what waits, then end; gives what still waits."""
        done = threading.Event()
        while self.waiting() and timeout > 0:
            done.wait(_STOP_POLL)
            timeout -= _STOP_POLL
        self._link.stop(max(timeout, _LAST_SECONDS))
        return self.waiting()

    # The rest runs in the owner's thread.

    def _begin(self, channel: Channel) -> None:
        channel.confirm_delivery(self._confirmed)

        def declared() -> None:
            self._channel, self._sent, self._tag = channel, 0, 0
            self._flying.clear()
            self._link.ready()
            self._pump()

        self._link.declare(channel, self._exchanges, declared)

    def _lost(self, _reason: str) -> None:
        self._channel = None

    def _pump(self) -> None:
        """Send from the spool until the window is full."""
        channel, room = self._channel, self._window - len(self._flying)
        if channel is None or not channel.is_open or room <= 0:
            return
        try:
            with self._lock:
                batch = list(self._spool.waiting(self._sent, room))
        except (SpoolError, OSError) as error:
            self._link.fail(f"the spool cannot be read: {error}")
            return
        for number, message in batch:
            channel.basic_publish(
                message.exchange,
                message.key,
                message.body,
                pika.BasicProperties(
                    content_type="application/json",
                    delivery_mode=pika.DeliveryMode.Persistent,
                    message_id=message.message_id or None,
                ),
            )
            self._tag += 1
            self._flying[self._tag] = number
            self._sent = number

    def _confirmed(self, frame: Method[pika.spec.Basic.Ack | pika.spec.Basic.Nack]) -> None:
        method = frame.method
        tags = [t for t in self._flying if t <= method.delivery_tag] if method.multiple else []
        numbers = [self._flying.pop(tag, 0) for tag in (tags or [method.delivery_tag])]
        if isinstance(method, pika.spec.Basic.Nack):
            # The broker would not keep it: begin again from the oldest, on a new connection.
            self._link.fail("the broker refused a message; it will be sent again")
            return
        self._link.proved()
        try:
            with self._lock:
                for number in numbers:
                    self._spool.confirm(number)
            self.confirmed += len(numbers)
        except OSError as error:
            self._link.fail(f"the spool cannot be cleared: {error}")
            return
        self._pump()


class Republisher:
    """Gives Faucet's events to everyone else: its socket serves one reader only, and that is us.

    On a connection of its own: a flood of events must not stand before verdicts, nor an exchange
    that somebody declared otherwise stop them. In memory only: events of long ago mislead.
    """

    def __init__(
        self,
        parameters: pika.connection.Parameters,
        *,
        ring: Ring | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make a republisher; arguments as for :class:`Publisher`."""
        self._ring = Ring() if ring is None else ring
        self._publisher = Publisher(
            parameters, self._ring, exchanges=(EVENTS,), name="events for others", told=told
        )
        self.connected = self._publisher.connected
        self.start = self._publisher.start
        self.stop = self._publisher.stop
        self.waiting = self._publisher.waiting

    @property
    def dropped(self) -> int:
        """Events that had to go before the broker had confirmed them: it was away, or too slow."""
        return self._ring.dropped

    def publish(self, line: bytes) -> None:
        """Send one event as Faucet wrote it (``EventSocket(raw=…)``); never waits, never fails."""
        self._publisher.publish(event_message(line))

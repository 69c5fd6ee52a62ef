"""Publishing to RabbitMQ: one thread owns the connection, confirms come back in windows.

Waiting for each confirm costs ten times the rate of a window of them in flight, and pika's
connections belong to one thread; so callers only put messages into the spool, and the owner takes
them from there. What was not confirmed when a connection ends is sent again on the next one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import pika

from plugin.broker.message import POSEIDON_EXCHANGE, VERDICT_EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pika.channel import Channel
    from pika.frame import Method

    from plugin.broker.message import Message
    from plugin.broker.spool import Spool

WINDOW = 256
BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each next try; the last is repeated."""
_STOP_POLL = 0.05


class Exchange(NamedTuple):
    """A topic exchange, declared exactly as everyone else on the broker declares it."""

    name: str
    durable: bool


EXCHANGES = (
    Exchange(POSEIDON_EXCHANGE, durable=False),  # as Poseidon does; else the broker refuses both
    Exchange(VERDICT_EXCHANGE, durable=True),
)


class Publisher:
    """Takes messages at any time from any thread, and brings them to the broker when it can."""

    def __init__(
        self,
        parameters: pika.connection.Parameters,
        spool: Spool,
        *,
        window: int = WINDOW,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make a publisher; nothing is connected before :meth:`start`.

        Args:
            parameters: Where the broker is, and who we are there.
            spool: Keeps what is not confirmed; nobody else uses it.
            window: Messages in flight at most.
            told: Called from the owner's thread with what changes, in words without secrets.
        """
        self._parameters = parameters
        self._spool = spool
        self._window = window
        self._told = told
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._own, name="broker", daemon=True)
        self._connection: pika.SelectConnection | None = None
        self._channel: Channel | None = None
        self._sent = 0
        self._flying: dict[int, int] = {}
        """Delivery tag -> number in the spool."""
        self.connected = threading.Event()

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def publish(self, message: Message) -> None:
        """Keep a message on the disk and send it as soon as the broker takes it.

        Raises:
            SpoolError: it could not be kept; it will not be sent.
        """
        with self._lock:
            self._spool.put(message)
        self._wake()

    def waiting(self) -> int:
        """Messages that the broker has not confirmed."""
        with self._lock:
            return len(self._spool)

    def stop(self, timeout: float) -> int:
        """Send for at most ``timeout`` seconds what waits, then end; gives what still waits."""
        done = threading.Event()
        while self.waiting() and timeout > 0:
            done.wait(_STOP_POLL)
            timeout -= _STOP_POLL
        self._stopping.set()
        self._wake()
        self._thread.join(max(timeout, 5.0))
        return self.waiting()

    # The rest runs in the owner's thread.

    def _own(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._opened,
                on_open_error_callback=self._not_opened,
                on_close_callback=self._closed,
            )
            with self._lock:
                self._connection = connection
            connection.ioloop.start()
            worked = self.connected.is_set()  # a refusal clears it, and so waits longer
            self.connected.clear()
            self._channel = None
            with self._lock:
                self._connection = None
            connection.ioloop.close()
            tries = 0 if worked else tries + 1
            self._stopping.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])

    def _wake(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(self._pump)

    def _opened(self, connection: pika.SelectConnection) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def _not_opened(self, connection: pika.SelectConnection, error: BaseException) -> None:
        self._told(f"the broker cannot be reached: {_reason(error)}")
        connection.ioloop.stop()

    def _closed(self, connection: pika.SelectConnection, error: BaseException) -> None:
        self._told(f"the broker's connection has ended: {_reason(error)}")
        connection.ioloop.stop()

    def _channel_opened(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._channel_closed)
        channel.confirm_delivery(self._confirmed)
        left = [*EXCHANGES]

        def declared(_: object = None) -> None:
            if left:
                exchange = left.pop(0)
                channel.exchange_declare(
                    exchange.name, "topic", durable=exchange.durable, callback=declared
                )
                return
            self._channel = channel
            self._sent = 0
            self._flying.clear()
            self._tag = 0
            self.connected.set()
            self._told("the broker takes messages")
            self._pump()

        declared()

    def _channel_closed(self, channel: Channel, error: BaseException) -> None:
        self._told(f"the broker closed the channel: {_reason(error)}")
        self._channel = None
        if channel.connection.is_open:
            channel.connection.close()

    def _pump(self) -> None:
        """Send from the spool until the window is full."""
        if self._stopping.is_set():
            if self._connection is not None and self._connection.is_open:
                self._connection.close()
            return
        channel, room = self._channel, self._window - len(self._flying)
        if channel is None or room <= 0:
            return
        with self._lock:
            batch = list(self._spool.waiting(self._sent, room))
        for number, message in batch:
            channel.basic_publish(
                message.exchange,
                message.key,
                message.body,
                pika.BasicProperties(
                    content_type="application/json",
                    delivery_mode=pika.DeliveryMode.Persistent,
                    message_id=message.message_id,
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
            self._told("the broker refused a message; it will be sent again")
            self.connected.clear()
            if self._connection is not None and self._connection.is_open:
                self._connection.close()
            return
        with self._lock:
            for number in numbers:
                self._spool.confirm(number)
        self._pump()


def _reason(error: BaseException) -> str:
    """What went wrong, without the parameters (they hold the password)."""
    cause = error.args[0] if error.args else ""
    while isinstance(cause, Exception):
        error, cause = cause, cause.args[0] if cause.args else ""
    return f"{type(error).__name__}: {error}"

"""One connection to RabbitMQ, owned by one thread: made, watched, and made again when it ends.

pika's connections belong to one thread. Whatever wants one (the publishers, the consumer) gives a
:class:`Link` what to do on a fresh channel, and is called in that thread only.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

import pika

from plugin.broker.message import EVENT_EXCHANGE, POSEIDON_EXCHANGE, VERDICT_EXCHANGE
from plugin.broker.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from pika.channel import Channel

BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each next try; the last is repeated."""
CLOSE_SECONDS = 2.0
"""How long the broker may take to say goodbye."""


class Exchange(NamedTuple):
    """A topic exchange that stays when nobody is bound, as everyone on the broker declares it."""

    name: str
    durable: bool


EVENTS = Exchange(EVENT_EXCHANGE, durable=False)  # as Faucet's adapter and Poseidon do; the broker
POSEIDON = Exchange(POSEIDON_EXCHANGE, durable=False)  # refuses whoever declares it otherwise
VERDICTS = Exchange(VERDICT_EXCHANGE, durable=True)


class Link:
    """A connection with a channel, kept up until stopped.

    What it tells is told once for each outage, however often it is tried again.

    Args:
        name: what the connection is for, before each line that is told.
        parameters: where the broker is, and who we are there.
        begin: called with each fresh channel; it ends by calling :meth:`ready`.
        turn: called in the owner's thread after :meth:`wake`.
        lost: called when a connection that was ready has ended, with the reason; not by our stop.
        told: called with what changes, in words without secrets.
        up: what is told when it is ready.
    """

    def __init__(  # noqa: PLR0913 - callbacks by name
        self,
        name: str,
        parameters: pika.connection.Parameters,
        *,
        begin: Callable[[Channel], None],
        turn: Callable[[], None] = lambda: None,
        lost: Callable[[str], None] = lambda _: None,
        told: Callable[[str], None] = lambda _: None,
        up: str,
    ) -> None:
        self.connected = threading.Event()
        self._name, self._parameters, self._up = name, parameters, up
        self._begin, self._turn, self._lost, self._told = begin, turn, lost, told
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._own, name=f"broker {name}", daemon=True)
        self._connection: pika.SelectConnection | None = None
        self._reason = ""
        self._said: set[str] = set()
        self._doubtful = False
        """It was ready, and then failed by what we did there."""
        self._failed = False
        self.worked = 0
        """Connections that were ready."""

    def start(self) -> None:
        """Begin to connect."""
        # pika logs each failed try several times over; what matters is told here.
        pika_log = logging.getLogger("pika")
        if pika_log.level == logging.NOTSET:
            pika_log.setLevel(logging.CRITICAL)
        self._thread.start()

    def wake(self) -> None:
        """Have ``turn`` called soon, from any thread; nothing while there is no connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(self._turned)

    def stop(self, timeout: float) -> None:
        """End the connection, from any thread; wait for it at most ``timeout`` seconds."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    # The rest runs in the owner's thread.

    def declare(
        self, channel: Channel, exchanges: tuple[Exchange, ...], then: Callable[[], None]
    ) -> None:
        """Declare exchanges one after the other."""
        if not exchanges:
            then()
            return
        first, *rest = exchanges
        channel.exchange_declare(
            first.name,
            "topic",
            durable=first.durable,
            callback=lambda _: self.declare(channel, tuple(rest), then),
        )

    def ready(self) -> None:
        """Say that the channel is set up."""
        self.worked += 1
        self.connected.set()
        if not self._doubtful:
            self._tell_up()

    def proved(self) -> None:
        """Say that the broker has really taken something: an error before is over."""
        if self._doubtful:
            self._doubtful = False
            self._tell_up()

    def fail(self, words: str) -> None:
        """End the connection for a reason of ours; the next try comes later and later."""
        self._failed = True
        self._doubtful = self.connected.is_set()
        self._say(words)
        self._close()

    def _own(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            self._failed = False
            self._once()
            worked = self.connected.is_set()
            self.connected.clear()
            if worked and not self._stopping.is_set():
                self._lost(self._reason)
            tries = 0 if worked and not self._failed else tries + 1
            self._stopping.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])

    def _once(self) -> None:
        try:
            connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._opened,
                on_open_error_callback=self._not_opened,
                on_close_callback=self._closed,
            )
        except OSError as error:  # no file is to be had, or the loopback interface is down
            self._say(f"the broker cannot be reached: {reason(error)}")
            return
        with self._lock:
            self._connection = connection
        if not self._stopping.is_set():  # else stop() may have come too early to wake us
            self._run(connection)
        with self._lock:
            self._connection = None
        connection.ioloop.close()

    def _run(self, connection: pika.SelectConnection) -> None:
        try:
            connection.ioloop.start()
        except AssertionError:
            # pika gives up a connection that is still being made, and then stumbles over a check
            # of its own (it meets a class where it looks for an instance).
            if not self._stopping.is_set():
                raise

    def _turned(self) -> None:
        if self._stopping.is_set():
            self._close()
        else:
            self._turn()

    def _close(self) -> None:
        connection = self._connection
        if connection is None or connection.is_closing or connection.is_closed:
            return
        connection.close()
        connection.ioloop.call_later(CLOSE_SECONDS, connection.ioloop.stop)

    def _opened(self, connection: pika.SelectConnection) -> None:
        connection.add_on_connection_blocked_callback(
            lambda _, frame: self._told(
                f"{self._name}: the broker takes nothing for now: {frame.method.reason}"
            )
        )
        connection.add_on_connection_unblocked_callback(
            lambda *_: self._told(f"{self._name}: the broker takes messages again")
        )
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._channel_closed)
        self._begin(channel)

    def _channel_closed(self, channel: Channel, error: BaseException) -> None:
        if channel.connection.is_open:  # else the connection's own end tells why
            self.fail(f"the broker says no: {reason(error)}")

    def _not_opened(self, connection: pika.SelectConnection, error: BaseException) -> None:
        self._say(f"the broker cannot be reached: {reason(error)}")
        connection.ioloop.stop()

    def _closed(self, connection: pika.SelectConnection, error: BaseException) -> None:
        if not self._failed:
            self._say(f"the broker's connection has ended: {reason(error)}")
        connection.ioloop.stop()

    def _tell_up(self) -> None:
        self._said.clear()
        self._told(f"{self._name}: {self._up}")

    def _say(self, words: str) -> None:
        self._reason = words
        if words not in self._said and not self._stopping.is_set():
            self._said.add(words)
            self._told(f"{self._name}: {words}")

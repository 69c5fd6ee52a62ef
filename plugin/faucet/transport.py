"""Faucet's event socket and its Prometheus page: the bytes behind the parsers.

The socket serves one client only; a second one is closed at once, so a reader that is closed
without having got an event waits longer and longer before it tries again.
"""

from __future__ import annotations

import selectors
import socket
import threading
from typing import TYPE_CHECKING

from plugin.errors import PeerError
from plugin.events import FeedClosed, FeedOpened
from plugin.faucet.event import Feed
from plugin.faucet.prometheus import Snapshot, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugin.events import FeedItem

PIECE_BYTES = 1 << 16
BACKOFF_FIRST = 0.1
BACKOFF_MAX = 5.0
PAGE_BYTES_MAX = 64 << 20
PAGE_SECONDS = 5.0


class EventSocket:
    """Reads Faucet's unix socket until stopped; reconnects when Faucet goes and comes.

    Args:
        path: the socket (``FAUCET_EVENT_SOCK``).
        deliver: called with each item, in the thread of :meth:`run`.
        raw: called there with each event as Faucet wrote it, for others who want it.
        backoff: seconds of the first and of the longest pause between two attempts.
    """

    def __init__(
        self,
        path: Path,
        deliver: Callable[[FeedItem], None],
        *,
        raw: Callable[[bytes], None] = lambda _: None,
        backoff: tuple[float, float] = (BACKOFF_FIRST, BACKOFF_MAX),
    ) -> None:
        self.feed = Feed(raw)
        self._path = str(path)
        self._deliver = deliver
        self._backoff = backoff
        self._wake, self._woken = socket.socketpair()
        self._stopped = threading.Event()
        self._told: str | None = None
        """Why it could not be connected, as it was told last."""

    def stop(self) -> None:
        """End :meth:`run` soon, from any thread or signal handler."""
        self._stopped.set()
        self._wake.send(b"x")

    def close(self) -> None:
        """Give back what it holds; after :meth:`run` has ended."""
        self._wake.close()
        self._woken.close()

    def run(self) -> None:
        """Read until :meth:`stop`. Owns its thread: call it in one of its own, or alone."""
        first, longest = self._backoff
        pause = first
        while not self._stopped.is_set():
            before = self.feed.events
            reason = self._once()
            if self._stopped.is_set():
                return
            if reason is not None:
                self._deliver(FeedClosed(source=self._path, reason=reason))
            pause = first if self.feed.events > before else min(pause * 2, longest)
            self._sleep(pause)

    def _once(self) -> str | None:
        """Connect and read to the end; gives why it is over, None if that was told before."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            try:
                stream.connect(self._path)
            except OSError as error:
                why = f"{self._path}: {error.strerror}"
                before, self._told = self._told, why
                return None if why == before else why
            self._told = None
            self._deliver(FeedOpened(source=self._path))
            return self._read(stream)

    def _read(self, stream: socket.socket) -> str:
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            reason = "stopped"
            while not self._stopped.is_set():
                if stream not in {key.fileobj for key, _ in selector.select()}:
                    continue
                try:
                    piece = stream.recv(PIECE_BYTES)
                except OSError as error:
                    reason = str(error)
                    break
                if not piece:
                    reason = "closed by Faucet"
                    break
                for item in self.feed.receive(piece):
                    self._deliver(item)
            for item in self.feed.end():
                self._deliver(item)
            return reason

    def _sleep(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.select(seconds)


def read_page(url: str, *, timeout: float = PAGE_SECONDS) -> Snapshot:
    """Ask Faucet's Prometheus page for what Faucet knows now.

    Args:
        url: such as ``http://127.0.0.1:9302``.
        timeout: seconds to wait for a connection, and for each piece of the answer.

    Raises:
        PeerError: it does not answer, or with something else.
    """
    import requests
    from urllib3.exceptions import HTTPError  # of a page that breaks off: requests lets it pass

    try:
        with requests.get(url, timeout=timeout, stream=True) as answer:
            answer.raise_for_status()
            content = answer.raw.read(PAGE_BYTES_MAX + 1, decode_content=True)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise PeerError(
            f"Faucet's Prometheus page cannot be read: {_short(error)}",
            where=url,
            advice="is FAUCET_PROMETHEUS_ADDR:FAUCET_PROMETHEUS_PORT this address?",
        ) from error
    if len(content) > PAGE_BYTES_MAX:
        raise PeerError("the page is longer than any of Faucet's", where=url)
    return snapshot(content.decode("utf-8", "replace"))


def _short(error: Exception) -> str:
    """The last cause, without the names of the library's classes around it."""
    text = str(error)
    return text.rpartition(": ")[2].strip("'\"()") if "HTTPConnection" in text else text

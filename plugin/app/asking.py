"""Faucet's page, read in a thread of its own when the engine asks for it."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

from plugin.engine import events as ev
from plugin.errors import PeerError
from plugin.faucet.transport import read_page

if TYPE_CHECKING:
    import threading

    from plugin.app.inbox import Inbox

_WAIT = 0.2


class Asking:
    """Reads Faucet's page when told to.

    Args:
        page: Address of Faucet's Prometheus page.
        inbox: Where answers go.
    """

    def __init__(self, page: str, inbox: Inbox) -> None:
        self._page, self._inbox = page, inbox
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()

    def resync(self) -> None:
        """Read the page soon."""
        self._asked.put(None)

    def run(self, stopping: threading.Event) -> None:
        """Ask until stopped."""
        while not stopping.is_set():
            try:
                self._asked.get(timeout=_WAIT)
            except queue.Empty:
                continue
            self._inbox.put(self._read())

    def _read(self) -> ev.Resynced | ev.ResyncFailed:
        try:
            return ev.Resynced(read_page(self._page))
        except PeerError as error:
            return ev.ResyncFailed(str(error))

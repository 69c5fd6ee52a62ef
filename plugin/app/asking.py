"""Slow questions to others, in a thread of their own: Faucet's page, the state of the hook."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from plugin.engine import events as ev
from plugin.errors import FaucetFileError, PeerError
from plugin.faucet.transport import read_page
from plugin.offline.faucet import read_place, status

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from plugin.app.inbox import Inbox

COVERAGE_SECONDS = 30.0
_WAIT = 0.2


class Asking:
    """Reads Faucet's page when told to, and looks at the hook every half minute.

    Args:
        page: Address of Faucet's Prometheus page; None: there is none.
        config: The faucet.yaml, if it can be read from here; None: it is not looked at.
        inbox: Where answers go.
    """

    def __init__(self, page: str | None, config: Path | None, inbox: Inbox) -> None:
        self._page, self._config, self._inbox = page, config, inbox
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()

    def resync(self) -> None:
        """Read the page soon."""
        self._asked.put(None)

    def run(self, stopping: threading.Event) -> None:
        """Ask until stopped."""
        looked = -COVERAGE_SECONDS
        while not stopping.is_set():
            if self._config is not None and time.monotonic() - looked >= COVERAGE_SECONDS:
                looked = time.monotonic()
                self._inbox.put(ev.Covered(self._problems(self._config)))
            try:
                self._asked.get(timeout=_WAIT)
            except queue.Empty:
                continue
            self._inbox.put(self._read())

    def _read(self) -> ev.Resynced | ev.ResyncFailed:
        assert self._page is not None
        try:
            return ev.Resynced(read_page(self._page))
        except PeerError as error:
            return ev.ResyncFailed(str(error))

    def _problems(self, config: Path) -> tuple[str, ...]:
        try:
            found = status(read_place(config))
        except FaucetFileError as error:
            return (str(error),)
        if not found.installed:
            return ("the hook is not installed: nothing is mirrored; see 'halia faucet install'",)
        return found.problems

"""A thread of ``halia run``: named, stopped by an event, its mistakes told to the main thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from plugin.app.inbox import Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.app.inbox import Inbox


class Worker:
    """Runs one function in a thread of its own."""

    def __init__(self, name: str, inbox: Inbox, work: Callable[[threading.Event], None]) -> None:
        """Make it; it runs after :meth:`start`.

        Args:
            name: Of the thread.
            inbox: Where it is told when the work ended by a mistake.
            work: What to do until the event is set.
        """
        self.name = name
        self.stopping = threading.Event()
        self._inbox, self._work = inbox, work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Ask it to end, and wait; False if it has not ended in time."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work(self.stopping)
        except BaseException as error:  # noqa: BLE001 - the main thread ends the program with it
            self._inbox.put_now(Failed(self._thread.name, error))

"""What can be asked of the daemon: each question is answered by the main thread, between events."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import plugin
from plugin.app.clock import now
from plugin.engine.view import to_document
from plugin.errors import PeerError
from plugin.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.app.inbox import Inbox
    from plugin.engine import Engine

ANSWER_SECONDS = 10.0
_HISTORY = 50


class EngineService:
    """The service of ``halia run``.

    Args:
        inbox: By which the main thread is reached.
        engine: Looked at in the main thread only.
        parts: What each part says of itself; called in the main thread.
        history: What was found of a device, the last first; called in the asker's thread.
    """

    def __init__(
        self,
        inbox: Inbox,
        engine: Engine,
        parts: Callable[[], dict[str, Any]],
        history: Callable[[str, int], list[dict[str, Any]]],
    ) -> None:
        self._inbox, self._engine = inbox, engine
        self._parts, self._history = parts, history
        self._since = now()

    def status(self) -> dict[str, Any]:
        """How each part is."""
        document: dict[str, Any] = self._ask(self._status)
        return document

    def devices(self) -> list[dict[str, Any]]:
        """The document of each device."""
        views = self._ask(lambda: list(self._engine.views()))
        return [to_document(one) for one in views]

    def device(self, key: str) -> dict[str, Any] | None:
        """The document of one, by MAC or IP address, with its history."""
        one = self._ask(lambda: self._find(key))
        if one is None:
            return None
        try:
            history = self._history(one.mac, _HISTORY)
        except StoreError:
            history = []  # the journal has it: 'halia audit show'
        return {**to_document(one), "history": history}

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Have the main thread answer.

        Raises:
            PeerError: it did not in time.
        """
        try:
            return self._inbox.ask(question, ANSWER_SECONDS)
        except TimeoutError as error:
            raise PeerError("the daemon is too busy to answer", advice="ask again") from error

    def _find(self, key: str) -> Any:
        found = self._engine.view(key)
        if found is not None:
            return found
        return next((one for one in self._engine.views() if key in one.addresses), None)

    def _status(self) -> dict[str, Any]:
        states: dict[str, int] = {}
        for one in self._engine.views():
            states[one.state] = states.get(one.state, 0) + 1
        feed = self._engine.feed
        return {
            "version": plugin.__version__,
            "pid": os.getpid(),
            "started": self._since,
            "uptime": round(now() - self._since, 3),
            "devices": {"total": len(self._engine), "states": states},
            "feed": {
                "connected": feed.open, "problem": feed.refused,
                "page_problem": feed.page_problem, "events": feed.events,
                "gaps": feed.gaps, "missed": feed.missed,
                "garbage": feed.garbage, "restarts": feed.restarts,
                "down_switches": [name for name, _ in feed.down_switches],
            },
            "hook": {"problem": "; ".join(self._engine.problems) or None},
            "holding": self._engine.holding,
            **self._parts(),
        }  # fmt: skip

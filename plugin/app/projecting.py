"""The store behind the journal, in a thread of its own: the daemon goes on without it."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from plugin.app.messages import DECISION
from plugin.engine import events as ev
from plugin.errors import InputError
from plugin.store.database import StoreError
from plugin.store.follow import follow

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from plugin.app.inbox import Inbox
    from plugin.audit.chain import Entry
    from plugin.store.state import Said, Store

RETRY_SECONDS = 30.0
_WAIT = 0.2
_AT_ONCE = 1_000
_MOST = 200
"""Batches that wait; beyond that they are left to be read from the journal."""


class Projecting:
    """Takes entries of the journal, keeps the store up to them.

    Args:
        url: The store.
        journal: The journal's folder.
        inbox: Where it is told when the store does not work.
    """

    def __init__(self, url: str | Path, journal: Path, inbox: Inbox) -> None:
        self._url, self._journal, self._inbox = url, journal, inbox
        self._batches: queue.SimpleQueue[Sequence[Entry]] = queue.SimpleQueue()
        self._store: Store | None = None
        self.problem: str | None = None
        """Why the store does not work; None: it does, as far as is known."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Take entries that are in the journal; never waits."""
        if self._batches.qsize() < _MOST:
            self._batches.put(entries)

    def history(self, mac: str, most: int) -> list[dict[str, Any]]:
        """The entries on a device's verdicts, findings and decisions, the last first.

        From any thread, as :meth:`cases`.

        Raises:
            StoreError: it cannot be read.
        """
        store = self._store
        if store is None:
            return []
        said = [(one.number, _as_in_journal(one)) for one in store.said(mac, most)]
        decided = [
            (one.number, {"time": one.time, "kind": DECISION, "body": dict(one.body)})
            for one in store.decisions(mac, most)
        ]
        both = sorted([*said, *decided], key=lambda one: one[0], reverse=True)
        return [entry for _, entry in both[:most]]

    def cases(self) -> list[dict[str, Any]]:
        """Cases, each as it was last, by number; of those that are over, what counts still.

        Raises:
            StoreError: it cannot be read.
        """
        store = self._store
        return [] if store is None else [dict(one) for one in store.cases()]

    def run(self, stopping: threading.Event) -> None:
        """Keep the store up until stopped."""
        while not stopping.is_set():
            # What waits is in the journal, and read there; what comes now waits for the store.
            while not self._batches.empty():
                self._batches.get_nowait()
            try:
                followed = follow(self._url, self._journal, own=True)
            except (StoreError, InputError) as error:
                self._tell(str(error))
                stopping.wait(RETRY_SECONDS)
                continue
            self.problem = None
            if followed.anew is not None:
                self._inbox.put(ev.Noticed("store", followed.anew))
            try:
                self._store = followed.store
                self._apply(followed.store, stopping)
            except StoreError as error:
                self._tell(str(error))
                stopping.wait(RETRY_SECONDS)
            finally:
                self._store = None
                followed.store.close()

    def _apply(self, store: Store, stopping: threading.Event) -> None:
        """Apply what comes; a gap, when batches were left out, is an error of the store."""
        while not (stopping.is_set() and self._batches.empty()):
            try:
                batch = list(self._batches.get(timeout=_WAIT))
            except queue.Empty:
                continue
            while len(batch) < _AT_ONCE and not self._batches.empty():
                batch += self._batches.get_nowait()
            store.apply(batch)

    def _tell(self, reason: str) -> None:
        if reason != self.problem:
            self.problem = reason
            self._inbox.put(ev.Noticed("store", f"the store is behind the journal: {reason}"))


def _as_in_journal(said: Said) -> dict[str, Any]:
    body = {
        "mac": said.mac,
        "capture": said.capture,
        "message_id": said.message_id,
        "verdict": said.document,
    }
    return {"time": said.time, "kind": said.kind, "body": body}

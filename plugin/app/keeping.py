"""What is said, kept: messages to the spool, then entries to the journal; nothing is dropped.

The spool comes first: a crash between the two leaves a capture without an entry, which is judged
again at the next start, and its messages go out twice with the same ``message_id``. The other way
round a verdict could stand in the journal and never be sent.

Decisions do not wait for a spool that is full: what is decided about a device must not depend on a
broker. They go to the journal, and their messages out as soon as there is room.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.audit.journal import Draft, JournalError
from plugin.broker.spool import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugin.audit.chain import Entry
    from plugin.audit.journal import Journal
    from plugin.broker.message import Message

ACTOR = "halia"
LESSER = frozenset({"device", "gone", "alarm"})
"""Kinds of entries that can be told again; verdicts and findings cannot."""
URGENT = frozenset({"decision", "caps"})
"""Kinds of entries that do not wait for the spool."""
LESSER_MOST = 20_000
"""Such entries that wait at most while nothing can be written."""


class Sayable(NamedTuple):
    """An entry of the journal, and the messages that go out with it."""

    time: float
    kind: str
    body: Mapping[str, Any]
    messages: tuple[Message, ...] = ()
    actor: str = ACTOR
    """Who did it."""


class Keeper:
    """Journal and spool as one. The main thread's alone.

    Args:
        journal: Open.
        publish: Keeps a message until the broker has it; None: there is no broker.
        kept: Called with entries once they are on the disk.
    """

    def __init__(
        self,
        journal: Journal,
        publish: Callable[[Message], object] | None,
        kept: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._journal, self._publish, self._kept = journal, publish, kept
        self._waiting: deque[Sayable] = deque()
        self._spooled: deque[Sayable] = deque()
        """What is only to be written to the journal."""
        self._late: deque[Message] = deque()
        """Messages of entries that were written before them."""
        self._begun = 0
        """Messages of the first that waits which are in the spool already."""
        self.problem: str | None = None
        """Why what waits cannot be kept now; None: it can."""
        self.left_out = 0
        """Entries that could be told again and were dropped while nothing could be written."""

    def __len__(self) -> int:
        """What is not kept yet."""
        return len(self._waiting) + len(self._spooled) + len(self._late)

    def say(self, sayable: Sayable) -> None:
        """Take something to keep; :meth:`flush` keeps it."""
        if sayable.kind in LESSER and len(self) >= LESSER_MOST:
            self.left_out += 1
            return
        self._waiting.append(sayable)

    def owes(self, kind: str) -> bool:
        """Whether an entry of a kind is not kept yet."""
        return any(one.kind == kind for some in (self._spooled, self._waiting) for one in some)

    def flush(self) -> str | None:
        """Keep what waits, in order; gives the reason when that is not possible now."""
        self.problem = self._flush()
        return self.problem

    def _flush(self) -> str | None:
        reason = self._spool()
        if not self._spooled:
            return reason
        drafts = [Draft(one.time, one.kind, one.actor, one.body) for one in self._spooled]
        try:
            entries = self._journal.append_all(drafts)
        except JournalError as error:
            return str(error)
        self._spooled.clear()
        self._kept(entries)
        return reason

    def _spool(self) -> str | None:
        try:
            while self._late:
                self._send(self._late[0])
                self._late.popleft()
            while self._waiting:
                for message in self._waiting[0].messages[self._begun :]:
                    self._send(message)
                    self._begun += 1
                self._begun = 0
                self._spooled.append(self._waiting.popleft())
        except SpoolError as error:
            self._hurry()
            return str(error)
        return None

    def _send(self, message: Message) -> None:
        if self._publish is not None:
            self._publish(message)

    def _hurry(self) -> None:
        """Take what does not wait for the spool out of the queue."""
        urgent = [one for one in self._waiting if one.kind in URGENT]
        if not urgent:
            return
        if self._waiting[0] is urgent[0]:
            urgent[0] = urgent[0]._replace(messages=urgent[0].messages[self._begun :])
            self._begun = 0
        self._waiting = deque(one for one in self._waiting if one.kind not in URGENT)
        for one in urgent:
            self._spooled.append(one._replace(messages=()))
            self._late.extend(one.messages)

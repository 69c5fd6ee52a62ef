"""Messages in memory for the broker: when it is away too long, the oldest are dropped and counted.

For what is worthless when it is old, and what nobody was promised: Faucet's events for others.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import dropwhile, islice, starmap
from typing import TYPE_CHECKING

from plugin.broker.spool import MOST, Kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.broker.message import Message

MAX_BYTES = 4 << 20


class Ring:
    """A queue in memory, used as a :class:`plugin.broker.spool.Spool` is; it never refuses."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        """Make an empty queue.

        Args:
            max_bytes: bodies of the messages in it; a longer message is dropped at once.
        """
        self._max = max_bytes
        self._kept: OrderedDict[int, Message] = OrderedDict()
        self._bytes = 0
        self._last = 0
        self.dropped = 0
        """Messages that had to go before the broker had confirmed them."""

    full = False

    def __len__(self) -> int:
        """Messages that are not confirmed."""
        return len(self._kept)

    def put(self, message: Message) -> int:
        """Keep a message; the oldest go for it. Gives its number."""
        self._last += 1
        self._kept[self._last] = message
        self._bytes += len(message.body)
        while self._bytes > self._max:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)
            self.dropped += 1
        return self._last

    def waiting(self, after: int = 0, most: int = MOST) -> Iterator[Kept]:
        """At most ``most`` of what is not confirmed with a number above ``after``, oldest first."""
        # Those up to `after` are in flight, so there are few of them.
        later = dropwhile(lambda item: item[0] <= after, self._kept.items())
        return starmap(Kept, islice(later, most))

    def confirm(self, number: int) -> None:
        """The broker has it. What was dropped, or confirmed before, is no error."""
        message = self._kept.pop(number, None)
        if message is not None:
            self._bytes -= len(message.body)

"""One channel's notices on their way: a queue of its own, a thread of its own, tries of its own.

So one receiver that is dead or slow never delays another. The queue is in memory: what was not
delivered when the program ends is logged with its number, and the journal has it all.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from plugin.notices.notice import ChannelError
from plugin.notices.retry import plan_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.notices.notice import Channel, Notice

WAITING_MOST = 1_000
"""Notices that wait at most; beyond, the oldest is lost: what is so now counts most."""
FINISH_SECONDS = 5.0
"""How long the end waits for deliveries; one that has begun is waited for."""
_LOOK_SECONDS = 0.5
_LOG = logging.getLogger("halia.notices")


class Count(NamedTuple):
    """What became of the notices of a channel."""

    sent: int
    waiting: int
    lost: int
    """Not delivered in time, refused for good, or there was no room."""


class Post:
    """The way of notices through one channel.

    Args:
        channel: used by the thread of :meth:`run` alone.
        give_up: seconds after which a notice that could not be delivered is lost.
        tell: called once in an outage, when notices are lost for the first time.
        clock: seconds that only go forward.
        chance: 0 to 1.
    """

    def __init__(
        self,
        channel: Channel,
        give_up: float,
        tell: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = channel.name
        self.problem: str | None = None
        """Why nothing can be delivered now; None: it can, as far as is known."""
        self._channel, self._give_up, self._tell = channel, give_up, tell
        self._clock, self._chance = clock, chance
        self._changed = threading.Condition()
        self._waiting: deque[tuple[float, Notice]] = deque()
        self._batch: list[tuple[float, Notice]] = []
        """Being delivered. One that has failed stays as it is: each try is the same message."""
        self._failures = 0
        self._next = float("-inf")
        self._sent = self._lost = 0
        self._told_of_loss = False

    def put(self, notice: Notice) -> None:
        """Take a notice; never waits. From any thread."""
        with self._changed:
            self._waiting.append((self._clock(), notice))
            full = len(self._waiting) > WAITING_MOST
            if full:
                self._waiting.popleft()
            self._changed.notify()
        if full:
            self._lose(1, f"more than {WAITING_MOST} wait")

    def count(self) -> Count:
        """What became of the notices so far. From any thread."""
        with self._changed:
            return Count(self._sent, len(self._waiting) + len(self._batch), self._lost)

    def run(self, stopping: threading.Event) -> None:
        """Deliver until stopped; then what can be delivered at once."""
        try:
            while not stopping.is_set():
                pause = self.turn()
                with self._changed:
                    if pause is None and not self._waiting:
                        self._changed.wait(_LOOK_SECONDS)
                    elif pause:
                        self._changed.wait(min(pause, _LOOK_SECONDS))
            self.finish()
        finally:
            self._channel.close()

    def turn(self) -> float | None:
        """Deliver one batch if it is time to; seconds until the next, None if nothing waits."""
        self._expire()
        now = self._clock()
        with self._changed:
            if not self._batch and not self._waiting:
                return None
            if now < self._next:
                return self._next - now
            if not self._batch:
                most = min(self._channel.at_once, len(self._waiting))
                self._batch = [self._waiting.popleft() for _ in range(most)]
        self._deliver()
        return max(0.0, self._next - self._clock())

    def finish(self) -> None:
        """Deliver what waits without another try, and log what is left."""
        end = self._clock() + FINISH_SECONDS
        self._next = float("-inf")
        while self._clock() < end and self.turn() is not None:
            if self.problem is not None:
                break
            self._next = float("-inf")
        left = self.count().waiting
        if left:
            _LOG.error("%s: %d notices are not delivered: Halia ends", self.name, left)

    def _deliver(self) -> None:
        try:
            self._channel.send([notice for _, notice in self._batch])
        except ChannelError as error:
            self._failed(error)
            return
        with self._changed:
            self._sent += len(self._batch)
            self._batch.clear()
        self._next = self._clock() + self._channel.every
        if self.problem is not None:
            _LOG.warning("%s: notices are delivered again", self.name)
        self.problem, self._failures, self._told_of_loss = None, 0, False

    def _failed(self, error: ChannelError) -> None:
        if self.problem is None:
            _LOG.warning("%s: notices are not delivered: %s", self.name, error)
        self.problem = str(error)
        if error.vain:
            with self._changed:
                lost = len(self._batch)
                self._batch.clear()
            self._lose(lost, str(error))
            self._failures, self._next = 0, self._clock() + self._channel.every
            return
        self._failures += 1
        self._next = self._clock() + plan_retry(self._failures, self._chance(), error.after)

    def _expire(self) -> None:
        """Give up what is too old."""
        oldest = self._clock() - self._give_up
        with self._changed:
            fresh = [one for one in self._batch if one[0] > oldest]
            lost = len(self._batch) - len(fresh)
            self._batch = fresh
            while self._waiting and self._waiting[0][0] <= oldest:
                self._waiting.popleft()
                lost += 1
        if lost:
            self._lose(lost, f"not delivered in {self._give_up:g} s: {self.problem}")

    def _lose(self, number: int, reason: str) -> None:
        with self._changed:
            self._lost += number
            first, self._told_of_loss = not self._told_of_loss, True
        _LOG.error("%s: %d notices are lost: %s", self.name, number, reason)
        if first:
            self._tell(f"notices by {self.name} are lost: {reason}; the journal has them")

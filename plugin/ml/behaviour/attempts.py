"""What became of openings: answered in time, or not wanted (refused, or not answered in time)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from plugin.ml.behaviour.finding import SECOND
from plugin.traffic import Answered, Closed, Opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import AttemptParameters
    from plugin.traffic import Event


class Attempts:
    """Holds each opened session back until it is answered (then it was none) or has failed."""

    def __init__(self, parameters: AttemptParameters) -> None:
        """Start with nothing waiting.

        Args:
            parameters: How long to wait for an answer, how many wait at most.
        """
        self._grace = round(parameters.grace * SECOND)
        self._most = parameters.waiting
        self._waiting: OrderedDict[int, Opened] = OrderedDict()
        self._now = 0

    @property
    def waiting(self) -> bool:
        """Whether any opening waits for its answer."""
        return bool(self._waiting)

    def step(self, event: Event) -> Iterator[Opened | Answered]:
        """Take an event; gives the openings that it shows to have failed, and every answer.

        What failed before the event is given before it: so much depends on no further event. An
        answer that refuses, or comes too late, is given before the opening that has failed by it.
        """
        self._now = max(self._now, event.time)
        yield from self._silent(self._now - self._grace)
        if isinstance(event, Opened):
            self._waiting[event.session] = event
            if len(self._waiting) > self._most:
                yield self._waiting.popitem(last=False)[1]
        elif isinstance(event, Answered):
            opened = self._waiting.pop(event.opened.session, None)
            yield event
            late = event.time - event.opened.time > self._grace  # of a clock that went back
            if opened is not None and (event.refused or late):
                yield opened
        elif isinstance(event, Closed) and event.opened is not None and not event.resp_packets:
            opened = self._waiting.pop(event.session, None)
            if opened is not None:
                yield opened

    def _silent(self, before: int) -> Iterator[Opened]:
        """What has waited since before a time."""
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.time >= before:
                return
            self._waiting.popitem(last=False)
            yield oldest

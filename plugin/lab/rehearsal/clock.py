"""A clock that jumps to the next thing to do."""

from __future__ import annotations

import selectors
from typing import TYPE_CHECKING

from plugin.errors import LabError

if TYPE_CHECKING:
    from selectors import SelectorKey


class Clock(selectors.SelectSelector):
    """An event loop's selector: it never waits, but lets its time go on by the wait.

    The loop that owns it says :attr:`now` as its time.
    """

    def __init__(self) -> None:
        """Begin at zero."""
        super().__init__()
        self.now = 0.0
        """Seconds."""

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Give what is ready; if nothing is, it is later at once.

        Raises:
            LabError: nobody has anything to do, ever.
        """
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise LabError("nobody has anything to do any more", where="rehearsal")
            self.now += max(timeout, 0.0)
        return ready

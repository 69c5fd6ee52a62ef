"""When a notice that could not be delivered is tried again. Pure."""

from __future__ import annotations

FIRST = 1.0
"""Seconds before the second try at most."""
LONGEST = 600.0
"""Seconds between two tries at most, unless the receiver asks for more."""
ASKED_MOST = 3_600.0
"""A receiver that asks for more patience than this gets this."""
_DOUBLINGS = 16


def plan_retry(failures: int, chance: float, asked: float | None = None) -> float:
    """Seconds to wait: twice as long after each failure, half of it by chance.

    The half that is chance keeps all who wait for one receiver from coming back at once
    (exponential backoff with equal jitter).

    Args:
        failures: in a row, so far; at least 1.
        chance: 0 to 1, evenly distributed.
        asked: seconds that the receiver asked for (HTTP's Retry-After); None: it did not.
    """
    span = min(LONGEST, FIRST * 2.0 ** min(failures - 1, _DOUBLINGS))
    planned = span / 2 * (1 + chance)
    return planned if asked is None else max(planned, min(asked, ASKED_MOST))

"""The one clock of ``halia run``."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since 1970-01-01 UTC."""
    return time.time_ns() / 1e9

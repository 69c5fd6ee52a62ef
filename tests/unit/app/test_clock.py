from __future__ import annotations

import time

from plugin.app import clock


def test_the_clock_is_that_of_the_machine() -> None:
    before = time.time_ns()
    now = clock.now() * 1e9
    assert before - 1e6 <= now <= time.time_ns() + 1e6

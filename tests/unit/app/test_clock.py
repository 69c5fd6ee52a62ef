from __future__ import annotations

import time

from plugin.app import clock


def test_the_clock_is_that_of_the_machine() -> None:
    before = time.time()
    now = clock.now()
    assert before - 1e-3 <= now <= time.time() + 1e-3

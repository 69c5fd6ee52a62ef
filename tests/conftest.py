"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# No test is timed: the machine may be busy.
settings.register_profile("halia", deadline=None)
settings.load_profile("halia")

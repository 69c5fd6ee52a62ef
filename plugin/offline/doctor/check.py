"""What a test of one prerequisite found, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """How a prerequisite is."""

    OK = "ok"
    WARN = "warn"
    """Halia works, but not as well as it could."""
    FAILED = "failed"
    """Halia cannot do what the settings ask of it."""
    SKIPPED = "skipped"
    """The settings do not ask for it, or it cannot be looked at from here."""


class Check(NamedTuple):
    """One prerequisite."""

    name: str
    state: State
    what: str
    """What was found."""
    remedy: str | None = None
    """What to do; None where nothing need be done."""


def ok(name: str, what: str) -> Check:
    """It is as it should be."""
    return Check(name, State.OK, what)


def warn(name: str, what: str, remedy: str) -> Check:
    """It could be better."""
    return Check(name, State.WARN, what, remedy)


def failed(name: str, what: str, remedy: str) -> Check:
    """It will not do."""
    return Check(name, State.FAILED, what, remedy)


def skipped(name: str, what: str, remedy: str | None = None) -> Check:
    """It is not looked at."""
    return Check(name, State.SKIPPED, what, remedy)

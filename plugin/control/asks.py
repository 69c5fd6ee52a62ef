"""All that can be asked of the daemon, and what each ask needs. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NUMBER_MAX = 2**53
"""Beyond it JSON readers of other languages lose digits."""
SECONDS_MAX = 1e9
"""Of a time span: thirty years."""
REASON_MAX = 500
"""Characters: it stands in the journal, in messages and in tables."""
TEXT_MAX = 1_000


class Right(StrEnum):
    """What an ask needs of whoever asks."""

    READ = "read"
    ACT = "act"


class Argument(NamedTuple):
    """What an argument must be."""

    words: str
    fits: Callable[[object], bool]
    null: bool = False
    """It may be null, which then means something of its own. Leaving it out is never the same."""
    needed: bool = True

    def takes(self, found: object) -> bool:
        """Whether a value is as it must be."""
        return (self.null and found is None) or self.fits(found)


class Ask(NamedTuple):
    """One thing that can be asked."""

    right: Right
    arguments: Mapping[str, Argument]
    doc: str


def _is_text(found: object) -> bool:
    return isinstance(found, str) and len(found) <= TEXT_MAX


def _is_reason(found: object) -> bool:
    if not isinstance(found, str) or len(found) > REASON_MAX:
        return False
    return found.isprintable() and bool(found.strip())


def _is_whole(found: object) -> bool:
    return type(found) is int and 0 < found <= NUMBER_MAX


def _is_seconds(found: object) -> bool:
    """JSON as Python reads it has NaN and infinity too: neither is between two numbers."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return 0 < found <= SECONDS_MAX


TEXT = Argument(f"text, {TEXT_MAX} characters at most", _is_text)
KEY = TEXT
"""A MAC address, an IP address or a name."""
REASON = Argument(f"line of words, {REASON_MAX} characters at most", _is_reason)
WHOLE = Argument("whole number above 0", _is_whole)
SECONDS = Argument("number of seconds above 0", _is_seconds)
YES_OR_NO = Argument("true or false", lambda found: isinstance(found, bool))

ASKS: Mapping[str, Ask] = {
    "status": Ask(Right.READ, {}, "how the daemon is: one document"),
    "devices": Ask(Right.READ, {}, "a document for each device"),
    "device": Ask(Right.READ, {"key": KEY}, "one device, with its history"),
    "watch": Ask(Right.READ, {}, "each device as it is, then each change, and alarms; no end"),
    "decisions": Ask(
        Right.READ,
        {"all": YES_OR_NO._replace(needed=False)},
        "a document for each case; with all: those that are over too, as long as they are known",
    ),
    "explain": Ask(Right.READ, {"key": KEY}, "what the policy says about a device, rule by rule"),
    "isolate": Ask(
        Right.ACT,
        {
            "key": KEY,
            "action": TEXT,
            "seconds": SECONDS._replace(null=True),
            "reason": REASON,
        },
        "isolate a device; seconds null: until it is released",
    ),
    "release": Ask(
        Right.ACT,
        {"key": KEY._replace(null=True), "reason": REASON},
        "end the isolation of a device; key null: of all",
    ),
    "answer": Ask(
        Right.ACT,
        {"number": WHOLE, "approve": YES_OR_NO, "reason": REASON},
        "approve or deny what a rule asks for",
    ),
    "extend": Ask(
        Right.ACT,
        {"number": WHOLE, "seconds": SECONDS, "reason": REASON},
        "have an isolation end so many seconds from now",
    ),
    "thaw": Ask(Right.ACT, {"reason": REASON}, "allow new isolations again after a breach of caps"),
}
"""All asks. One that acts on the network has ``Right.ACT``, and answers with what changed."""

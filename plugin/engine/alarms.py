"""Alarms, each told once in a while: a fault that lasts must not fill the journal. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from plugin.engine import commands as do

if TYPE_CHECKING:
    from plugin.engine.commands import Command

REPEAT = 300.0
"""Seconds in which the same alarm about the same device is told once."""
_KEPT = 10_000
_BY_TEXT = frozenset(
    {
        "behaviour",
        "unjudged",
        "hook",
        "config_refused",
        "switch_down",
        "switch_up",
        "error",
        "torn",
        "past",
        "enforcing",
        "proof",
        "protected",
        "refused",
        "orphan",
        "policy",
    }
)
"""Alarms of which each text is one of its own."""
_PAIRS = {
    "feed_up": "feed_down",
    "capture_up": "capture_down",
    "disk_ok": "disk_full",
    "resumed": "held",
    "hook_ok": "hook",
    "switch_up": "switch_down",
    "caps_ok": "caps",
    "enforcing_ok": "enforcing",
    "policy_ok": "policy",
}
_ENDS = _PAIRS | {bad: good for good, bad in _PAIRS.items()}
"""What each alarm ends: after it, the other may be told again at once."""


class Alarms:
    """What was told when."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self._told: OrderedDict[tuple[str, str | None, str], float] = OrderedDict()

    def tell(self, alarm: do.Alarm, now: float) -> list[Command]:
        """The alarm and its entry in the journal; nothing if the same was told just now."""
        key = (alarm.kind, alarm.mac, alarm.text if alarm.kind in _BY_TEXT else "")
        ended = _ENDS.get(alarm.kind)
        if ended is not None:
            # A breach of the caps is about a device, and what ends it is about all of them.
            about = {alarm.mac, None}
            for old in [one for one in self._told if one[0] == ended]:
                if alarm.mac is None or old[1] in about:
                    del self._told[old]
        last = self._told.get(key)
        if last is not None and 0 <= now - last < REPEAT:
            return []
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > _KEPT:
            self._told.popitem(last=False)
        body = {"alarm": alarm.kind, "mac": alarm.mac, "text": alarm.text}
        return [alarm, do.Record("alarm", body)]

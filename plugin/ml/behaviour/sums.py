"""Sliding sums of packets and bytes, there and back. Pure: time comes with events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from plugin.ml.behaviour.finding import SECOND, Weighed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from plugin.traffic import Counted

SLOTS = 60
"""Of a longer window, so many parts are kept; of a shorter one, a part a second."""
K = TypeVar("K", bound="Hashable")


class Amounts(Protocol):
    """What went there and back: of one window, or of many (arrays)."""

    @property
    def packets(self) -> Any:
        """There."""

    @property
    def payload(self) -> Any:
        """There, bytes."""

    @property
    def back_packets(self) -> Any:
        """Back."""

    @property
    def back_payload(self) -> Any:
        """Back, bytes."""


def parts_of(seconds: float) -> tuple[int, int]:
    """Seconds of each part of a window of so many seconds (at least 1), and how many parts."""
    slot = max(1, round(seconds / SLOTS))
    return slot, max(1, int(seconds // slot))


class Sums:
    """What went there and back in the last parts of a window, the one that is under way included.

    What comes late counts where the last came: a clock that goes back empties nothing.
    """

    __slots__ = (
        "_parts",
        "_slot",
        "_span",
        "back_packets",
        "back_payload",
        "packets",
        "payload",
        "quiet_until",
    )  # fmt: skip

    def __init__(self, seconds: float) -> None:
        """Start empty.

        Args:
            seconds: How long the window is, cut into parts by :func:`parts_of`.
        """
        self._slot, self._span = parts_of(seconds)
        self._parts: list[list[int]] = []
        """Number, packets, bytes, back packets, back bytes of each part."""
        self.packets = self.payload = self.back_packets = self.back_payload = 0
        self.quiet_until = 0
        """Nothing is reported before this time: each episode is told once."""

    @property
    def count(self) -> int:
        """Parts that are kept."""
        return len(self._parts)

    def add(self, event: Counted) -> int:
        """Take a count; what is older than the window falls out. Returns by how many it grew."""
        parts, before, number = self._parts, len(self._parts), event.time // SECOND // self._slot
        if parts and number <= parts[-1][0]:
            last = parts[-1]
            last[1] += event.packets
            last[2] += event.payload
            last[3] += event.back_packets
            last[4] += event.back_payload
        else:
            parts.append(
                [number, event.packets, event.payload, event.back_packets, event.back_payload]
            )
            while parts[0][0] <= number - self._span:
                _, packets, payload, back_packets, back_payload = parts.pop(0)
                self.packets -= packets
                self.payload -= payload
                self.back_packets -= back_packets
                self.back_payload -= back_payload
        self.packets += event.packets
        self.payload += event.payload
        self.back_packets += event.back_packets
        self.back_payload += event.back_payload
        return len(parts) - before

    def due(self, now: int, repeat: float) -> bool:
        """Whether to report now; if so, not again for ``repeat`` seconds."""
        if now < self.quiet_until:
            return False
        self.quiet_until = now + round(repeat * SECOND)
        return True


class SumsOf(Weighed[K, Sums], Generic[K]):
    """Sliding sums for each key."""

    def __init__(self, tracked: int, seconds: float) -> None:
        """Start empty.

        Args:
            tracked: Keys that are kept.
            seconds: How long each window is.
        """
        self._seconds = seconds
        super().__init__(tracked, SLOTS)

    def add(self, key: K, event: Counted) -> Sums:
        """Add a count to what a key has; gives its sums."""
        sums = self.touch(key, self._fresh)
        self.grew(sums.add(event))
        return sums

    def _fresh(self) -> Sums:
        return Sums(self._seconds)

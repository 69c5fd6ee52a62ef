"""A finding, and the sliding windows that detectors are made of. Pure: time comes with events."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from plugin.traffic import Event

SECOND = 1_000_000_000
K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class Finding(NamedTuple):
    """What a detector says, as it stands in the verdict (``anomaly.behaviour``)."""

    name: str
    score: float
    """In the unit of ``threshold``; higher is worse."""
    threshold: float
    reasons: tuple[str, ...]
    """In words that need no manual."""
    evidence: tuple[str, ...]
    """Examples: addresses, ports, times."""


class Found(NamedTuple):
    """A finding about a device."""

    time: int
    """When the last event of it happened, ns."""
    mac: str
    finding: Finding


class Detector(Protocol):
    """Takes events, gives findings."""

    @property
    def takes(self) -> type[Event]:
        """The one kind of event that it looks at; others leave it as it is."""

    def step(self, event: Event) -> Iterable[Found]:
        """Take one event; constant time, no clock."""


class Bounded(OrderedDict[K, V], Generic[K, V]):
    """A table of what was touched last; beyond ``limit`` the longest untouched are forgotten."""

    def __init__(self, limit: int) -> None:
        """Start empty."""
        super().__init__()
        self.limit = limit

    def touch(self, key: K, fresh: Callable[[], V]) -> V:
        """The value of a key; what ``fresh`` makes if it is new."""
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
            return value
        value = self[key] = fresh()
        if len(self) > self.limit:
            self.popitem(last=False)
        return value


def middle(values: Iterable[float]) -> float:
    """The median of at least one number (importing statistics costs a start 10 ms)."""
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


class Window(Generic[V]):
    """Distinct items in the last ``span`` nanoseconds, counted as they come and go."""

    __slots__ = ("_count", "_items", "_span", "quiet_until")

    def __init__(self, span: int) -> None:
        """Start empty."""
        self._span = span
        self._items: deque[tuple[int, V]] = deque()
        self._count: dict[V, int] = {}
        self.quiet_until = 0
        """Nothing is reported before this time: each episode is told once."""

    def add(self, time: int, item: V) -> None:
        """Take an item; what is older than the span falls out."""
        self._items.append((time, item))
        self._count[item] = self._count.get(item, 0) + 1
        self.trim(time)

    def trim(self, now: int) -> None:
        """Forget what is older than the span."""
        while self._items and self._items[0][0] < now - self._span:
            _, item = self._items.popleft()
            left = self._count[item] - 1
            if left:
                self._count[item] = left
            else:
                del self._count[item]

    @property
    def distinct(self) -> int:
        """How many different items there are."""
        return len(self._count)

    @property
    def total(self) -> int:
        """How many items there are."""
        return len(self._items)

    def examples(self, most: int = 5) -> list[V]:
        """Some of them, first come first."""
        return [item for item, _ in zip(self._count, range(most), strict=False)]

    def due(self, now: int, repeat: int) -> bool:
        """Whether to report now; if so, not again for ``repeat`` nanoseconds."""
        if now < self.quiet_until:
            return False
        self.quiet_until = now + repeat
        return True

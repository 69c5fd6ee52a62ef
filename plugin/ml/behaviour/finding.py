"""A finding, and the sliding windows that detectors are made of. Pure: time comes with events."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from plugin.traffic import Event

SECOND = 1_000_000_000
EXAMPLES = 5
"""Of what was found, so many are named."""
LEAST_KEPT = 100
"""Items that every window keeps, however low its threshold."""
TIMES_KEPT = 4
"""Times the threshold: items that are kept of one device."""
_ITEMS_EACH = 5
"""Items of a table's entry, on average: few of many are ever full."""
K = TypeVar("K", bound="Hashable")
V = TypeVar("V")
T = TypeVar("T", bound="Hashable")


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


def shown(score: float, threshold: float) -> float:
    """A score as it is told: three digits, unless these would take it to the threshold."""
    short = round(score, 3)
    return score if score < threshold <= short else short


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


class Held(NamedTuple):
    """What a window holds, for a finding to tell."""

    number: int
    """Items (at least, where it was ``cut``)."""
    cut: bool
    examples: tuple[Any, ...]
    """Some of the items, first come first."""

    @property
    def words(self) -> str:
        """The count, as a finding says it."""
        return f"at least {self.number}" if self.cut else f"{self.number}"


class Window(Generic[T]):
    """Distinct items of the last ``span`` nanoseconds; of too many, the last that came.

    An item counts from when it came last. A count far above the threshold says no more than one a
    few times above it, and keeping a minute of a flood would take all memory.
    """

    __slots__ = ("_dropped", "_held", "_most", "_number", "_span", "cut", "quiet_until")

    def __init__(self, span: int, most: int) -> None:
        """Start empty.

        Args:
            span: ns.
            most: Items that are kept.
        """
        self._span = span
        self._most = most
        self._number = 0
        self._held: OrderedDict[T, tuple[int, int]] = OrderedDict()
        """When each came last, and as what number it came first."""
        self._dropped = -span - 1
        self.cut = False
        """There were more items within the span than are kept."""
        self.quiet_until = 0
        """Nothing is reported before this time: each episode is told once."""

    def add(self, time: int, item: T) -> int:
        """Take an item; what is older than the span falls out. Returns by how many it grew."""
        before = len(self._held)
        self._number += 1
        last, first = self._held.pop(item, (time, self._number))
        self._held[item] = (max(last, time), first)
        self._trim(time - self._span)
        if len(self._held) > self._most:
            _, (last, _) = self._held.popitem(last=False)
            self._dropped = max(self._dropped, last)
        self.cut = self._dropped >= time - self._span
        return len(self._held) - before

    def _trim(self, since: int) -> None:
        while self._held and next(iter(self._held.values()))[0] < since:
            self._held.popitem(last=False)

    @property
    def count(self) -> int:
        """How many items there are (at least, where it was ``cut``)."""
        return len(self._held)

    @property
    def first(self) -> int:
        """When the one that came longest ago came last (there is one)."""
        return next(iter(self._held.values()))[0]

    def since(self, time: int) -> int:
        """How many items came at a time or later (of all that are held, so few)."""
        return sum(last >= time for last, _ in self._held.values())

    def burst(self, time: int, number: int, within: int) -> bool:
        """Whether so many items, the one of a time among them, came within so many ns.

        All that are held are looked at: for windows that hold few.
        """
        near = sorted(last for last, _ in self._held.values() if abs(last - time) <= within)
        return any(b - a <= within for a, b in zip(near, near[number - 1 :], strict=False))

    @property
    def items(self) -> list[T]:
        """All of them, first come first."""
        return sorted(self._held, key=lambda item: self._held[item][1])

    def held(self, told: Callable[[T], Hashable] = lambda item: item) -> Held:
        """What a finding tells of it.

        Args:
            told: of an item; what is told of several is an example once.
        """
        different = dict.fromkeys(map(told, self.items))
        return Held(self.count, self.cut, tuple(different)[:EXAMPLES])

    def due(self, now: int, repeat: int) -> bool:
        """Whether to report now; if so, not again for ``repeat`` nanoseconds."""
        if now < self.quiet_until:
            return False
        self.quiet_until = now + repeat
        return True


class Counted(Protocol):
    """Holds items."""

    @property
    def count(self) -> int:
        """How many."""


C = TypeVar("C", bound=Counted)


class Weighed(Bounded[K, C], Generic[K, C]):
    """A table of what holds items; all together hold so many, or the longest untouched go.

    A device that asks each of many hosts at each of many ports, or under many names, fills as many
    entries: so it is the items of all of them that are bounded.
    """

    def __init__(self, limit: int, at_least: int) -> None:
        """Start empty.

        Args:
            limit: Entries that are kept.
            at_least: Items for which there is always room: those of one full entry.
        """
        super().__init__(limit)
        self.items_max = max(_ITEMS_EACH * limit, at_least)
        """Items of all entries."""
        self.held = 0
        """Items that are kept now."""

    def grew(self, by: int) -> None:
        """The entry that was touched last holds so many more items."""
        self.held += by
        while self.held > self.items_max:
            self.popitem(last=False)

    def popitem(self, last: bool = True) -> tuple[K, C]:
        """Forget the entry that was touched last (or longest ago)."""
        key, entry = super().popitem(last)
        self.held -= entry.count
        return key, entry


class Windows(Weighed[K, Window[T]], Generic[K, T]):
    """A window for each key."""

    def __init__(self, tracked: int, seconds: float, threshold: int) -> None:
        """Start empty.

        Args:
            tracked: Windows that are kept.
            seconds: How long each is.
            threshold: Items that make a finding.
        """
        self._span = round(seconds * SECOND)
        self._most = max(TIMES_KEPT * threshold, LEAST_KEPT)
        super().__init__(tracked, self._most)

    def add(self, key: K, time: int, item: T) -> Window[T]:
        """Put an item into the window of a key; gives that window."""
        window = self.touch(key, self._fresh)
        self.grew(window.add(time, item))
        return window

    def _fresh(self) -> Window[T]:
        return Window(self._span, self._most)

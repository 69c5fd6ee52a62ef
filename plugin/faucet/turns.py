"""Whose turn it is to be watched: within a budget, and everyone's within a bounded time. Pure.

Devices wait in two lines: those never watched, by when they came, and those watched before, by when
that ended. New ones come first, but once another one has waited for eight windows the lines take
turns, so that a flood of made-up addresses takes nobody's turn away. The first in line is never
passed over by a smaller one. Suspects are watched on and go before both lines, within half of the
budget, until the first in line has found no room for two windows: then nobody begins before it
does.

So of n devices, each of which fits in the budget alone, everyone is watched again within
3 n (window + tick) of the end of its last watch, while no new ones come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from plugin.faucet.load import Place, Rate
    from plugin.faucet.reach import Spot

MOST = 200
"""Watches at a time: above it a rewrite of the rules costs the network too long a gap."""
COOKIES = range(0x8000, 0x10000)
"""Cookies of watches; those below are for what isolates."""
UNMEASURED = 1 / 8
"""The part of the budget that a port of unknown traffic is taken to need."""
SUSPECTS = 1 / 2
LATE = 8
"""Windows after which one that was watched before has a turn beside new ones."""
PATIENCE = 2
"""Windows without room after which suspects step back. Others leave room at each window's end."""


class Watch(NamedTuple):
    """One device watched by itself."""

    mac: str
    since: float
    until: float
    cookie: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who is watched and who was."""

    watches: tuple[Watch, ...] = ()
    ended: Mapping[str, float] = field(default_factory=dict)
    """By MAC: when it was last watched."""
    known: Mapping[str, float] = field(default_factory=dict)
    """By MAC: when it came, of those never watched."""
    after_new: bool = False
    """The last one to begin was never watched before."""
    blocked: float | None = None
    """Since when the lines' first device finds no room."""


class Estimate:
    """What watching devices needs. A port's traffic counts once, and as if all were theirs."""

    def __init__(
        self, places: Mapping[str, Place], rates: Mapping[Place, Rate], allowed: float
    ) -> None:
        self.allowed = allowed
        self._places = places
        self._rates = rates

    def alone(self, mac: str) -> float:
        """Bits per second that one device needs at most."""
        return self.port(self._places[mac])

    def __contains__(self, mac: str) -> bool:
        """Whether it can tell of a device."""
        return mac in self._places

    def place(self, mac: str) -> Place:
        """Where a device is."""
        return self._places[mac]

    def port(self, place: Place) -> float:
        """Bits per second that all devices of a port need."""
        rate = self._rates.get(place)
        return self.allowed * UNMEASURED if rate is None else rate.both


class _Basket:
    """The devices chosen, never more than is allowed."""

    def __init__(self, estimate: Estimate, most: int, share: float = 1.0) -> None:
        self.macs: set[str] = set()
        self._estimate = estimate
        self._most = most
        self._allowed = estimate.allowed * share
        self._places: set[Place] = set()

    def load(self, *more: Place) -> float:
        return fsum(self._estimate.port(place) for place in {*self._places, *more})

    def fits(self, mac: str) -> bool:
        place = self._estimate.place(mac)
        return len(self.macs) < self._most and self.load(place) <= self._allowed

    def take(self, mac: str) -> bool:
        fits = self.fits(mac)
        if fits:
            self.macs.add(mac)
            self._places.add(self._estimate.place(mac))
        return fits


def finished(turns: Turns, macs: Iterable[str], now: float) -> Turns:
    """End every watch; say that all these devices have been seen until now."""
    ended = {w.mac: min(now, w.until) for w in turns.watches} | dict.fromkeys(macs, now)
    return Turns(ended={**turns.ended, **ended}, after_new=turns.after_new)


def take_turns(
    turns: Turns, spots: Sequence[Spot], estimate: Estimate, window: float, now: float
) -> tuple[Turns, float]:
    """Choose who is watched from now on.

    Args:
        turns: what the last call gave.
        spots: the devices that can be watched, each alone within the budget.
        estimate: what each needs.
        window: seconds of one watch.
        now: seconds.

    Returns:
        The turns now, and the bits per second that the watched ones need.
    """
    suspects = {s.mac: s.suspect for s in spots}
    basket, of_suspects = _Basket(estimate, MOST), _Basket(estimate, MOST // 2, SUSPECTS)
    running = [w for w in turns.watches if w.until > now and w.mac in suspects]
    # Where rates rose, those end early who have been watched longest.
    running.sort(key=lambda w: (not suspects[w.mac], -w.until, w.mac))
    kept = [w for w in running if basket.take(w.mac)]
    stay = {w.mac for w in kept}
    gone = {w.mac: min(now, w.until) for w in turns.watches if w.mac not in stay}
    ended = {m: t for m, t in {**turns.ended, **gone}.items() if m in estimate}
    known = {m: turns.known.get(m, now) for m in suspects if m not in ended and m not in stay}

    waiting = [m for m in suspects if m not in stay]
    begun: list[str] = []
    if turns.blocked is None or now - turns.blocked < PATIENCE * window:
        for w in kept:
            if suspects[w.mac]:
                of_suspects.take(w.mac)
        first = sorted((m for m in waiting if suspects[m]), key=lambda m: (-ended.get(m, now), m))
        begun = [m for m in first if basket.fits(m) and of_suspects.take(m) and basket.take(m)]
    late = {m for m in waiting if now - ended.get(m, now) >= LATE * window}
    line = _Line([m for m in waiting if m not in begun], ended, known, late)
    line.after_new = turns.after_new
    in_turn, blocked = _serve(line, basket)
    begun += in_turn
    watches = (*kept, *_begin(begun, turns.watches, window, now))
    since = (now if turns.blocked is None or in_turn else turns.blocked) if blocked else None
    return Turns(
        watches=tuple(sorted(watches)),
        ended=ended,
        known={m: t for m, t in known.items() if m not in basket.macs},
        after_new=line.after_new,
        blocked=since,
    ), basket.load()


class _Line:
    """Two lines; the first ones stand at the lists' ends."""

    after_new = False

    def __init__(
        self,
        macs: Sequence[str],
        ended: Mapping[str, float],
        known: Mapping[str, float],
        late: Container[str],
    ) -> None:
        self._new = sorted((m for m in macs if m in known), key=lambda m: (known[m], m))[::-1]
        self._old = sorted((m for m in macs if m in ended), key=lambda m: (ended[m], m))[::-1]
        self._late = late

    def first(self) -> str | None:
        """Give the one whose turn it is."""
        line = self._next()
        return line[-1] if line else None

    def leave(self) -> None:
        """Let the first one go."""
        line = self._next()
        self.after_new = line is self._new
        line.pop()

    def _next(self) -> list[str]:
        theirs = self.after_new and self._old and self._old[-1] in self._late
        return self._new if self._new and not theirs else self._old


def _serve(line: _Line, basket: _Basket) -> tuple[list[str], bool]:
    """Let devices begin in their order until one finds no room; tell whether one did not."""
    begun: list[str] = []
    while (mac := line.first()) is not None:
        if not basket.take(mac):
            return begun, True
        line.leave()
        begun.append(mac)
    return begun, False


def _begin(
    macs: Iterable[str], before: Iterable[Watch], window: float, now: float
) -> Iterator[Watch]:
    """Give new watches cookies that no old one had: the counters of a rule are one device's."""
    used = {w.cookie for w in before}
    free = (cookie for cookie in COOKIES if cookie not in used)
    for mac in macs:
        yield Watch(mac, now, now + window, next(free))

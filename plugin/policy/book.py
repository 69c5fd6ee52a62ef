"""All cases that are not over, found by number, device and deadline; what became of each step.

Pure. :class:`plugin.policy.ledger.Ledger` decides; this only keeps, and sees what changed.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from plugin.actions import COOKIES
from plugin.policy.cases import Transition, Wanted
from plugin.policy.transitions import isolation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from plugin.actions import Isolation
    from plugin.policy.cases import Case, Outcome, State

ENFORCED: frozenset[State] = frozenset({"isolating", "isolated"})
"""What is wanted at the switches."""
STANDING: frozenset[State] = ENFORCED | {"releasing"}
"""What may stand there."""


_IDLE: frozenset[State] = frozenset({"simulated", "observed", "released"})
IDLE_AT_ONCE = 300
"""Cases that nothing stands of and that end in one step: a rule on trial may have thousands."""


class Book:
    """The cases."""

    def __init__(self) -> None:
        self._cases: dict[int, Case] = {}
        self._numbers: dict[str, int] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._standing: set[int] = set()
        self._lingering: dict[int, str] = {}
        self._ended: dict[int, str] = {}
        self._watching: set[str] = set()
        self._touched: dict[str, bool] = {}
        self._outcomes: list[Outcome] = []
        self._desired: tuple[Isolation, ...] = ()
        self._watched: frozenset[str] | None = frozenset()
        self._changed = self._insists = False
        self._number = 0
        self._cookie = COOKIES.start - 1

    def __len__(self) -> int:
        """How many cases there are."""
        return len(self._cases)

    def of(self, mac: str) -> Case | None:
        """Give the case of a device, if it has one."""
        number = self._numbers.get(mac)
        return None if number is None else self._cases[number]

    def get(self, number: int) -> Case | None:
        """Give a case by its number."""
        return self._cases.get(number)

    def all(self) -> Iterator[Case]:
        """Go over all cases in order of number; steps may be taken meanwhile."""
        return iter([self._cases[number] for number in sorted(self._cases)])

    def standing(self) -> list[Case]:
        """List the cases of which something stands or may stand at a switch."""
        return [self._cases[number] for number in sorted(self._standing)]

    def room(self) -> int:
        """How many isolations stand or may stand."""
        return len(self._standing) + len(self._lingering)

    def number(self) -> int:
        """A number that no case ever had."""
        self._number += 1
        return self._number

    def seen(self, number: int, cookie: int) -> None:
        """Go on counting after those of a former run; called in order of their numbers."""
        self._number = max(self._number, number)
        if cookie in COOKIES:
            self._cookie = cookie

    def cookie(self, wish: int = 0) -> int:
        """A cookie of which nothing can stand at any switch; the wished one if that is so.

        They count up and come round after 32,767, so that what a switch may still hold of one that
        everybody has forgotten is long gone.
        """
        used = {case.cookie for case in self.standing()} | self._lingering.keys()
        if wish in COOKIES and wish not in used:
            return wish
        size = len(COOKIES)
        first = self._cookie - COOKIES.start + 1
        cookie = next(one for n in range(size) if (one := COOKIES[(first + n) % size]) not in used)
        self._cookie = cookie
        return cookie

    def linger(self, cookie: int, mac: str) -> None:
        """Note that something about a device may stand somewhere that is of no case any more."""
        if cookie in COOKIES:
            self._lingering[cookie] = mac

    def leaving(self) -> frozenset[int]:
        """Give the cookies of what is not wanted any more and may stand yet."""
        released = (case.cookie for case in self.standing() if case.state not in ENFORCED)
        return frozenset((*released, *self._lingering))

    def vanished(self, cookies: AbstractSet[int]) -> None:
        """Note that nothing stands with these cookies any more."""
        for cookie in self._lingering.keys() & cookies:
            del self._lingering[cookie]

    def knows(self, stranger: Isolation) -> bool:
        """Whether an isolation that nobody was asked for is one that is accounted for."""
        case = self.of(stranger.mac)
        mine = case is not None and case.state in STANDING and case.cookie == stranger.cookie
        return mine or self._lingering.get(stranger.cookie) == stranger.mac

    def had_ended(self, stranger: Isolation) -> bool:
        """Whether an isolation stands again whose end is remembered."""
        case = self.of(stranger.mac)
        lately = case is not None and case.state == "released" and case.cookie == stranger.cookie
        return lately or self._ended.get(stranger.cookie) == stranger.mac

    def put(self, case: Case, before: State | None, why: str) -> Case:
        """Take a step of a case, and tell it."""
        self.keep(case)
        self._outcomes.append(Transition(case, before, why))
        return case

    def keep(self, case: Case) -> None:
        """Take a case as it is now, without a word."""
        old = self._cases.get(case.number)
        self._index(case, old)
        if case.state == "over":
            self._cases.pop(case.number, None)
            if self._numbers.get(case.mac) == case.number:
                del self._numbers[case.mac]
            return
        self._cases[case.number] = case
        self._numbers[case.mac] = case.number
        if case.deadline is not None and (old is None or old.deadline != case.deadline):
            heappush(self._deadlines, (case.deadline, case.number))
            if len(self._deadlines) > 4 * len(self._cases) + 64:
                self._heap()

    def remember(self, case: Case) -> None:
        """Remember whose cookie it was, of a case that is over."""
        if case.cookie in COOKIES:
            self._ended[case.cookie] = case.mac

    def tell(self, outcome: Outcome) -> None:
        """Add something to what comes of this step."""
        self._outcomes.append(outcome)

    def insist(self) -> None:
        """Say what is wanted again, though it is the same: it was not done in its time."""
        self._insists = True

    def due(self, now: float) -> Iterator[Case]:
        """Give the cases whose deadline has come, the earliest first, each as it is then.

        Of those that hold nobody, however many there are, only some are given at a time.
        """
        held: list[tuple[float, int]] = []
        idle = 0
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, number = heappop(self._deadlines)
            case = self._cases.get(number)
            if case is None or case.deadline != deadline:
                continue
            idle += case.state in _IDLE
            if case.state in _IDLE and idle > IDLE_AT_ONCE:
                held.append((deadline, number))
            else:
                yield case
        for one in held:
            heappush(self._deadlines, one)

    def set_back(self, seconds: float) -> None:
        """Follow a clock that was set back: what was to come in an hour comes in an hour."""
        for case in list(self._cases.values()):
            self._cases[case.number] = replace(
                case,
                deadline=None if case.deadline is None else case.deadline - seconds,
                until=None if case.until is None else case.until - seconds,
            )
        self._heap()

    def desired(self) -> tuple[Isolation, ...]:
        """All that is to stand at the switches, by MAC."""
        return self._desired

    def watched(self) -> frozenset[str]:
        """The devices that are to be watched on."""
        if self._watched is None:
            self._watched = frozenset(self._watching)
        return self._watched

    def take(self) -> list[Outcome]:
        """Give what came of this step, and be ready for the next."""
        desired = self._wanted() if self._changed else self._desired
        touched = any((mac in self._watching) != before for mac, before in self._touched.items())
        if desired != self._desired or touched or self._insists:
            self._outcomes.append(Wanted())
        if touched:
            self._watched = None
        self._desired, self._changed, self._insists = desired, False, False
        self._touched.clear()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _wanted(self) -> tuple[Isolation, ...]:
        enforced = (case for case in self.standing() if case.state in ENFORCED)
        return tuple(sorted(map(isolation, enforced), key=lambda one: one.mac))

    def _index(self, case: Case, old: Case | None) -> None:
        stood = case.number in self._standing
        stands = case.state in STANDING
        if stands:
            self._standing.add(case.number)
        elif stood:
            self._standing.discard(case.number)
            if case.state == "over":  # it made way before anybody saw it gone
                self._lingering[case.cookie] = case.mac
        self._changed = self._changed or stood or stands
        watched = case.state == "observed" and case.action.kind == "watch"
        if watched or (old is not None and old.state == "observed"):
            self._touched.setdefault(case.mac, case.mac in self._watching)
            (self._watching.add if watched else self._watching.discard)(case.mac)

    def _heap(self) -> None:
        self._deadlines = _pairs(self._cases.values())
        heapify(self._deadlines)


def _pairs(cases: Iterable[Case]) -> list[tuple[float, int]]:
    return [(case.deadline, case.number) for case in cases if case.deadline is not None]

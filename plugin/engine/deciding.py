"""What follows from the operator's policy: the ledger, told what happens, as commands. Pure.

:mod:`plugin.policy` decides; what stands here tells it when to look at which device, and says what
comes of it: to the journal first (``AnnounceDecision``), then to the switches (``Enforce``).
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

from plugin.engine import commands as do
from plugin.policy import cases as told
from plugin.policy.evaluate import Evaluation, evaluate
from plugin.policy.explain import Besides, explain
from plugin.policy.guard import hindrance
from plugin.policy.ledger import Ledger
from plugin.policy.rules import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.actions import Place, Report
    from plugin.engine.alarms import Alarms
    from plugin.engine.commands import Command
    from plugin.engine.events import Restored
    from plugin.policy.cases import Case, Outcome, Told
    from plugin.policy.explain import Explained
    from plugin.policy.rules import Match, Policy
    from plugin.policy.subject import Subject, Surroundings

    Look = Callable[[str], tuple[Subject, Surroundings] | None]

PROTECTED = "protected"
WINDOWS = 3
"""Judged captures that are kept of a device where no rule asks for more: as many as usual."""
AGAIN_MOST = 3_600.0
"""Seconds after which a device is looked at again, at most."""
AT_ONCE = 20
"""Devices that are looked at anew in one tick, after a restart or with another policy."""


class Deciding:
    """The ledger and the policy that it goes by.

    Args:
        look: A device as it is now, and what is around it; None if there is none.
        mates: MACs of the devices that are at a place now.
        alarms: By which alarms are told once.
    """

    def __init__(self, look: Look, mates: Callable[[Place], Iterable[str]], alarms: Alarms) -> None:
        self._look, self._mates, self._alarms = look, mates, alarms
        self.policy = EMPTY
        self.refused: str | None = None
        """Why the policy's file is not used as it is now; None: it is."""
        self.windows = WINDOWS
        """How many judged captures of each device a rule looks back at."""
        self._bare = False
        """A rule applies to devices of which nothing has been seen."""
        self._ledger: Ledger | None = None
        self._due: OrderedDict[str, None] = OrderedDict()
        """Devices that are to be looked at when there is time."""
        self._again: OrderedDict[str, float] = OrderedDict()
        """Devices that are to be looked at then, in order of time."""

    def begin(self, restored: Restored, now: float) -> list[Command]:
        """Take up what an earlier run decided; says in any case what is to stand."""
        ledger = self._ledger = self._new(now if restored.began is None else restored.began)
        outcomes = ledger.restore(restored.cases, now, frozen=restored.frozen)
        commands = self._commands(outcomes, now)
        if not any(isinstance(one, do.Enforce) for one in commands):
            commands.append(self._enforce())
        return commands

    def use(self, policy: Policy, macs: Iterable[str], now: float) -> list[Command]:
        """Go by another policy; all devices are looked at by it, some at a time."""
        if policy == self.policy:
            return []
        self.policy = policy
        asked = (rule.match.windows.n for rule in policy.rules if rule.match.windows is not None)
        self.windows = max((WINDOWS, *asked))
        self._bare = any(_is_bare(rule.match) for rule in policy.rules)
        self.later(macs)
        return [] if self._ledger is None else self.tell(told.Replaced(policy), now)

    def later(self, macs: Iterable[str]) -> None:
        """Look at devices when there is time."""
        if self.policy.rules:
            self._due.update(dict.fromkeys(macs))

    def again(self, mac: str, time: float) -> None:
        """Look at a device at a time: each is as far from now as the last one was."""
        if self.policy.rules:
            self._again[mac] = time
            self._again.move_to_end(mac)

    def device(self, mac: str, now: float) -> list[Command]:
        """Look at a device: something about it has changed."""
        self._due.pop(mac, None)
        if not self.policy.rules and self.case(mac) is None:
            return []
        looked = self._look(mac)
        if looked is None:
            return []
        subject = looked[0]
        seen = subject.role is not None or subject.windows or subject.behaviours
        if not seen and not self._bare:
            found = Evaluation(subject, None, None)  # every rule asks for what was never seen
        else:
            found = evaluate(self.policy, subject, now)
        return self.tell(told.Evaluated(found), now)

    def moved(self, mac: str, now: float) -> list[Command]:
        """A device is somewhere else, or new."""
        ledger = self._ledger
        if ledger is None or (not ledger.desired() and ledger.case(mac) is None):
            return self.device(mac, now)  # there is nobody to follow, and no port to be taken in at
        return [*self.tell(told.Moved(mac), now), *self.device(mac, now)]

    def report(self, report: Report, now: float) -> list[Command]:
        """The shell has told how far what is wanted has come."""
        return self.tell(told.Reported(report), now)

    def elapsed(self, now: float) -> list[Command]:
        """Time has passed."""
        commands = self.tell(told.Elapsed(), now)
        # A time that is farther off than any was asked for is of a clock that was set back.
        while self._again and not now < next(iter(self._again.values())) <= now + AGAIN_MOST:
            self._due[self._again.popitem(last=False)[0]] = None
        for mac in list(islice(self._due, AT_ONCE)):
            commands += self.device(mac, now)
        return commands

    def tell(self, one: Told, now: float) -> list[Command]:
        """Tell the ledger.

        Raises:
            DeniedOrder: it is an order that cannot be carried out.
        """
        if self._ledger is None:
            self._ledger = self._new(now)
        before = self._ledger.frozen
        commands = self._commands(self._ledger.step(one, now), now)
        if self._ledger.frozen != before:  # it must outlive a restart
            actor = one.actor if isinstance(one, told.Thawed) else told.HALIA
            commands.insert(0, do.Record("caps", {"frozen": self._ledger.frozen}, actor))
        return commands

    def case(self, mac: str) -> Case | None:
        """What is decided about a device now; None: nothing is."""
        return None if self._ledger is None else self._ledger.case(mac)

    def cases(self) -> tuple[Case, ...]:
        """All that is decided and not over, by number."""
        return () if self._ledger is None else self._ledger.cases()

    def due(self) -> float | None:
        """When the next thing is decided though nothing happens; None: nothing is."""
        times = (one.deadline for one in self.cases())
        return min((time for time in times if time is not None), default=None)

    def holds(self, mac: str) -> bool:
        """Whether something stands, or is to stand, at the switches about a device."""
        case = self.case(mac)
        return case is not None and case.state in _STANDING

    def wanted(self) -> tuple[str, ...]:
        """MACs of the devices that are isolated, or being so."""
        return () if self._ledger is None else tuple(one.mac for one in self._ledger.desired())

    def keeps_watch(self) -> frozenset[str]:
        """MACs of devices that are isolated or watched by policy."""
        if self._ledger is None:
            return frozenset()
        return self._ledger.watched().union(self.wanted())

    def frozen(self) -> str | None:
        """Why no rule isolates anybody now: the caps were breached."""
        return None if self._ledger is None else self._ledger.frozen

    def learning_until(self) -> float | None:
        """Until when nothing is enforced; None: the first event is yet to come."""
        return None if self._ledger is None else self._ledger.learning_until

    def protected(self, mac: str) -> str | None:
        """Why nothing is ever done about a device by the policy; None: it might be."""
        if not self.policy.rules:
            return None
        looked = self._look(mac)
        found = None if looked is None else hindrance(self.policy, looked)
        return found.text if found is not None and found.kind == PROTECTED else None

    def explain(self, subject: Subject, now: float) -> Explained:
        """What each rule says of a device."""
        paused = None if self._ledger is None else self._ledger.paused(now)
        return explain(self.policy, subject, now, Besides(self.case(subject.mac), paused))

    def _new(self, began: float) -> Ledger:
        return Ledger(self.policy, began=began, look=self._look, mates=self._mates)

    def _commands(self, outcomes: Iterable[Outcome], now: float) -> list[Command]:
        commands: list[Command] = []
        changed = False
        for one in outcomes:
            match one:
                case told.Transition():
                    commands += [do.AnnounceDecision(one), do.Show(one.case.mac)]
                case told.Warned(kind, mac, text):
                    commands += self._alarms.tell(do.Alarm(kind, mac, text), now)
                case told.Wanted():
                    changed = True
        if changed:  # after all of them: what is enforced was said before
            commands.append(self._enforce())
        return commands

    def _enforce(self) -> do.Enforce:
        ledger = self._ledger
        if ledger is None:
            return do.Enforce((), frozenset())
        return do.Enforce(ledger.desired(), ledger.watched(), ledger.leaving())


_STANDING = frozenset({"pending", "isolating", "isolated", "releasing"})


def _is_bare(match: Match) -> bool:
    """Whether a rule asks for nothing that must have been seen of a device."""
    asked = (
        match.roles, match.decisions, match.min_confidence, match.anomalies, match.behaviours,
        match.novelty, match.change, match.windows, match.min_packets, match.min_sessions,
        match.min_captures,
    )  # fmt: skip
    return not any(one is not None and one != () for one in asked)

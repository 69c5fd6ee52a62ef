"""The ledger: who is isolated, why, until when, and what comes next. Pure: the time is an argument.

::

    simulated                                            what would have been; ends by itself
    observed                                             notify, watch; ends by itself
    delayed ─▶ pending ─▶ isolating ◀─▶ isolated ─▶ releasing ─▶ released ─▶ over

One case a device at a time. Each state has one deadline and one thing that happens at it:

=========== ============================ =========================================================
state       ends by itself               what ends it else
=========== ============================ =========================================================
simulated   after the rule's duration    an enforced rule that applies
observed    after the rule's duration    a harder rule that applies
delayed     after the rule's delay       -
pending     unanswered: as a no          somebody's answer
isolating   at ``until``                 a report that says: read back from every switch
isolated    at ``until``                 a report that does not say so any more; somebody's word
releasing   never: it is an alarm        a report that says: gone from every switch
released    after the grace              a harder rule that applies, and is not its own
=========== ============================ =========================================================

Of the clock: deadlines are points of time. A clock that is set back and forth again changes no end;
one that is ahead by some seconds ends things these seconds early while it is; one that leaps ahead
for good is taken for time that passed, as a machine that slept. One that is set back by more than
an hour takes all deadlines with it, so that nobody is isolated for longer than was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.policy import evaluate as rules
from plugin.policy import orders, reports, returning, suspicion
from plugin.policy import transitions as to
from plugin.policy.cases import (
    HALIA,
    NOBODY,
    Answered,
    Elapsed,
    Evaluated,
    Extended,
    Moved,
    Ordered,
    Released,
    Replaced,
    Reported,
    Thawed,
)
from plugin.policy.steps import Sight, Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.actions import Isolation, Place
    from plugin.policy.cases import Case, Outcome, Told
    from plugin.policy.evaluate import Evaluation
    from plugin.policy.guard import Looked
    from plugin.policy.rules import Policy
    from plugin.policy.subject import Subject

JUMP = 3_600.0
"""Seconds; a clock that goes back by more was set."""
_LEAVES = frozenset({"simulated", "observed", "delayed", "pending", None})


class Ledger:
    """All cases that are not over. :meth:`step` is the one way to change them.

    Args:
        policy: what the operator wrote.
        began: when this site first ran: its learning period runs from there.
        look: a device and its surroundings as they are now; None: it is not known.
        mates: MACs of the devices at a port.
        evaluate: what a policy says of a device.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        began: float,
        look: Callable[[str], Looked | None],
        mates: Callable[[Place], Iterable[str]],
        evaluate: Callable[[Policy, Subject, float], Evaluation] = rules.evaluate,
    ) -> None:
        self._steps = Steps(policy, began, Sight(look, mates, evaluate))
        self._enforcing = reports.Enforcing()
        self._latest: float | None = None
        self._told: dict[type, Callable[[Steps, Any, float], None]] = {
            Evaluated: suspicion.evaluated,
            Ordered: orders.ordered,
            Answered: orders.answered,
            Extended: orders.extended,
            Released: orders.released,
            Thawed: orders.thawed,
            Reported: self._enforcing.reported,
            Moved: _moved,
            Replaced: lambda steps, told, now: returning.replaced(steps, told.policy, now),
            Elapsed: _elapsed,
        }

    def step(self, told: Told, now: float) -> list[Outcome]:
        """Take what happened; gives what comes of it, in order.

        Args:
            told: what happened.
            now: seconds since 1970-01-01 UTC.

        Raises:
            DeniedOrder: of what a person wants, if it cannot be: nothing has changed then.
        """
        if self._latest is not None and now < self._latest - JUMP:
            self._steps.book.set_back(self._latest - now)
            self._steps.starts.set_back(self._latest - now)
            self._latest = now
        self._latest = now if self._latest is None else max(now, self._latest)
        self._told[type(told)](self._steps, told, now)
        return self._steps.book.take()

    def restore(
        self, cases: Iterable[Case], now: float, *, frozen: str | None = None
    ) -> list[Outcome]:
        """Go on where a former run ended: once, before the first step.

        Args:
            cases: each as it was last, those that are over too (for ladders and graces), as far
                back as rules remember.
            now: seconds since 1970-01-01 UTC.
            frozen: what stopped isolations by rules, if nobody has allowed them again.
        """
        self._steps.frozen = frozen
        returning.restore(self._steps, cases, now)
        return self._steps.book.take()

    @property
    def policy(self) -> Policy:
        """What the operator wrote."""
        return self._steps.policy

    @property
    def frozen(self) -> str | None:
        """Why no rule isolates anybody until somebody allows it; None: rules may."""
        return self._steps.frozen

    def paused(self, now: float) -> str | None:
        """Why no rule isolates anybody new now; None: they may."""
        paused = self._steps.paused(now)
        if paused is None and self.frozen is not None:
            return f"isolations by rules are frozen: {self.frozen}"
        return paused

    @property
    def learning_until(self) -> float:
        """Until when no rule isolates anybody because the site is new."""
        return self._steps.began + self._steps.policy.learning

    def desired(self) -> tuple[Isolation, ...]:
        """All that is to stand at the switches, by MAC."""
        return self._steps.book.desired()

    def watched(self) -> frozenset[str]:
        """MACs of the devices that are to be watched on."""
        return self._steps.book.watched()

    def leaving(self) -> frozenset[int]:
        """Cookies that are to be seen gone: a report must say of each when it is ``absent``.

        Whoever writes the file may never have heard of one: it was of an earlier run, or was
        released before anything was written.
        """
        return self._steps.book.leaving()

    def cases(self) -> tuple[Case, ...]:
        """All cases that are not over, by number."""
        return tuple(self._steps.book.all())

    def case(self, mac: str) -> Case | None:
        """The case of a device."""
        return self._steps.book.of(mac)


def _elapsed(steps: Steps, _: Elapsed, now: float) -> None:
    for case in steps.book.due(now):
        if case.state == "delayed":
            suspicion.due(steps, case, now)
        elif case.state == "pending":
            steps.deny(case, NOBODY, "nobody has answered: that is a no", now)
        elif case.state in {"isolating", "isolated", "releasing"}:
            reports.overdue(steps, case, now)
        else:
            steps.close(case, NOBODY, _ENDS[case.state], now)


_ENDS = {
    "simulated": "its time would be over",
    "observed": "its time is over",
    "released": "its grace is over",
}


def _moved(steps: Steps, told: Moved, now: float) -> None:
    """A device is somewhere else, or new: follow it, or take it into the isolation of its port."""
    looked = steps.sight.look(told.mac)
    if looked is None:
        return
    steps.heard(looked, now)
    live = steps.book.of(told.mac)
    parent = steps.parent(looked[0])
    if parent is None or (live.state if live else None) not in _LEAVES:
        return
    rule = parent.rule or "(found)"
    if steps.paused(now) is not None:
        return
    found = steps.doubted(looked) or steps.pretended(parent)
    if found is not None:
        steps.refuse(told.mac, rule, found)
        return
    if steps.capped(looked, now):
        return
    case = to.inherited(steps.book.number(), parent, looked[0], now)
    if live is not None:
        steps.close(live, HALIA, f"case {case.number} takes its place: {case.reason}", now)
    steps.isolate(case, case.actor, case.reason, now)

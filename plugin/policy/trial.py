"""What a policy would have done: its rules, as if all were enforced, over what was. Pure.

The real ledger decides. What it wants at the switches stands at once and is gone at once, and
whoever is asked says yes at once: nobody can know what they would have done. A breach of the caps
is thawed by nobody, so that it is seen whom it would have spared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from plugin.actions import ISOLATING, Report
from plugin.policy import cases as told
from plugin.policy.evaluate import evaluate
from plugin.policy.ledger import Ledger
from plugin.policy.safety import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.actions import Place
    from plugin.policy.cases import Case, Outcome, State, Told
    from plugin.policy.rules import Policy, Rule
    from plugin.policy.subject import Subject, Surroundings

STEPS_MAX = 1_000
"""Deadlines of one case in a row at most: a ledger that goes round in circles is ended."""
_STANDS: frozenset[State] = frozenset({"isolating", "isolated", "observed"})
_STOPS = frozenset({"protected", "spoofed", "refused"})
_ONLY = "only simulated: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that would have been done about a device, or would not, and why not."""

    mac: str
    name: str | None
    rule: str
    action: str
    began: float
    """Seconds since 1970-01-01 UTC."""
    seconds: float
    """How long; 0 of what was not done."""
    place: Place | None
    reason: str
    evidence: tuple[str, ...]
    asked: bool
    """Somebody would have been asked first."""
    isolates: bool
    """It takes something from the device."""
    stopped: str | None
    """Why it would not have been done: caps, protection, maintenance; None: it would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a policy on trial."""

    deeds: tuple[Deed, ...]
    """In order of time."""
    most: int
    """So many devices at a time would have been isolated."""
    frozen: tuple[float, str] | None
    """When the caps were first breached, and which one; None: they were not."""
    refused: tuple[str, ...]
    """Rules that may not be enforced as they stand, and why."""


class Trial:
    """A policy on trial.

    Args:
        policy: what the operator wrote.
        look: a device and what is around it as they are now; None: it is not known.
        mates: MACs of the devices at a port.
    """

    def __init__(
        self,
        policy: Policy,
        look: Callable[[str], tuple[Subject, Surroundings] | None],
        mates: Callable[[Place], Iterable[str]],
    ) -> None:
        self._asked = {rule.name for rule in policy.rules if rule.approve}
        self._refused = tuple(_refused(policy.rules))
        self._policy = in_earnest(policy)
        self._look = look
        self._ledger = Ledger(self._policy, began=0.0, look=look, mates=mates)
        self._standing: dict[int, Deed] = {}
        self._deeds: list[Deed] = []
        self._isolated: set[int] = set()
        self._most = 0
        self._due: float | None = None
        """When the next thing ends by itself."""
        self._frozen: tuple[float, str] | None = None

    def looked(self, mac: str, now: float) -> None:
        """Look at a device: something about it has changed."""
        self.until(now)
        looked = self._look(mac)
        if looked is not None:
            self._tell(told.Evaluated(evaluate(self._policy, looked[0], now)), now)

    def moved(self, mac: str, now: float) -> None:
        """A device is somewhere else, or new."""
        self.until(now)
        self._tell(told.Moved(mac), now)
        self.looked(mac, now)

    def until(self, now: float) -> None:
        """Let time pass: what ends by itself until then has ended."""
        for _ in range(STEPS_MAX * (1 + len(self._ledger.cases()))):
            due = self._due
            if due is None or due > now:
                return
            self._tell(told.Elapsed(), due)

    def end(self) -> Tried:
        """Let everything end by itself, and say what there was."""
        self.until(float("inf"))
        deeds = sorted((*self._deeds, *self._standing.values()), key=lambda one: one.began)
        return Tried(
            deeds=tuple(deeds), most=self._most, frozen=self._frozen, refused=self._refused
        )

    def _tell(self, one: Told, now: float) -> None:
        outcomes = self._ledger.step(one, now)
        while outcomes:
            for outcome in outcomes:
                self._note(outcome, now)
            wanted = any(isinstance(outcome, told.Wanted) for outcome in outcomes)
            outcomes = self._ledger.step(told.Reported(self._report()), now) if wanted else []
        times = (case.deadline for case in self._ledger.cases())
        self._due = min((time for time in times if time is not None), default=None)

    def _report(self) -> Report:
        """All that is wanted stands at every switch, and nothing else."""
        wanted = frozenset(one.cookie for one in self._ledger.desired())
        cookies = {case.cookie for case in self._ledger.cases() if case.cookie}
        return Report(
            wanted=wanted,
            written=wanted,
            loaded=wanted,
            proven=wanted,
            absent=frozenset(cookies - wanted),
            probing=True,
        )

    def _note(self, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, told.Transition):
            self._step(outcome.case, outcome.why, now)
        elif isinstance(outcome, told.Warned):
            self._warned(outcome, now)

    def _step(self, case: Case, why: str, now: float) -> None:
        number = case.number
        if case.state == "simulated":
            self._deeds.append(self._deed(case, now, why.removeprefix(_ONLY)))
        elif case.state in _STANDS:
            deed = self._standing.get(number)
            if deed is None:
                self._standing[number] = self._deed(case, now, None)
                if case.action.kind in ISOLATING:
                    self._isolated.add(number)
                    self._most = max(self._most, len(self._isolated))
        elif number in self._standing:
            deed = self._standing.pop(number)
            self._isolated.discard(number)
            self._deeds.append(replace(deed, seconds=now - deed.began))

    def _warned(self, warned: told.Warned, now: float) -> None:
        if warned.kind == "caps" and self._frozen is None:
            self._frozen = (now, warned.text)
        if warned.kind not in _STOPS or warned.mac is None:
            return
        looked = self._look(warned.mac)
        found = None if looked is None else evaluate(self._policy, looked[0], now).enforced
        if looked is None or found is None:
            return
        rule, subject = found.rule, looked[0]
        self._deeds.append(
            Deed(
                mac=subject.mac,
                name=subject.name,
                rule=rule.name,
                action=str(rule.action),
                began=now,
                seconds=0.0,
                place=subject.place,
                reason="; ".join(found.reasons),
                evidence=found.evidence,
                asked=rule.name in self._asked,
                isolates=rule.action.kind in ISOLATING,
                stopped=warned.text.removeprefix(f"rule {rule.name} is not applied: "),
            )
        )

    def _deed(self, case: Case, now: float, stopped: str | None) -> Deed:
        looked = self._look(case.mac)
        return Deed(
            mac=case.mac,
            name=None if looked is None else looked[0].name,
            rule=case.rule or "",
            action=str(case.action),
            began=now,
            seconds=0.0,
            place=case.place,
            reason=case.reason,
            evidence=case.evidence,
            asked=case.rule in self._asked,
            isolates=case.action.kind in ISOLATING,
            stopped=stopped,
        )


def in_earnest(policy: Policy) -> Policy:
    """Give a policy with all rules enforced, nobody asked, and nothing to learn first."""
    rules = tuple(replace(rule, mode="enforce", approve=False) for rule in policy.rules)
    return replace(policy, rules=rules, learning=0.0)


def _refused(rules: Iterable[Rule]) -> Iterable[str]:
    for rule in rules:
        for text in refusals(replace(rule, mode="enforce")):
            yield f"{rule.name}: {text}"

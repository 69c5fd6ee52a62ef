"""Holds what a ledger says against rules of its own: it shares no code with what it checks.

It sees each step from outside: the cases before it, what came of it, the cases after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugin.actions import COOKIES
from plugin.policy.cases import Case, Outcome, Transition, Wanted, Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.actions import Isolation
    from plugin.policy.ledger import Ledger
    from plugin.policy.rules import Policy
    from plugin.policy.subject import Subject, Surroundings

    Look = Callable[[str], tuple[Subject, Surroundings] | None]

HOUR = 3_600.0
ENFORCED = frozenset({"isolating", "isolated"})
STANDING = ENFORCED | {"releasing"}
BY_RULES = frozenset({"rule", "port"})


def shielded(policy: Policy, subject: Subject) -> bool:
    """Whether the policy protects a device, by the kinds that the tests' policies use."""
    protect, place = policy.protect, subject.place
    return subject.mac in protect.macs or (
        place is not None and (place.vid in protect.vlans or place[:2] in protect.ports)
    )


def untouchable(policy: Policy, looked: tuple[Subject, Surroundings] | None) -> bool:
    """Whether nobody, person or rule, may begin to isolate a device."""
    if looked is None:
        return True
    subject, around = looked
    crowd = around.macs_on_port >= policy.many_macs
    found = around.gateway or around.uplink or around.unhooked or subject.ignored
    return shielded(policy, subject) or subject.twice or crowd or bool(found)


@dataclass
class Before:
    """A ledger before a step."""

    cases: dict[int, Case]
    desired: tuple[Isolation, ...]
    watched: frozenset[str]
    frozen: str | None

    @classmethod
    def of(cls, ledger: Ledger) -> Before:
        cases = {case.number: case for case in ledger.cases()}
        return cls(cases, ledger.desired(), ledger.watched(), ledger.frozen)


@dataclass
class Referee:
    """Knows what has been, as far as rules are about it."""

    look: Look
    began: float
    hard_cap: int
    starts: list[tuple[float, int]] = field(default_factory=list)
    """When rules began isolations, and in which case."""
    owners: dict[int, str] = field(default_factory=dict)
    """Device by number of the case."""
    journal: dict[int, Case] = field(default_factory=dict)

    def follow(
        self, ledger: Ledger, before: Before, outcomes: Iterable[Outcome], now: float
    ) -> None:
        """Check one step."""
        standing = {n: case for n, case in before.cases.items() if case.state in STANDING}
        states = {n: case.state for n, case in before.cases.items()}
        frozen = before.frozen is not None and ledger.frozen is not None
        wanted = False
        for one in outcomes:
            if isinstance(one, Warned):
                frozen = frozen or one.kind == "caps"
            elif isinstance(one, Wanted):
                wanted = True
            elif isinstance(one, Transition):
                case = one.case
                assert states.get(case.number) == one.before, "the step before it was not told"
                if case.state in ENFORCED and one.before not in ENFORCED:
                    self._begins(ledger.policy, case, standing.values(), now, frozen=frozen)
                states[case.number] = case.state
                standing.pop(case.number, None)
                if case.state in STANDING:
                    standing[case.number] = case
                assert self.owners.setdefault(case.number, case.mac) == case.mac
                self.journal[case.number] = case
        changed = (ledger.desired(), ledger.watched()) != (before.desired, before.watched)
        assert wanted or not changed, "what is wanted has changed, and nobody was told"
        self._agree(ledger, now)

    def _begins(
        self,
        policy: Policy,
        case: Case,
        standing: Iterable[Case],
        now: float,
        *,
        frozen: bool,
    ) -> None:
        """An isolation begins: it was allowed to."""
        looked = self.look(case.mac)
        if case.origin == "found":
            assert looked is None or not shielded(policy, looked[0]), "found, and protected"
            return
        assert not untouchable(policy, looked), f"{case.mac} must not be isolated"
        if case.origin == "operator":
            return
        assert case.origin in BY_RULES
        assert not frozen, "isolated while frozen"
        assert case.evidence, "isolated without evidence"
        assert now >= self.began + policy.learning, "isolated while learning"
        assert looked is not None
        others = [one for one in standing if one.mac != case.mac and one.origin != "operator"]
        caps, known = policy.caps, looked[1].devices
        assert len(others) + 1 <= caps.devices, "more than caps.devices"
        assert len(others) + 1 <= max(1, known * caps.percent / 100), "more than caps.percent"
        there = [one for one in others if (one.place or "")[:1] == (case.place or "")[:1]]
        assert len(there) + 1 <= caps.per_switch, "more than caps.per_switch"
        self.starts = [one for one in self.starts if one[0] > now - HOUR]
        assert len(self.starts) + 1 <= caps.per_hour, "more than caps.per_hour"
        self.starts.append((now, case.number))

    def _agree(self, ledger: Ledger, now: float) -> None:
        """What can be said of any ledger at any time."""
        cases, desired = ledger.cases(), ledger.desired()
        macs = [case.mac for case in cases]
        assert len(set(macs)) == len(macs), "two cases of a device"
        numbers = [case.number for case in cases]
        assert numbers == sorted(set(numbers))
        cookies = [case.cookie for case in cases if case.state in STANDING]
        assert len(set(cookies)) == len(cookies), "two cases with a cookie"
        assert set(cookies) <= set(COOKIES)
        assert len(desired) <= self.hard_cap, "more than the hook takes"
        enforced = sorted((case.mac, case.cookie) for case in cases if case.state in ENFORCED)
        assert [(one.mac, one.cookie) for one in desired] == enforced
        states = {case.number: case.state for case in cases}
        for case in cases:
            if case.state in ENFORCED and case.parent is not None:
                assert states.get(case.parent) in ENFORCED, "it depends on what has ended"
            self._bounded(case, now)
            assert self.journal[case.number].state == case.state, "a step is not in the journal"
            looked = self.look(case.mac)
            if case.state in ENFORCED and looked is not None:
                assert not shielded(ledger.policy, looked[0]), f"{case.mac} is protected"

    @staticmethod
    def _bounded(case: Case, now: float) -> None:
        """Every state has an end."""
        endless = case.origin == "operator" and not case.duration
        if case.state in ENFORCED and not endless:
            assert case.until is not None, "an isolation without an end"
            assert case.until <= now + case.duration, "it lasts longer than it was to"
        if case.state != "isolated" or not endless:
            assert case.deadline is not None, "a state without an end"
        if case.state == "isolated":
            assert case.deadline == case.until

    def nothing_is_overdue(self, ledger: Ledger, now: float) -> None:
        """Time has been told."""
        for case in ledger.cases():
            assert case.deadline is None or case.deadline > now, f"{case.state} and overdue"

    def survives(self, before: Before, ledger: Ledger, now: float) -> None:
        """After a restart nobody is forgotten, and nobody held for longer."""
        after = {case.number: case for case in ledger.cases()}
        for number, old in before.cases.items():
            if old.state not in STANDING:
                continue
            new = after.get(number)
            assert new is not None, f"case {number} is forgotten"
            assert new.cookie == old.cookie
            looked = self.look(old.mac)
            ended = old.until is not None and old.until <= now
            ended = ended or (looked is not None and shielded(ledger.policy, looked[0]))
            parent = None if old.parent is None else after.get(old.parent)
            orphan = old.parent is not None and (parent is None or parent.state not in ENFORCED)
            if old.state == "releasing" or ended or orphan:
                assert new.state == "releasing"
            else:
                assert (new.state, new.until) == ("isolating", old.until)
        known = {one.mac for one in before.desired}
        assert {one.mac for one in ledger.desired()} <= known, "isolated by a restart"
        self.starts = [s for s in self.starts if self.journal[s[1]].origin in BY_RULES]

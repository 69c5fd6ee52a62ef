"""A site as a ledger sees it: devices that can be moved, verdicts, reports of perfect switches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugin.actions import Action, Place, Report
from plugin.policy.cases import (
    Answered,
    DeniedOrder,
    Elapsed,
    Evaluated,
    Moved,
    Ordered,
    Released,
    Replaced,
    Reported,
    Told,
    Transition,
    Wanted,
    Warned,
)
from plugin.policy.evaluate import Chosen, Evaluation
from plugin.policy.ledger import Ledger
from plugin.policy.remembered import from_document, to_document
from plugin.policy.rules import Match, Policy, Rule
from plugin.policy.subject import Subject, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.policy.cases import Case, Outcome

START = 1_000_000.0
BLOCK, LIMIT = Action(kind="block"), Action(kind="limit", rate=512)
QUARANTINE, WATCH = Action(kind="quarantine"), Action(kind="watch")


def mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def rule(name: str = "bad", action: Action = BLOCK, **fields: Any) -> Rule:
    given = {"place": "p.yaml:1:1", "match": Match(behaviours=(name,)), "mode": "enforce"}
    return Rule(name=name, action=action, **{**given, **fields})


def policy(*rules: Rule, **fields: Any) -> Policy:
    """A policy of a site that has learned already."""
    return Policy(rules=rules or (rule(),), **{"learning": 0.0, "digest": "d1", **fields})


class Site:
    """A ledger and its world; device ``n`` is at port ``n`` of ``sw1``."""

    def __init__(self, policy: Policy, *, devices: int = 400, began: float = START) -> None:
        self.now = START
        self.began = began
        self.devices: dict[str, Subject] = {}
        self.around: dict[str, dict[str, Any]] = {}
        self.known = devices
        self.does: dict[str, tuple[str, ...]] = {}
        """Behaviours by MAC: a rule applies to a device that shows the behaviour of its name."""
        self.journal: dict[int, Case] = {}
        self.outcomes: list[Outcome] = []
        self.ledger = self.new(policy)

    def new(self, policy: Policy) -> Ledger:
        return Ledger(
            policy, began=self.began, look=self.look, mates=self.mates, evaluate=self.evaluate
        )

    def add(self, number: int, port: int | None = None, dp: str = "sw1", **fields: Any) -> str:
        one = mac(number)
        place = Place(dp, number if port is None else port, 100)
        self.devices[one] = Subject(mac=one, place=place, **fields)
        return one

    def change(self, mac: str, **fields: Any) -> None:
        self.devices[mac] = replace(self.devices[mac], **fields)

    def look(self, mac: str) -> tuple[Subject, Surroundings] | None:
        subject = self.devices.get(mac)
        if subject is None:
            return None
        usual = Surroundings(self.known, 1, None, None, None)
        return subject, usual._replace(**self.around.get(mac, {}))

    def mates(self, place: Place) -> Iterable[str]:
        found = self.devices.values()
        return [one.mac for one in found if one.place and one.place[:2] == place[:2]]

    def evaluate(self, policy: Policy, subject: Subject, now: float) -> Evaluation:
        del now
        shown = self.does.get(subject.mac, ())
        chosen = [
            Chosen(rule, (f"shows {rule.name}",), (f"e-{subject.mac}",))
            for rule in policy.rules
            if rule.name in shown
        ]
        enforced = next((one for one in chosen if one.rule.mode == "enforce"), None)
        simulated = next((one for one in chosen if one.rule.mode == "simulate"), None)
        return Evaluation(subject, enforced, simulated)

    # What happens

    def tell(self, told: Told, after: float = 0.0) -> list[Outcome]:
        self.now += after
        self.outcomes = self.ledger.step(told, self.now)
        for one in self.transitions():
            self.journal[one.case.number] = one.case
        return self.outcomes

    def judge(self, mac: str, *shows: str, after: float = 0.0) -> list[Outcome]:
        self.does[mac] = shows
        self.now += after
        subject = self.devices[mac]
        return self.tell(Evaluated(self.evaluate(self.ledger.policy, subject, self.now)))

    def offend(self, number: int, name: str = "bad", **fields: Any) -> Case:
        """A new device is judged and isolated."""
        self.judge(self.add(number, **fields), name)
        return self.case(number)

    def order(self, mac: str, action: Action = BLOCK, seconds: float | None = 600.0) -> None:
        self.tell(Ordered(mac, action, seconds, "ann", "because"))

    def release(self, mac: str | None) -> None:
        self.tell(Released(mac, "ann", "it is clean"))

    def answer(self, number: int, *, yes: bool = True) -> None:
        self.tell(Answered(self.case(number).number, yes, "ann", "seen it"))

    def replace(self, policy: Policy) -> None:
        self.tell(Replaced(policy))

    def wait(self, seconds: float) -> list[Outcome]:
        return self.tell(Elapsed(), after=seconds)

    def move(self, mac: str, port: int, dp: str = "sw1") -> list[Outcome]:
        self.change(mac, place=Place(dp, port, 100))
        return self.tell(Moved(mac))

    def report(self, **fields: Any) -> list[Outcome]:
        """Switches that do at once what is wanted; some of it said otherwise."""
        wanted = frozenset(one.cookie for one in self.ledger.desired())
        known = {case.cookie for case in self.journal.values() if case.cookie}
        usual: dict[str, Any] = dict.fromkeys(("wanted", "written", "loaded", "proven"), wanted)
        usual |= {"absent": frozenset(known) - wanted, "probing": True}
        return self.tell(Reported(Report(**{**usual, **fields})))

    def restart(self, policy: Policy | None = None, after: float = 0.0) -> list[Outcome]:
        """Through the journal, as JSON."""
        frozen = self.ledger.frozen
        self.ledger = self.new(self.ledger.policy if policy is None else policy)
        lines = [json.dumps(to_document(case)) for case in self.journal.values()]
        self.now += after
        cases = [from_document(json.loads(line)) for line in lines]
        self.outcomes = self.ledger.restore(cases, self.now, frozen=frozen)
        for one in self.transitions():
            self.journal[one.case.number] = one.case
        return self.outcomes

    # What came of it

    def case(self, number: int) -> Case:
        case = self.ledger.case(mac(number))
        assert case is not None
        return case

    def state(self, number: int) -> str | None:
        case = self.ledger.case(mac(number))
        return None if case is None else case.state

    def transitions(self) -> list[Transition]:
        return [one for one in self.outcomes if isinstance(one, Transition)]

    def warned(self) -> list[str]:
        return [one.kind for one in self.outcomes if isinstance(one, Warned)]

    def texts(self) -> str:
        return "\n".join(one.text for one in self.outcomes if isinstance(one, Warned))

    def wanted(self) -> bool:
        return any(isinstance(one, Wanted) for one in self.outcomes)

    def isolated(self) -> set[str]:
        return {one.mac for one in self.ledger.desired()}

    def denied(self, told: Told) -> str:
        """An order that is not carried out; what is said."""
        before = self.ledger.cases(), self.ledger.desired(), self.ledger.frozen
        try:
            self.tell(told)
        except DeniedOrder as error:
            assert (self.ledger.cases(), self.ledger.desired(), self.ledger.frozen) == before
            return str(error)
        raise AssertionError("it was carried out")

"""Over any history: caps hold, the protected stay untouched, all ends, nobody is forgotten.

The real ledger is told real verdicts, orders and reports; what it wants is rendered by the real
renderer into a file, and what stands in the file is read back. A referee who shares no code with
the ledger looks on.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from plugin.actions import Action, Isolation, Place, Report, parse_action
from plugin.faucet.isolate import Laid, lay
from plugin.faucet.isolate import read as read_file
from plugin.policy import cases
from plugin.policy.cases import Case, DeniedOrder, Outcome, Told, Transition, Warned
from plugin.policy.evaluate import evaluate
from plugin.policy.ledger import Ledger
from plugin.policy.remembered import from_document, to_document
from plugin.policy.rules import Policy
from plugin.policy.subject import Seen, Subject, Surroundings, Window
from tests.bounds import BEHAVIOURS, MACS, POLICIES
from tests.grounds import OPERATOR, site
from tests.referee import ENFORCED, STANDING, Before, Referee

EXAMPLES = int(os.environ.get("HALIA_TEST_EXAMPLES", "100"))
HARD_CAP = 5
"""In place of 200: the same rule, and a history can reach it."""
START = 1_750_000_000.0
GATEWAY = MACS[11]
SITE = site(second=True, port=OPERATOR)
PLACES = (
    *(Place("sw1", port, 200 if port == 3 else 100) for port in (1, 2, 2, 3, 10, 11)),
    Place("sw1", 24, 100),  # an uplink
    Place("sw1", 12, 100),  # without a hook
    Place("sw2", 1, 100),
)
ACTIONS: tuple[Action, ...] = tuple(
    parse_action(text) for text in ("block", "limit:2M", "quarantine", "revlan:cellar", "watch")
)
read = lru_cache(maxsize=64)(read_file)
"""Parsing is what takes the time."""
MAC = st.sampled_from(MACS)
POLICY = st.integers(0, len(POLICIES) - 1)
SPAN = st.sampled_from((1.0, 11.0, 130.0, 700.0, 3_700.0, 90_000.0))
DAY = 86_400.0


class Network(RuleBasedStateMachine):
    """A site, the ledger of a run, the file and the switches."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.subjects: dict[str, Subject] = {}
        self.referee = Referee(self.look, START, HARD_CAP)
        self.ledger = self._new(POLICIES[0])
        self.written = self.loaded = self.switched = SITE.include()
        self.laid = Laid(stages=lay((), SITE.ground).stages)
        self.wished: tuple[Isolation, ...] = ()
        self.known: set[int] = set()
        """Cookies whose absence the writer of the file tells."""
        self.proven: frozenset[int] = frozenset()
        self.leaving: frozenset[int] = frozenset()

    @initialize(first=st.integers(0, 4), places=st.permutations(PLACES))
    def begin(self, first: int, places: list[Place]) -> None:
        for number, mac in enumerate(MACS):
            place = places[number % len(places)]
            address = f"10.0.0.{number + 1}"
            self.subjects[mac] = Subject(mac=mac, place=place, addresses=(address,))
        self.referee.journal.clear()
        self.ledger = self._new(POLICIES[first])

    def teardown(self) -> None:
        """Left alone, everything ends but what a person said was to have no end."""
        if not self.subjects:
            return
        for _ in range(4):  # what waits may begin, and then end, and be seen gone
            self.wait(3 * DAY)
            self.write("switched")
            self.report(probing=True)
        for case in self.ledger.cases():
            endless = case.origin == "operator" and not case.duration
            assert endless, f"{case.number} is {case.state} without an end"
            assert case.state in ENFORCED

    # What the ledger sees

    def _new(self, policy: Policy) -> Ledger:
        return Ledger(policy, began=START, look=self.look, mates=self.mates)

    def look(self, mac: str) -> tuple[Subject, Surroundings] | None:
        subject = self.subjects.get(mac)
        if subject is None or subject.place is None:
            return None
        port = SITE.ground.ports.get((subject.place.dp, subject.place.port))
        return subject, Surroundings(
            devices=len(self.subjects) + 90,
            macs_on_port=len(self.mates(subject.place)),
            uplink="tagged" if subject.place.port == 24 else None,
            gateway="it routes" if mac == GATEWAY else None,
            unhooked=None if port is not None and port.hooked else "no hook there",
        )

    def mates(self, place: Place) -> list[str]:
        found = self.subjects.values()
        return [one.mac for one in found if one.place is not None and one.place[:2] == place[:2]]

    # What happens

    def tell(self, told: Told) -> list[Outcome]:
        before = Before.of(self.ledger)
        try:
            outcomes = self.ledger.step(told, self.now)
        except DeniedOrder:
            assert Before.of(self.ledger) == before, "a denied order has changed something"
            return []
        self.referee.follow(self.ledger, before, outcomes, self.now)
        return outcomes

    @rule(
        mac=MAC,
        shown=st.sets(st.sampled_from(BEHAVIOURS), min_size=1, max_size=2),
        windows=st.lists(st.sampled_from(("changed", "undetermined", "normal")), max_size=3),
        named=st.sampled_from((True, True, True, False)),
    )
    def judge(self, mac: str, shown: set[str], windows: list[str], named: bool) -> None:
        subject = self.subjects[mac]
        self.subjects[mac] = replace(
            subject,
            behaviours=tuple(
                Seen(b, 2.0, 1.0, (), self.now, b if named else "") for b in sorted(shown)
            ),
            windows=tuple(
                Window(
                    f"{n}.pcap", f"v{n}", self.now, 99, 9, "known", "Printer", 0.9, one, None,
                    None, (),
                )
                for n, one in enumerate(windows)
            ),
        )  # fmt: skip
        self._look_at(mac)

    @rule(
        macs=st.lists(MAC, min_size=3, max_size=8, unique=True),
        shown=st.sampled_from(BEHAVIOURS[:4]),
        yes=st.booleans(),
    )
    def riot(self, macs: list[str], shown: str, yes: bool) -> None:
        """Verdicts name half the network, and somebody says yes to all that is asked."""
        for mac in macs:
            self.judge(mac, {shown}, [], named=True)
        for case in self._some("pending") if yes else ():
            self.tell(cases.Answered(case.number, True, "ann", "seen"))

    def _look_at(self, mac: str) -> None:
        found = evaluate(self.ledger.policy, self.subjects[mac], self.now)
        self.tell(cases.Evaluated(found))

    @rule(mac=MAC)
    def calm(self, mac: str) -> None:
        self.subjects[mac] = replace(self.subjects[mac], behaviours=(), windows=())
        self._look_at(mac)

    @rule(mac=MAC, place=st.sampled_from(PLACES))
    def move(self, mac: str, place: Place) -> None:
        self.subjects[mac] = replace(self.subjects[mac], place=place)
        self.tell(cases.Moved(mac))
        self._look_at(mac)

    @rule(macs=st.lists(MAC, min_size=4, max_size=8, unique=True))
    def hop(self, macs: list[str]) -> None:
        """New addresses come up at a port that is isolated as a whole."""
        first, *others = macs
        self.judge(first, {"brute-force"}, [], named=True)
        place = self.subjects[first].place
        for mac in others if place is not None else ():
            self.calm(mac)
            self.move(mac, place)

    @rule(macs=st.sets(MAC, min_size=1, max_size=4), twice=st.booleans())
    def pretend(self, macs: set[str], twice: bool) -> None:
        for mac in sorted(macs):
            self.subjects[mac] = replace(self.subjects[mac], twice=twice)

    @rule(seconds=SPAN)
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.tell(cases.Elapsed())
        self.referee.nothing_is_overdue(self.ledger, self.now)

    @rule(mac=MAC, action=st.sampled_from(ACTIONS), seconds=st.none() | SPAN)
    def order(self, mac: str, action: Action, seconds: float | None) -> None:
        self.tell(cases.Ordered(mac, action, seconds, "ann", "because"))

    @rule(macs=st.lists(MAC, min_size=6, max_size=9, unique=True))
    def order_many(self, macs: list[str]) -> None:
        for mac in macs:
            self.order(mac, ACTIONS[0], 90_000.0)

    def _some(self, *states: str) -> list[Case]:
        return [case for case in self.ledger.cases() if case.state in states]

    @precondition(lambda self: self._some("pending"))
    @rule(which=st.integers(0, 9), yes=st.booleans())
    def answer(self, which: int, yes: bool) -> None:
        found = self._some("pending")
        for case in found if which > 5 else [found[which % len(found)]]:
            self.tell(cases.Answered(case.number, yes, "ann", "seen"))

    @precondition(lambda self: self._some(*ENFORCED))
    @rule(which=st.integers(0, 9), seconds=SPAN)
    def extend(self, which: int, seconds: float) -> None:
        found = self._some(*ENFORCED)
        self.tell(cases.Extended(found[which % len(found)].number, seconds, "ann", "not yet"))

    @precondition(lambda self: self.ledger.cases())
    @rule(which=st.integers(0, 19))
    def release(self, which: int) -> None:
        found = self.ledger.cases()
        mac = None if which == 19 else found[which % len(found)].mac
        self.tell(cases.Released(mac, "ann", "clean"))
        if mac is None:
            assert self.ledger.desired() == ()

    @precondition(lambda self: self.ledger.frozen is not None)
    @rule()
    def thaw(self) -> None:
        self.referee.starts.clear()
        self.tell(cases.Thawed("ann", "seen"))
        assert self.ledger.frozen is None

    @rule(which=POLICY)
    def replace(self, which: int) -> None:
        ends = {case.number: case.until for case in self._some(*ENFORCED)}
        self.tell(cases.Replaced(POLICIES[which]))
        for case in self._some(*ENFORCED):
            assert case.until == ends[case.number], "a policy has changed an end"
        for mac in MACS:
            self._look_at(mac)

    # The file and the switches

    @rule(
        how=st.sampled_from(("written", "loaded", "switched", "switched", "switched")),
        told=st.booleans(),
    )
    def write(self, how: str, told: bool = False) -> None:
        self.wished = self.ledger.desired()
        self.known |= {one.cookie for one in self.wished} | self.ledger.leaving()
        self.laid = lay(self.wished, SITE.ground)
        self.written = SITE.stages(self.laid.stages)
        self.loaded = self.loaded if how == "written" else self.written
        self.switched = self.written if how == "switched" else self.switched
        self._file_is_as_wanted()
        if told:
            self.report(probing=True)

    def _file_is_as_wanted(self) -> None:
        found = read(self.written)
        moved = {cookie for one in self.laid.revlans for cookie, _ in one.holders}
        written = {
            (one.mac, one.cookie, one.action.kind)
            for one in self.wished
            if one.cookie not in self.laid.refused and one.cookie not in moved
        }
        assert {(one.mac, one.cookie, one.action.kind) for one in found} == written
        assert len(found) <= HARD_CAP
        for one in found:
            case = self.ledger.case(one.mac)
            assert case is not None, "nobody knows why it stands"
            assert case.until is not None or case.origin == "operator"

    @rule(
        mac=MAC,
        cookie=st.integers(1, 12),
        action=st.sampled_from(ACTIONS[:3]),
        told=st.sampled_from((True, True, False)),
    )
    def smuggle(self, mac: str, cookie: int, action: Action, told: bool) -> None:
        """An isolation stands in the file that nobody has asked for."""
        stranger = Isolation(cookie=cookie, mac=mac, action=action)
        others = [one for one in self.wished if one.cookie != cookie and one.mac != mac]
        self.written = SITE.include(*others, stranger)
        self.loaded = self.switched = self.written
        if told:
            self.report(probing=True)

    @rule(probing=st.sampled_from((True, True, True, False)))
    def report(self, probing: bool) -> None:
        wanted = {one.cookie: one.mac for one in self.wished}
        moved = {cookie for one in self.laid.revlans for cookie, _ in one.holders}

        def stand(text: str) -> frozenset[int]:
            found = {one.cookie for one in read(text) if wanted.get(one.cookie) == one.mac}
            return frozenset(found | moved)

        files = (
            (self.written, self.loaded, self.switched) if probing else (self.written, self.loaded)
        )
        anywhere = {one.cookie for text in files for one in read(text)} | moved
        written, loaded, proven = map(stand, (self.written, self.loaded, self.switched))
        strangers = tuple(one for one in read(self.written) if wanted.get(one.cookie) != one.mac)
        self.known |= {one.cookie for one in strangers}
        self.proven = proven & loaded & written if probing else frozenset()
        self.leaving = self.ledger.leaving()
        outcomes = self.tell(cases.Reported(Report(
            wanted=frozenset(wanted), written=written, loaded=loaded & written, proven=self.proven,
            absent=frozenset(self.known - wanted.keys() - anywhere), probing=probing,
            refused=self.laid.refused, left_out=self.laid.left_out, strangers=strangers,
        )))  # fmt: skip
        self._told_of(strangers, outcomes)
        for one in outcomes:
            if isinstance(one, Transition) and one.case.state == "released":
                assert one.case.cookie not in anywhere, "called released, and it stands"

    def _told_of(self, strangers: tuple[Isolation, ...], outcomes: list[Outcome]) -> None:
        told = {one.mac for one in outcomes if isinstance(one, Warned)}
        for one in strangers:
            case = self.ledger.case(one.mac)
            before = one.cookie in self.leaving  # it was told then, and is awaited
            assert one.mac in told or before or (case is not None and case.state in STANDING)

    @rule(seconds=SPAN, which=st.none() | POLICY)
    def restart(self, seconds: float, which: int | None) -> None:
        before = Before.of(self.ledger)
        lines = [json.dumps(to_document(case)) for case in self.referee.journal.values()]
        self.now += seconds
        self.ledger = self._new(self.ledger.policy if which is None else POLICIES[which])
        back = [from_document(json.loads(line)) for line in lines]
        outcomes = self.ledger.restore(back, self.now, frozen=before.frozen)
        for one in outcomes:
            if isinstance(one, Transition):
                self.referee.journal[one.case.number] = one.case
        self.referee.survives(before, self.ledger, self.now)
        assert self.ledger.frozen == before.frozen
        self.wished, self.proven = (), frozenset()
        self.known.clear()
        self.write("written")
        self.wait(0.0)

    @invariant()
    def isolated_means_read_back(self) -> None:
        for case in self._some("isolated"):
            assert case.cookie in self.proven, "called isolated, and never read back"


def test_over_any_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.policy.caps.HARD_CAP", HARD_CAP)
    run_state_machine_as_test(
        Network,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            derandomize="HALIA_TEST_EXAMPLES" not in os.environ,  # who asks for more wants others
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

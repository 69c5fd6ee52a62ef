from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.actions import Isolation, Place
from plugin.policy import transitions as to
from plugin.policy.cases import Ordered
from plugin.policy.evaluate import Chosen
from plugin.policy.rules import DURATION, Policy, Step
from plugin.policy.subject import RoleSeen, Subject
from tests.ledgers import BLOCK, LIMIT, START, mac, rule

PLACE = Place("sw1", 1, 100)
SUBJECT = Subject(
    mac=mac(1), place=PLACE, addresses=("10.0.0.1",), role=RoleSeen("known", "Printer", 0.9, "m1")
)
CLIMBS = rule(duration=60.0, escalate=(Step(LIMIT, 90.0),), grace=5.0, reason="call us")
CASE = to.suspected(
    1, Chosen(CLIMBS, ("it scans",), ("e1",)), SUBJECT, Policy(digest="d"), 0, START
)
STANDS = to.isolating(CASE, 7, START, "bad")


def test_a_suspicion_says_all_that_is_known() -> None:
    assert CASE.reason == "call us (it scans)"
    assert (CASE.evidence, CASE.models, CASE.policy) == (("e1",), ("m1",), "d")
    assert (CASE.state, CASE.deadline, CASE.until, CASE.cookie) == (
        "simulated", START + 60, None, 0,
    )  # fmt: skip
    second = to.suspected(2, Chosen(CLIMBS, (), ()), SUBJECT, Policy(), 1, START)
    assert (second.action, second.duration, second.reason) == (LIMIT, 90.0, "call us")
    silent = to.suspected(2, Chosen(rule(), (), ()), SUBJECT, Policy(), 0, START)
    assert silent.reason == "rule bad applies"


def test_an_isolation_ends_from_the_moment_it_is_wanted() -> None:
    assert (STANDS.until, STANDS.deadline, STANDS.proof) == (START + 60, START + 10, "none")
    proven = to.isolated(STANDS, START + 5)
    assert (proven.until, proven.deadline) == (START + 60, START + 60)
    short = to.isolating(replace(CASE, duration=3.0), 7, START, "bad")
    assert short.deadline == START + 3


def test_only_a_person_isolates_without_an_end() -> None:
    told = Ordered(mac(1), BLOCK, None, "ann", "r")
    his = to.isolating(to.ordered(1, told, SUBJECT, "d", START), 7, START, "ann")
    assert (his.until, his.deadline) == (None, START + 10)
    assert to.isolated(his, START).deadline is None
    assert to.isolating(replace(CASE, duration=0.0), 7, START, "bad").until == START


def test_what_is_found_lasts_as_long_as_usual() -> None:
    stranger = Isolation(cookie=9, mac=mac(3), action=BLOCK)
    case = to.isolating(to.found(4, stranger, "d", START), 9, START, "halia")
    assert (case.origin, case.until, case.rule) == ("found", START + DURATION, None)


def test_who_inherits_goes_free_with_whom_it_inherited_from() -> None:
    parent = replace(STANDS, scope="port", step=1, notes=("n",))
    child = to.isolating(
        to.inherited(2, parent, replace(SUBJECT, mac=mac(2)), START + 20), 8, START + 20, "bad"
    )
    assert (child.until, child.parent, child.origin, child.scope) == (
        STANDS.until, 1, "port", "device",
    )  # fmt: skip
    assert (child.mac, child.step, child.notes, child.opened) == (mac(2), 0, (), START + 20)
    endless = replace(parent, until=None)
    assert to.inherited(2, endless, SUBJECT, START).duration == DURATION
    late = to.inherited(2, parent, SUBJECT, START + 500)
    assert late.duration == 0.0


def test_reminders_never_reach_beyond_the_end() -> None:
    assert to.reminded(STANDS, START).deadline == START + 60
    assert to.reminded(replace(STANDS, until=None), START).deadline == START + to.REMIND_SECONDS
    gone = to.releasing(STANDS, START, "ann")
    assert gone.deadline == START + to.PROOF_SECONDS
    assert to.reminded(gone, START + 90).deadline == START + 90 + to.REMIND_SECONDS
    assert to.unproven(STANDS, START + 55).deadline == START + 60


def test_another_end_counts_from_now() -> None:
    waiting = to.prolonged(STANDS, 500.0, START + 5, "ann")
    assert (waiting.until, waiting.deadline) == (START + 505, START + 10)
    proven = to.prolonged(to.isolated(STANDS, START), 500.0, START + 5, "ann")
    assert (proven.until, proven.deadline, proven.duration) == (START + 505, START + 505, 500.0)


def test_what_is_taken_over_is_a_persons_own() -> None:
    child = replace(to.isolated(STANDS, START), parent=5, origin="port")
    told = Ordered(mac(1), BLOCK, 900.0, "ann", "mine")
    mine = to.taken_over(child, told, START + 1)
    assert (mine.origin, mine.rule, mine.parent, mine.reason) == ("operator", None, None, "mine")
    assert (mine.until, mine.deadline, mine.state) == (START + 901, START + 901, "isolated")
    endless = to.taken_over(STANDS, told._replace(seconds=None), START + 1)
    assert (endless.until, endless.deadline) == (None, START + 11)


def test_a_device_is_followed_and_its_addresses_keep_their_order() -> None:
    case = replace(STANDS, addresses=("a", "b"))
    assert to.heard(case, replace(SUBJECT, addresses=("b", "a"))) is case
    assert to.heard(case, replace(SUBJECT, addresses=("c",))).addresses == ("c",)
    moved = to.heard(case, replace(SUBJECT, place=Place("sw2", 1, 1), addresses=("b", "a")))
    assert (moved.place, moved.addresses) == (Place("sw2", 1, 1), ("a", "b"))
    assert to.heard(case, replace(SUBJECT, place=None, addresses=("a", "b"))) is case


def test_evidence_keeps_the_first_and_the_last() -> None:
    case = CASE
    for number in range(100):
        case = to.more_evidence(case, (f"m{number}",))
    assert len(case.evidence) == to.EVIDENCE_MAX
    assert (case.evidence[0], case.evidence[-1]) == ("e1", "m99")
    assert to.more_evidence(case, ("m99",)) is case


def test_it_is_over_and_ends_no_more() -> None:
    done = to.over(STANDS, START + 1)
    assert (done.state, done.deadline, done.actor) == ("over", None, "nobody")


def test_what_is_to_stand_is_its_isolation() -> None:
    assert to.isolation(STANDS) == Isolation(
        cookie=7, mac=mac(1), action=BLOCK, place=PLACE, addresses=("10.0.0.1",)
    )


@pytest.mark.parametrize(
    ("one", "other", "first"), [(1.0, 2.0, 1.0), (None, 2.0, 2.0), (1.0, None, 1.0), (None,) * 3]
)
def test_never_is_later_than_any_time(
    one: float | None, other: float | None, first: float | None
) -> None:
    assert to.earlier(one, other) == first

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.actions import Action, Place
from plugin.policy.cases import Answered, Evaluated, Released, Thawed
from plugin.policy.evaluate import Chosen, Evaluation
from plugin.policy.rules import Caps, Devices, Hours, Policy, Step
from tests.ledgers import BLOCK, LIMIT, QUARANTINE, START, WATCH, Site, mac, policy, rule

ALWAYS = Hours(frozenset(range(7)), 0, 24 * 60)


def site_with(*rules: Any, **fields: Any) -> Site:
    site = Site(policy(*rules, **fields))
    site.add(1)
    return site


def test_an_enforced_rule_isolates_at_once() -> None:
    site = site_with()
    site.judge(mac(1), "bad")
    case = site.case(1)
    assert (case.state, case.rule, case.actor, case.origin) == ("isolating", "bad", "bad", "rule")
    assert case.evidence == (f"e-{mac(1)}",)
    assert site.isolated() == {mac(1)}
    assert site.wanted()


def test_who_shows_nothing_has_no_case() -> None:
    site = site_with()
    site.judge(mac(1))
    assert site.outcomes == []


@pytest.mark.parametrize(
    "changed",
    [{"learning": 60.0}, {"maintenance": (ALWAYS,)}, {"rules": (rule(mode="simulate"),)}],
    ids=["learning", "maintenance", "on trial"],
)
def test_what_may_not_be_enforced_is_simulated(changed: dict[str, Any]) -> None:
    site = Site(replace(policy(), **changed))
    site.judge(site.add(1), "bad")
    assert site.state(1) == "simulated"
    assert site.isolated() == set()
    assert not site.wanted()
    assert "only simulated" in site.transitions()[0].why


def test_too_little_evidence_never_acts() -> None:
    site = site_with()
    nothing = Evaluation(site.devices[mac(1)], Chosen(rule(), ("shows bad",), ()), None)
    site.tell(Evaluated(nothing))
    assert site.state(1) == "simulated"
    assert "too little evidence" in site.transitions()[0].why


def test_what_takes_nothing_is_done_while_learning_too() -> None:
    site = site_with(rule(action=WATCH), learning=60.0)
    site.judge(mac(1), "bad")
    assert site.state(1) == "observed"
    assert site.ledger.watched() == {mac(1)}


def test_what_was_simulated_gives_way_to_what_is_enforced() -> None:
    site = site_with(rule("trial", BLOCK, mode="simulate"), rule(action=LIMIT))
    site.judge(mac(1), "trial")
    site.judge(mac(1), "trial", "bad")
    assert (site.state(1), site.case(1).rule) == ("isolating", "bad")
    assert [one.case.state for one in site.transitions()] == ["over", "isolating"]


def test_a_rule_on_trial_is_told_beside_nothing_else_only() -> None:
    site = site_with(rule(action=LIMIT), rule("trial", BLOCK, mode="simulate"))
    site.judge(mac(1), "bad", "trial")
    site.judge(mac(1), "trial")
    assert (site.state(1), site.case(1).rule) == ("isolating", "bad")


def test_of_two_on_trial_the_harder_is_told() -> None:
    site = site_with(rule("soft", LIMIT, mode="simulate"), rule("hard", BLOCK, mode="simulate"))
    site.judge(mac(1), "soft")
    site.judge(mac(1), "hard")
    assert site.case(1).rule == "hard"
    site.judge(mac(1), "soft")
    assert site.case(1).rule == "hard"


def test_what_would_be_refused_is_said_of_a_rule_on_trial() -> None:
    site = site_with(rule(mode="simulate"), protect=Devices(macs=(mac(1),)))
    site.judge(mac(1), "bad")
    assert "it would be refused: protected" in site.case(1).notes[0]


@pytest.mark.parametrize(
    ("around", "fields", "kind"),
    [
        ({"gateway": "it routes"}, {}, "protected"),
        ({"uplink": "stack port"}, {}, "protected"),
        ({"macs_on_port": 8}, {}, "protected"),
        ({}, {"twice": True}, "spoofed"),
        ({"unhooked": "no hook"}, {}, "refused"),
    ],
)
def test_what_protects_a_device_is_told_once_and_nothing_is_done(
    around: dict[str, Any], fields: dict[str, Any], kind: str
) -> None:
    site = site_with()
    site.around[mac(1)] = around
    site.change(mac(1), **fields)
    site.judge(mac(1), "bad")
    assert (site.warned(), site.state(1)) == ([kind], None)
    site.judge(mac(1), "bad")
    assert site.outcomes == []
    site.judge(mac(1))
    site.judge(mac(1), "bad")
    assert site.warned() == [kind]


def test_who_was_heard_twice_when_it_was_judged_is_not_isolated() -> None:
    site = site_with()
    judged = replace(site.devices[mac(1)], twice=True)
    site.tell(Evaluated(Evaluation(judged, Chosen(rule(), (), ("e",)), None)))
    assert (site.warned(), site.state(1)) == (["spoofed"], None)


def test_who_came_to_a_port_goes_free_when_a_harder_rule_is_for_the_device_alone() -> None:
    site = site_with(rule(action=LIMIT, scope="port"), rule("worse", BLOCK))
    site.judge(mac(1), "bad")
    site.add(2)
    site.move(mac(2), 1)
    assert site.isolated() == {mac(1), mac(2)}
    site.judge(mac(1), "worse")
    assert site.isolated() == {mac(1)}


def test_the_policys_protection_holds_against_every_rule() -> None:
    site = site_with(protect=Devices(macs=(mac(1)[:8],)))
    site.judge(mac(1), "bad")
    assert (site.warned(), site.isolated()) == (["protected"], set())


def test_an_ignored_device_has_no_case() -> None:
    site = site_with()
    site.change(mac(1), ignored="the lab's")
    site.judge(mac(1), "bad")
    assert site.outcomes == []


def test_the_same_rule_again_adds_evidence_and_no_second_case() -> None:
    site = site_with()
    site.judge(mac(1), "bad")
    again = Evaluation(site.devices[mac(1)], Chosen(rule(), (), ("e2",)), None)
    site.tell(Evaluated(again))
    assert site.outcomes == []
    assert site.case(1).evidence == (f"e-{mac(1)}", "e2")
    assert len(site.ledger.cases()) == 1


def test_a_harder_rule_takes_the_place_and_never_ends_sooner() -> None:
    site = site_with(rule(action=LIMIT, duration=900.0), rule("worse", BLOCK, duration=60.0))
    site.judge(mac(1), "bad")
    site.judge(mac(1), "worse")
    case = site.case(1)
    assert (case.rule, case.until, case.cookie) == ("worse", START + 900, 2)
    site.judge(mac(1), "bad")
    assert site.case(1) == case


def test_who_is_isolated_is_not_let_go_while_somebody_is_asked() -> None:
    site = site_with(rule(action=LIMIT), rule("ask", approve=True), rule("wait", delay=9.0))
    site.judge(mac(1), "bad")
    for name in ("ask", "wait"):
        site.judge(mac(1), name)
        assert (site.state(1), site.case(1).rule) == ("isolating", "bad")


def test_a_persons_word_is_not_overruled_by_a_rule() -> None:
    site = site_with()
    site.order(mac(1), LIMIT)
    site.judge(mac(1), "bad")
    assert site.case(1).origin == "operator"


# Delay


def test_after_the_delay_it_must_apply_still() -> None:
    site = site_with(rule(delay=30.0))
    site.judge(mac(1), "bad")
    assert (site.state(1), site.isolated()) == ("delayed", set())
    site.wait(29.0)
    assert site.state(1) == "delayed"
    site.wait(1.0)
    assert site.state(1) == "isolating"


def test_what_applies_no_more_after_the_delay_is_dropped() -> None:
    site = site_with(rule(delay=30.0))
    site.judge(mac(1), "bad")
    site.does.clear()
    site.wait(30.0)
    assert site.state(1) is None
    assert "does not apply any more" in site.transitions()[-1].why


def test_another_rule_that_applies_after_the_delay_decides() -> None:
    site = site_with(rule(delay=30.0), rule("other", LIMIT))
    site.judge(mac(1), "bad")
    site.does[mac(1)] = ("other",)
    site.wait(30.0)
    assert (site.state(1), site.case(1).rule) == ("isolating", "other")


def test_who_is_not_known_any_more_after_the_delay_is_dropped() -> None:
    site = site_with(rule(delay=30.0))
    site.judge(mac(1), "bad")
    del site.devices[mac(1)]
    site.wait(30.0)
    assert site.state(1) is None


def test_after_the_delay_everything_is_asked_anew() -> None:
    for change, state in (
        ({"protect": Devices(macs=(mac(1),))}, None),
        ({"maintenance": (ALWAYS,)}, "simulated"),
        ({"learning": 1e9}, "simulated"),
    ):
        site = site_with(rule(delay=30.0))
        site.judge(mac(1), "bad")
        site.ledger._steps.policy = replace(site.ledger.policy, **change)
        site.wait(30.0)
        assert site.state(1) == state
        assert site.isolated() == set()


def test_after_the_delay_the_caps_are_asked_and_freeze() -> None:
    site = site_with(rule(delay=30.0), rule("now"), caps=Caps(devices=1))
    site.judge(mac(1), "bad")
    site.offend(2, "now")
    site.report()
    site.wait(30.0)
    assert site.state(1) == "simulated"
    assert site.warned() == ["caps"]
    assert site.ledger.frozen is not None


def test_after_the_delay_a_person_is_asked_or_it_is_observed() -> None:
    site = site_with(rule(delay=30.0, approve=True), rule("look", WATCH, delay=30.0))
    site.judge(mac(1), "bad")
    site.judge(site.add(2), "look")
    site.wait(30.0)
    assert (site.state(1), site.state(2)) == ("pending", "observed")


def test_who_is_ignored_by_the_end_of_the_delay_is_left_alone() -> None:
    """Of a watch nothing else asks for it."""
    site = site_with(rule(action=WATCH, delay=30.0))
    site.judge(mac(1), "bad")
    site.change(mac(1), ignored="the lab's")
    site.wait(30.0)
    assert (site.state(1), site.ledger.watched()) == (None, frozenset())


def test_what_takes_nothing_begins_after_the_delay_whatever_hinders_isolations() -> None:
    site = site_with(rule(action=WATCH, delay=30.0), learning=1e9)
    site.around[mac(1)] = {"uplink": "stack port"}
    site.judge(mac(1), "bad")
    site.wait(30.0)
    assert (site.state(1), site.warned()) == ("observed", [])


def test_after_the_delay_the_case_is_as_the_device_is_then() -> None:
    waits = rule(delay=30.0)
    site = site_with(waits)
    site.does[mac(1)] = ("bad",)
    first = Evaluation(site.devices[mac(1)], Chosen(waits, (), ("e0",)), None)
    site.tell(Evaluated(first))
    there = Place("sw2", 7, 100)
    site.change(mac(1), place=there)
    site.wait(30.0)
    case = site.case(1)
    assert (case.state, case.place) == ("isolating", there)
    assert case.evidence == ("e0", f"e-{mac(1)}")


@pytest.mark.parametrize(
    ("fields", "states"),
    [
        ({"delay": 30.0}, ["delayed", "simulated"]),
        ({"approve": True}, ["pending", None]),
        ({"delay": 30.0, "approve": True}, ["delayed", "pending"]),
    ],
)
def test_what_waits_or_asks_is_not_counted_and_freezes_nothing(
    fields: dict[str, Any], states: list[str | None]
) -> None:
    site = site_with(rule(approve_within=30.0, **fields), caps=Caps(devices=0))
    site.judge(mac(1), "bad")
    assert (site.state(1), site.ledger.frozen) == (states[0], None)
    site.wait(30.0)
    assert site.state(1) == states[1]
    assert (site.ledger.frozen is None) == (states[1] != "simulated")


# Approval


ASK = rule(approve=True, approve_within=60.0, grace=20.0)


def ask(site: Site, *, approve: bool = True) -> None:
    site.tell(Answered(site.case(1).number, approve, "ann", "seen it"))


def test_a_person_is_asked_and_says_yes() -> None:
    site = site_with(ASK)
    site.judge(mac(1), "bad")
    assert (site.state(1), site.isolated()) == ("pending", set())
    ask(site)
    assert (site.state(1), site.case(1).actor) == ("isolating", "ann")
    assert site.transitions()[-1].why == "approved: seen it"


def test_a_no_holds_for_the_grace() -> None:
    site = site_with(ASK)
    site.judge(mac(1), "bad")
    ask(site, approve=False)
    assert site.transitions()[-1].case.actor == "ann"
    site.judge(mac(1), "bad")
    assert site.state(1) is None
    site.judge(mac(1), "bad", after=20.0)
    assert site.state(1) == "pending"


def test_no_answer_is_a_no_by_nobody() -> None:
    site = site_with(ASK)
    site.judge(mac(1), "bad")
    site.wait(59.0)
    assert site.state(1) == "pending"
    site.wait(1.0)
    last = site.transitions()[-1].case
    assert (last.state, last.actor) == ("over", "nobody")
    site.judge(mac(1), "bad")
    assert site.state(1) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protect": Devices(macs=(mac(1),))}, "protect"),
        ({"learning": 1e9}, "learning"),
        ({"maintenance": (ALWAYS,)}, "maintenance"),
        ({"caps": Caps(devices=0)}, "caps.devices"),
    ],
)
def test_a_yes_is_no_way_past_what_speaks_against_it(change: dict[str, Any], words: str) -> None:
    site = site_with(ASK)
    site.judge(mac(1), "bad")
    site.ledger._steps.policy = replace(site.ledger.policy, **change)
    assert words in site.denied(Answered(1, True, "ann", ""))
    assert site.state(1) == "pending"
    assert site.ledger.frozen is None


def test_a_yes_is_for_where_the_device_is_now() -> None:
    site = site_with(ASK)
    site.judge(mac(1), "bad")
    there = Place("sw2", 7, 100)
    site.change(mac(1), place=there)
    ask(site)
    assert (site.state(1), site.case(1).place) == ("isolating", there)


def test_a_yes_while_isolations_are_frozen_is_denied_though_there_is_room() -> None:
    site = site_with(ASK, rule("now"), caps=Caps(devices=1))
    site.judge(mac(1), "bad")
    for number in (2, 3):
        site.judge(site.add(number), "now")
    site.release(mac(2))
    site.report()
    assert "thaw" in site.denied(Answered(1, True, "ann", ""))
    site.tell(Thawed("ann", "looked at them"))
    ask(site)
    assert site.state(1) == "isolating"


def test_after_a_no_a_rule_on_trial_is_told_still() -> None:
    site = site_with(ASK, rule("trial", mode="simulate"))
    site.judge(mac(1), "bad")
    ask(site, approve=False)
    site.judge(mac(1), "bad", "trial")
    assert (site.state(1), site.case(1).rule) == ("simulated", "trial")


def test_a_yes_to_who_went_away_is_denied() -> None:
    site = site_with(ASK)
    site.judge(mac(1), "bad")
    del site.devices[mac(1)]
    assert "no such device" in site.denied(Answered(1, True, "ann", ""))


def test_a_question_about_watching_is_answered_too() -> None:
    site = site_with(rule(action=WATCH, approve=True), learning=1e9)
    site.judge(mac(1), "bad")
    ask(site)
    assert site.state(1) == "observed"


# Caps


def test_the_first_breach_freezes_and_alarms_once() -> None:
    site = site_with(caps=Caps(devices=2))
    for number in range(1, 6):
        site.judge(site.add(number), "bad")
        assert site.warned() == (["caps"] if number == 3 else [])
    assert site.isolated() == {mac(1), mac(2)}
    assert [site.state(number) for number in (3, 4, 5)] == ["simulated"] * 3
    assert "frozen" in site.transitions()[0].why


def test_room_alone_does_not_thaw() -> None:
    site = site_with(caps=Caps(devices=1))
    site.judge(mac(1), "bad")
    site.offend(2)
    site.release(mac(1))
    site.report()
    site.judge(mac(2), "bad")
    assert (site.state(2), site.isolated()) == ("simulated", set())
    site.tell(Thawed("ann", "looked at them"))
    site.judge(mac(2), "bad")
    assert site.state(2) == "isolating"


def test_while_frozen_nobody_is_asked_and_nothing_waits() -> None:
    site = site_with(ASK, rule("wait", delay=5.0), rule("now"), caps=Caps(devices=0))
    site.judge(site.add(9), "now")
    for number, name in ((1, "bad"), (2, "wait")):
        site.judge(site.add(number), name)
        assert site.state(number) == "simulated"


def test_what_is_being_released_counts_until_it_is_gone() -> None:
    site = site_with(caps=Caps(devices=1))
    site.judge(mac(1), "bad")
    site.release(mac(1))
    site.offend(2)
    assert site.state(2) == "simulated"


# Offending again


def test_repeat_offenders_climb_the_ladder() -> None:
    climbs = rule(action=LIMIT, duration=60.0, grace=5.0,
                  escalate=(Step(QUARANTINE, 90.0), Step(BLOCK, 120.0)))  # fmt: skip
    site = site_with(climbs, caps=Caps(per_hour=99))
    for action, duration in ((LIMIT, 60), (QUARANTINE, 90), (BLOCK, 120), (BLOCK, 120)):
        site.judge(mac(1), "bad")
        case = site.case(1)
        assert (case.state, case.action, case.duration) == ("isolating", action, duration)
        site.report()
        site.wait(duration)
        assert site.state(1) == "releasing"
        site.report()
        site.judge(mac(1), "bad")
        assert site.state(1) == "released"  # in its grace
        site.wait(5.0)
        assert site.state(1) is None


def test_in_the_grace_a_harder_rule_acts() -> None:
    site = site_with(rule(action=LIMIT), rule("worse", BLOCK))
    site.judge(mac(1), "bad")
    site.tell(Released(mac(1), "ann", ""))
    site.report()
    assert site.state(1) == "released"
    site.judge(mac(1), "worse")
    assert (site.state(1), site.case(1).rule) == ("isolating", "worse")


def test_a_release_is_no_hindrance_for_another_action_of_the_same_kind() -> None:
    """Nor is it a way out: who is being released and offends harder is taken again."""
    site = site_with(rule(action=LIMIT), rule("worse", BLOCK))
    site.judge(mac(1), "bad")
    site.release(mac(1))
    site.judge(mac(1), "worse")
    assert site.state(1) == "isolating"
    assert site.case(1).cookie != 1


def test_an_empty_policy_does_nothing() -> None:
    site = Site(Policy())
    site.judge(site.add(1), "bad", "worse")
    assert site.outcomes == []


def test_notify_is_observed_and_ends() -> None:
    site = site_with(rule(action=Action(kind="notify"), duration=60.0))
    site.judge(mac(1), "bad")
    assert (site.state(1), site.ledger.watched()) == ("observed", frozenset())
    site.wait(60.0)
    assert site.state(1) is None

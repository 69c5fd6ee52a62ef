from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.actions import Action, Service
from plugin.policy.cases import Answered, Extended, Ordered, Released, Thawed
from plugin.policy.orders import SECONDS_MAX
from plugin.policy.rules import HARD_CAP, Caps, Devices
from tests.ledgers import BLOCK, LIMIT, QUARANTINE, START, WATCH, Site, mac, policy, rule

LEARNS = policy(learning=1e9, caps=Caps(devices=0))


def order(number: int = 1, action: Action = BLOCK, seconds: float | None = 60.0) -> Ordered:
    return Ordered(mac(number), action, seconds, "ann", "because")


def site_with(*rules: Any, **fields: Any) -> Site:
    site = Site(policy(*rules, **fields))
    site.add(1)
    return site


def test_a_person_isolates_whatever_learning_and_caps_say() -> None:
    site = Site(LEARNS)
    site.add(1)
    site.tell(order())
    case = site.case(1)
    assert (case.state, case.origin, case.actor, case.rule) == (
        "isolating", "operator", "ann", None,
    )  # fmt: skip
    assert case.until == START + 60
    assert site.ledger.frozen is None


def test_a_person_may_isolate_without_an_end() -> None:
    site = site_with()
    site.tell(order(seconds=None))
    site.report()
    assert site.case(1).deadline is None
    site.wait(1e8)
    assert site.state(1) == "isolated"


@pytest.mark.parametrize(
    ("around", "fields", "words"),
    [
        ({"gateway": "it routes"}, {}, "gateway: it routes"),
        ({"uplink": "stack"}, {}, "uplink: stack"),
        ({"macs_on_port": 20}, {}, "20 devices"),
        ({}, {"twice": True}, "two ports"),
        ({}, {"ignored": "lab"}, "ignored"),
        ({"unhooked": "none there"}, {}, "none there"),
    ],
)
def test_no_order_goes_past_what_protects_a_device(
    around: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    site = site_with()
    site.around[mac(1)] = around
    site.change(mac(1), **fields)
    assert words in site.denied(order())


def test_a_denied_order_says_which_protection_it_was() -> None:
    site = site_with(protect=Devices(macs=(mac(1),)), source="site.yaml")
    said = site.denied(order())
    assert "protected by site.yaml (protect: MAC address" in said
    assert "no such device" in site.denied(order(7))


@pytest.mark.parametrize("action", [WATCH, Action(kind="notify")])
def test_what_takes_nothing_is_no_isolation(action: Action) -> None:
    assert "isolates nobody" in site_with().denied(order(action=action))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan"), SECONDS_MAX * 2])
def test_impossible_times_are_denied(seconds: float) -> None:
    site = site_with()
    assert "no time" in site.denied(order(seconds=seconds))
    site.tell(order())
    assert "no time" in site.denied(Extended(1, seconds, "ann", ""))


def test_a_quarantine_has_the_policys_services_unless_it_names_some() -> None:
    dhcp, host = Service("dhcp"), Service("host", "10.0.0.1")
    site = site_with(allow=(dhcp,))
    site.add(2)
    site.tell(order(action=QUARANTINE))
    site.tell(order(2, action=replace(QUARANTINE, allow=(host,))))
    assert [one.action.allow for one in site.ledger.desired()] == [(dhcp,), (host,)]


def test_an_order_takes_the_place_of_whatever_there_was() -> None:
    site = site_with(rule(action=LIMIT), rule("ask", approve=True))
    site.judge(mac(1), "bad")
    site.judge(site.add(2), "ask")
    for number in (1, 2):
        site.tell(order(number))
        assert site.case(number).origin == "operator"
        assert [one.case.state for one in site.transitions()] == ["over", "isolating"]
    assert len(site.ledger.cases()) == 2


def test_what_stands_already_is_taken_over_without_a_gap() -> None:
    site = site_with()
    site.judge(mac(1), "bad")
    site.report()
    site.tell(order(seconds=900.0))
    case = site.case(1)
    assert (case.number, case.state, case.origin, case.until) == (
        1, "isolated", "operator", START + 900,
    )  # fmt: skip
    assert not site.wanted()


def test_more_than_the_hook_takes_is_denied_to_a_person_too() -> None:
    site = site_with()
    for number in range(HARD_CAP):
        site.add(number)
        site.tell(order(number))
    site.add(HARD_CAP)
    assert str(HARD_CAP) in site.denied(order(HARD_CAP))
    assert len(site.isolated()) == HARD_CAP
    site.release(mac(3))
    assert "release others" in site.denied(order(HARD_CAP))  # not seen to be gone yet
    site.report()
    site.tell(order(HARD_CAP))
    assert len(site.isolated()) == HARD_CAP


def test_an_answer_to_no_question_is_denied() -> None:
    site = site_with(rule(approve=True, approve_within=60.0))
    assert "not known" in site.denied(Answered(1, True, "ann", ""))
    site.judge(mac(1), "bad")
    site.now += 60.0
    assert "time is over" in site.denied(Answered(1, True, "ann", ""))
    site.now -= 60.0
    site.tell(Answered(1, True, "ann", ""))
    assert "it is isolating" in site.denied(Answered(1, True, "ann", ""))


def test_another_end_is_given_to_those_that_depend_on_it_too() -> None:
    site = site_with(rule(scope="port", duration=60.0))
    site.judge(mac(1), "bad")
    site.move(site.add(2), 1)
    assert "extend that one" in site.denied(Extended(2, 600.0, "ann", ""))
    site.tell(Extended(1, 600.0, "ann", "not done yet"))
    assert [case.until for case in site.ledger.cases()] == [START + 600] * 2
    site.report()
    site.wait(599.0)
    assert site.isolated() == {mac(1), mac(2)}
    site.wait(1.0)
    assert site.isolated() == set()


def test_only_isolations_get_another_end() -> None:
    site = site_with(rule(mode="simulate"))
    site.judge(mac(1), "bad")
    assert "is simulated" in site.denied(Extended(1, 60.0, "ann", ""))
    assert "not known" in site.denied(Extended(9, 60.0, "ann", ""))


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (rule(), "releasing"),
        (rule(delay=9.0), None),
        (rule(approve=True), None),
        (rule(mode="simulate"), None),
        (rule(action=WATCH), None),
    ],
)
def test_a_device_is_released_from_whatever_it_is_in(given: Any, after: str | None) -> None:
    site = site_with(given)
    site.judge(mac(1), "bad")
    site.tell(Released(mac(1), "ann", "clean"))
    assert site.state(1) == after
    assert site.isolated() == set()
    assert site.transitions()[-1].case.actor == "ann"


def test_who_is_free_is_not_released() -> None:
    site = site_with()
    assert "nothing is decided" in site.denied(Released(mac(1), "ann", ""))
    site.judge(mac(1), "bad")
    site.release(mac(1))
    assert "is releasing" in site.denied(Released(mac(1), "ann", ""))


def test_all_are_released_and_questions_dropped() -> None:
    site = site_with(rule(scope="port"), rule("ask", approve=True), rule("see", mode="simulate"))
    site.judge(mac(1), "bad")
    site.move(site.add(2), 1)
    site.judge(site.add(3), "ask")
    site.judge(site.add(4), "see")
    site.add(5)
    site.tell(order(5))
    site.release(None)
    assert site.isolated() == set()
    assert [site.state(n) for n in range(1, 6)] == [
        "releasing", "releasing", None, "simulated", "releasing",
    ]  # fmt: skip
    site.release(None)
    assert site.transitions() == []


def test_thawing_forgives_the_last_hour_and_needs_a_freeze() -> None:
    site = site_with(caps=Caps(devices=9, per_hour=2, per_switch=9))
    assert "nothing is frozen" in site.denied(Thawed("ann", ""))
    for number in (1, 2, 3):
        site.offend(number)
    assert (site.ledger.frozen or "").startswith("caps.per_hour")
    site.tell(Thawed("ann", "an exercise"))
    assert site.warned() == ["caps_ok"]
    assert "ann" in site.texts()
    site.judge(mac(3), "bad")
    assert site.state(3) == "isolating"

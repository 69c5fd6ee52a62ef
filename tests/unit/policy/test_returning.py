from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.actions import COOKIES, Place
from plugin.policy.rules import EMPTY, HOUR, Caps, Devices, Step
from tests.ledgers import BLOCK, LIMIT, QUARANTINE, START, WATCH, Site, mac, policy, rule


def isolated(*rules: Any, **fields: Any) -> Site:
    site = Site(policy(*(rules or (rule(duration=600.0),)), **fields))
    site.offend(1)
    site.report()
    assert site.state(1) == "isolated"
    return site


# After a restart


def test_who_is_isolated_is_wanted_on_at_once_and_to_be_proven_anew() -> None:
    site = isolated()
    before = site.ledger.desired()
    site.restart(after=100.0)
    assert site.ledger.desired() == before
    assert site.wanted()
    case = site.case(1)
    assert (case.state, case.proof, case.until) == ("isolating", "none", START + 600)
    site.report()
    assert site.case(1).deadline == START + 600


def test_what_ran_out_meanwhile_is_released() -> None:
    site = isolated()
    site.restart(after=600.0)
    assert (site.state(1), site.isolated()) == ("releasing", set())
    assert "when Halia came back" in site.transitions()[-1].why
    site.report()
    assert site.state(1) == "released"


def test_of_two_cases_of_a_device_the_cookie_of_the_one_that_goes_is_not_given_again() -> None:
    site = isolated()
    first = site.case(1)
    site.journal[2] = replace(first, number=2, cookie=2)
    site.restart()
    assert site.case(1).number == 1
    assert site.ledger.leaving() == {2}
    site.order(site.add(3))
    assert site.case(3).cookie not in {1, 2}


def test_of_two_cases_of_a_device_the_one_that_stands_is_kept_though_it_is_the_later() -> None:
    site = isolated()
    first = site.case(1)
    site.journal[1] = replace(first, state="simulated", cookie=0, until=None)
    site.journal[2] = replace(first, number=2)
    site.restart()
    assert (site.case(1).number, site.isolated()) == (2, {mac(1)})


def test_a_release_goes_on_until_it_is_proven() -> None:
    site = isolated()
    site.release(mac(1))
    site.restart(after=5_000.0)
    assert (site.state(1), site.warned()) == ("releasing", [])
    assert site.ledger.leaving() == {1}
    site.wait(10.0)
    assert site.warned() == ["proof"]
    site.report()
    assert site.state(1) == "released"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (rule(delay=60.0), "delayed"),
        (rule(approve=True), "pending"),
        (rule(mode="simulate"), "simulated"),
        (rule(action=WATCH), "observed"),
    ],
)
def test_what_waits_goes_on_waiting_with_its_deadline(given: Any, state: str) -> None:
    site = Site(policy(given))
    before = site.offend(1)
    site.restart(after=30.0)
    assert (site.case(1), before.state) == (before, state)
    assert site.ledger.watched() == ({mac(1)} if state == "observed" else set())
    site.does.clear()
    site.wait(1e6)
    assert site.state(1) is None


def test_who_is_protected_now_is_let_go() -> None:
    site = isolated()
    site.restart(policy(protect=Devices(macs=(mac(1),))))
    assert (site.state(1), site.warned()) == ("releasing", ["protected"])


def test_a_device_that_is_not_known_yet_is_protected_by_what_its_case_tells() -> None:
    site = isolated()
    site.devices.clear()
    site.restart(policy(protect=Devices(ports=(("sw1", 1),))))
    assert site.state(1) == "releasing"


def test_a_device_that_is_not_known_yet_stays_isolated() -> None:
    site = isolated()
    site.devices.clear()
    site.restart()
    assert site.isolated() == {mac(1)}


def test_a_device_that_moved_meanwhile_is_followed() -> None:
    site = isolated()
    site.change(mac(1), place=Place("sw2", 9, 100))
    site.restart()
    assert site.ledger.desired()[0].place == Place("sw2", 9, 100)


def test_who_depended_on_what_is_over_is_let_go() -> None:
    site = isolated(rule(scope="port", duration=600.0))
    site.move(site.add(2), 1)
    parent = site.case(1).number
    site.journal[parent] = replace(site.journal[parent], state="over", deadline=None)
    site.restart()
    assert site.state(2) == "releasing"


def test_who_comes_to_the_port_after_a_restart_inherits_too() -> None:
    site = isolated(rule(scope="port", duration=600.0))
    site.restart()
    site.move(site.add(2), 1)
    assert site.state(2) == "isolating"


def test_of_two_cases_of_a_device_the_one_that_stands_is_kept() -> None:
    site = isolated()
    twin = replace(site.case(1), number=9, cookie=0, state="pending", until=None)
    site.journal[9] = twin
    site.restart()
    assert site.case(1).number == 1
    assert site.journal[9].state == "over"


def test_numbers_and_cookies_go_on() -> None:
    site = isolated()
    site.journal[40] = replace(site.case(1), number=40, mac=mac(40), cookie=30, state="over")
    site.restart()
    case = site.offend(2)
    assert (case.number, case.cookie) == (41, 31)


def test_cookies_that_two_cases_have_are_told_apart() -> None:
    site = isolated()
    site.journal[2] = replace(site.case(1), number=2, mac=mac(2))
    site.restart()
    first, second = (one.cookie for one in site.ledger.desired())
    assert first != second
    assert {first, second} < set(COOKIES)


def test_ladders_noes_and_the_last_hour_are_remembered() -> None:
    climbs = rule(action=LIMIT, escalate=(Step(QUARANTINE, 60.0),), duration=60.0, grace=1.0)
    site = isolated(climbs, rule("ask", approve=True, grace=500.0), caps=Caps(per_hour=2))
    site.judge(site.add(2), "ask")
    site.release(mac(2))
    site.release(mac(1))
    site.report()
    site.wait(1.0)
    assert site.state(1) is None
    site.restart()
    site.judge(mac(2), "ask")
    assert site.state(2) is None
    site.judge(mac(1), "bad")
    assert site.case(1).action == QUARANTINE
    site.judge(site.add(3), "bad")
    assert (site.ledger.frozen or "").startswith("caps.per_hour")


def test_what_froze_stays_frozen() -> None:
    site = isolated(caps=Caps(devices=1))
    site.offend(2)
    site.restart()
    assert site.ledger.frozen is not None
    site.release(mac(1))
    site.report()
    site.judge(mac(2), "bad")
    assert site.isolated() == set()


def test_an_end_in_the_far_future_was_a_wrong_clocks() -> None:
    site = isolated()
    site.now -= 30 * 86_400.0
    site.began = site.now - 1
    site.restart()
    assert site.case(1).until == site.now + 600


def test_a_clock_that_is_behind_brings_no_end_nearer() -> None:
    site = isolated()
    until = site.case(1).until
    site.now = 5.0  # without a battery: 1970
    site.restart()
    assert site.case(1).until == until


def test_a_rules_isolation_without_an_end_gets_one() -> None:
    site = isolated()
    site.journal[1] = replace(site.case(1), until=None, deadline=None)
    site.restart()
    assert site.case(1).until == START + 600


def test_a_persons_isolation_without_an_end_keeps_none() -> None:
    site = Site(policy())
    site.order(site.add(1), seconds=None)
    site.restart(after=1e8)
    assert (site.case(1).until, site.isolated()) == (None, {mac(1)})


# Another policy


def test_standing_isolations_keep_their_end_though_their_rule_is_gone() -> None:
    site = isolated()
    before = site.case(1)
    site.replace(EMPTY)
    assert site.case(1) == before
    site.wait(600.0)
    assert site.state(1) == "releasing"


def test_who_is_protected_by_the_new_policy_is_let_go_with_those_that_depend_on_it() -> None:
    site = isolated(rule(scope="port", duration=600.0))
    site.move(site.add(2), 1)
    site.replace(policy(protect=Devices(macs=(mac(1),))))
    assert (site.state(1), site.state(2)) == ("releasing", "releasing")
    assert site.warned() == ["protected"]


def test_a_persons_own_isolation_ends_too_where_the_policy_protects() -> None:
    site = Site(policy())
    site.order(site.add(1))
    site.replace(policy(protect=Devices(macs=(mac(1),))))
    assert site.state(1) == "releasing"


@pytest.mark.parametrize(
    "given",
    [rule(mode="simulate"), rule(action=WATCH), rule(delay=60.0), rule(approve=True)],
    ids=["simulated", "observed", "delayed", "pending"],
)
def test_what_takes_nothing_yet_follows_its_rule(given: Any) -> None:
    for changed, stays in (
        (replace(given, place="p.yaml:9:1"), True),
        (replace(given, duration=5.0), False),
        (replace(given, mode="enforce" if given.mode == "simulate" else "simulate"), False),
        (replace(given, name="another"), False),
    ):
        site = Site(policy(given))
        before = site.offend(1)
        site.replace(policy(changed))
        assert site.ledger.case(mac(1)) == (before if stays else None)


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        (rule(approve=True), rule(approve=True, action=LIMIT)),
        (rule(approve=True), rule(approve=True, mode="simulate")),
    ],
)
def test_what_was_asked_before_a_restart_with_another_policy_is_asked_anew(
    given: Any, changed: Any
) -> None:
    site = Site(policy(given))
    site.offend(1)
    site.restart(policy(changed))
    assert site.state(1) is None


def test_a_question_about_who_is_protected_now_is_dropped() -> None:
    site = Site(policy(rule(approve=True)))
    site.offend(1)
    site.replace(policy(rule(approve=True), protect=Devices(macs=(mac(1),))))
    assert (site.state(1), site.warned()) == (None, ["protected"])


def test_a_new_policys_caps_free_nobody_and_hold_for_the_next() -> None:
    site = isolated()
    site.offend(2)
    site.replace(policy(caps=Caps(devices=1)))
    assert site.isolated() == {mac(1), mac(2)}
    site.offend(3)
    assert (site.state(3), site.warned()) == ("simulated", ["caps"])


def test_learning_begins_with_the_first_run_of_all() -> None:
    site = Site(policy(learning=2 * HOUR))
    site.restart(after=HOUR)
    site.offend(1)
    assert site.state(1) == "simulated"
    site.wait(HOUR)
    site.judge(mac(1), "bad")
    assert site.ledger.desired()[0].action == BLOCK

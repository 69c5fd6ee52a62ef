from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from plugin.actions import Place
from plugin.policy.cases import Elapsed, Moved, Told
from plugin.policy.ledger import Ledger
from plugin.policy.rules import EMPTY, HARD_CAP, Caps, Devices, Policy
from tests.ledgers import BLOCK, LIMIT, START, WATCH, Site, mac, policy, rule

PORT = rule(scope="port", duration=600.0)


def test_the_whole_life_of_a_case() -> None:
    site = Site(policy(rule(delay=5.0, approve=True, duration=60.0, grace=10.0)))
    states = [site.offend(1).state]
    site.wait(5.0)
    states.append(site.case(1).state)
    site.answer(1)
    states.append(site.case(1).state)
    site.report()
    states.append(site.case(1).state)
    site.wait(60.0)
    states.append(site.case(1).state)
    site.report()
    states.append(site.case(1).state)
    site.wait(10.0)
    assert states == ["delayed", "pending", "isolating", "isolated", "releasing", "released"]
    assert (site.state(1), site.journal[1].state) == (None, "over")
    assert site.ledger.cases() == ()


def test_all_that_can_be_told_is_understood() -> None:
    assert set(Site(policy()).ledger._told) == set(get_args(Told))


def test_what_it_shows() -> None:
    site = Site(policy(rule(), rule("look", WATCH), learning=0.0))
    site.judge(site.add(2), "look")
    site.offend(1)
    ledger = site.ledger
    assert [case.number for case in ledger.cases()] == [1, 2]
    assert ledger.case(mac(1)) == ledger.cases()[1]
    assert ledger.case(mac(3)) is None
    assert [one.mac for one in ledger.desired()] == [mac(1)]
    assert ledger.watched() == {mac(2)}
    assert (ledger.frozen, ledger.learning_until) == (None, START)
    assert ledger.policy.digest == "d1"


def test_a_fresh_install_isolates_nobody() -> None:
    site = Site(Policy(rules=(rule(),)))
    site.offend(1)
    assert site.ledger.learning_until == START + 7 * 86_400
    site.wait(7 * 86_400 - 1.0)
    site.judge(mac(1), "bad")
    assert site.isolated() == set()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (rule(mode="simulate"), "its time would be over"),
        (rule(action=WATCH), "its time is over"),
    ],
)
def test_what_takes_nothing_ends_by_itself(given: object, why: str) -> None:
    site = Site(policy(given))  # type: ignore[arg-type] # a rule
    site.offend(1)
    site.wait(3_599.0)
    assert site.state(1) is not None
    site.wait(1.0)
    assert (site.state(1), site.transitions()[-1].why) == (None, why)


# Who appears at a port


def test_who_appears_at_the_port_inherits_while_it_lasts() -> None:
    site = Site(policy(PORT))
    site.offend(1)
    site.now += 100.0
    site.move(site.add(2), 1)
    child = site.case(2)
    assert (child.origin, child.parent, child.until) == ("port", 1, START + 600)
    assert mac(1) in child.reason
    site.wait(500.0)
    assert site.isolated() == set()
    site.move(site.add(3), 1)
    assert site.state(3) is None


def test_who_appears_where_somebody_pretends_to_be_an_isolated_one_is_left_alone() -> None:
    site = Site(policy(PORT))
    site.offend(1)
    site.change(mac(1), twice=True)
    site.move(mac(1), 7)
    site.move(site.add(2), 7)
    assert site.state(2) is None
    assert site.warned() == ["spoofed"]
    site.change(mac(1), twice=False)
    site.tell(Moved(mac(2)))
    assert site.case(2).origin == "port"


def test_who_was_let_out_does_not_inherit_within_its_grace() -> None:
    site = Site(policy(replace(PORT, grace=300.0)))
    site.offend(1)
    site.offend(2)
    site.release(mac(2))
    site.report()
    assert site.state(2) == "released"
    site.move(mac(2), 1)
    assert site.state(2) == "released"


def test_who_inherits_counts_among_those_of_the_hour() -> None:
    site = Site(policy(PORT, caps=Caps(per_hour=2)))
    site.offend(1)
    site.move(site.add(2), 1)
    assert site.case(2).origin == "port"
    site.judge(site.add(3), "bad")
    assert site.state(3) == "simulated"
    assert (site.ledger.frozen or "").startswith("caps.per_hour")


def test_no_rule_fills_the_hook_beyond_its_size() -> None:
    site = Site(policy())
    for number in range(HARD_CAP):
        site.order(site.add(number))
    site.judge(site.add(HARD_CAP), "bad")
    assert site.state(HARD_CAP) == "simulated"
    assert len(site.isolated()) == HARD_CAP
    assert f"{HARD_CAP} is the most" in (site.ledger.frozen or "")


def test_who_was_there_before_is_left_alone() -> None:
    site = Site(policy(PORT))
    site.add(2, port=1)
    site.offend(1)
    site.tell(Moved(mac(2)))
    assert site.isolated() == {mac(1)}


def test_of_a_device_alone_nobody_inherits() -> None:
    site = Site(policy())
    site.offend(1)
    site.move(site.add(2), 1)
    assert site.isolated() == {mac(1)}


def test_protected_ones_do_not_inherit() -> None:
    site = Site(policy(PORT, protect=Devices(macs=(mac(2),))))
    site.offend(1)
    site.move(site.add(2), 1)
    assert (site.isolated(), site.warned()) == ({mac(1)}, ["protected"])


def test_who_inherits_counts_for_the_caps() -> None:
    site = Site(policy(PORT, caps=Caps(devices=3)))
    site.offend(1)
    for number in range(2, 7):
        site.move(site.add(number), 1)
    assert len(site.isolated()) == 3
    assert site.ledger.frozen is not None


def test_nobody_inherits_while_rules_pause() -> None:
    site = Site(policy(PORT))
    site.offend(1)
    site.replace(policy(PORT, learning=1e9))
    site.move(site.add(2), 1)
    assert site.isolated() == {mac(1)}


def test_who_is_only_suspected_inherits_and_who_is_isolated_does_not() -> None:
    rules = PORT, rule("ask", approve=True), rule("soft", LIMIT), rule("wait", delay=60.0)
    site = Site(policy(*rules))
    site.offend(1)
    site.judge(site.add(2), "ask")
    site.judge(site.add(3), "soft")
    site.judge(site.add(4), "wait")
    for number in (2, 3, 4):
        site.move(mac(number), 1)
    assert site.case(2).parent == site.case(4).parent == 1
    assert (site.case(3).parent, site.case(3).rule) == (None, "soft")


def test_a_move_of_who_is_unknown_or_free_is_nothing() -> None:
    site = Site(policy(PORT))
    site.tell(Moved(mac(9)))
    site.move(site.add(1), 4)
    assert site.outcomes == []


# The clock


def test_a_clock_that_is_set_back_holds_nobody_longer() -> None:
    site = Site(policy(rule(duration=600.0)))
    site.offend(1)
    site.report()
    site.wait(-86_400.0)
    assert site.case(1).until == START - 86_400 + 600
    site.wait(600.0)
    assert site.state(1) == "releasing"


def test_a_clock_that_goes_back_a_little_changes_no_end() -> None:
    site = Site(policy(rule(duration=600.0)))
    site.offend(1)
    site.report()
    site.wait(-3_000.0)
    site.wait(3_000.0)
    assert (site.case(1).until, site.state(1)) == (START + 600, "isolated")


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        ((-3_600.0,), START + 600),
        ((-3_601.0,), START - 3_001),
        ((-3_000.0, -3_000.0), START - 5_400),
    ],
)
def test_a_clock_was_set_when_it_is_an_hour_behind_the_latest_time(
    steps: tuple[float, ...], ends: float
) -> None:
    site = Site(policy(rule(duration=600.0)))
    site.offend(1)
    site.report()
    for step in steps:
        site.wait(step)
    assert site.case(1).until == ends


def test_an_hour_after_the_clock_was_set_back_its_isolations_are_not_of_the_last_hour() -> None:
    site = Site(policy(caps=Caps(per_hour=1)), began=0.0)
    site.offend(1)
    site.wait(-86_400.0)
    site.wait(3_600.0)
    site.offend(2)
    assert (site.state(2), site.ledger.frozen) == ("isolating", None)


def test_a_clock_that_was_set_back_counts_the_last_hour_on() -> None:
    site = Site(policy(caps=Caps(per_hour=1)), began=0.0)
    site.offend(1)
    site.wait(-86_400.0)
    site.offend(2)
    assert site.ledger.frozen is not None


def test_time_alone_does_nothing_to_nobody() -> None:
    ledger = Ledger(EMPTY, began=START, look=lambda _: None, mates=lambda _: ())
    assert ledger.step(Elapsed(), START) == []
    assert ledger.restore((), START) == []
    assert ledger.desired() == ()


def test_the_place_of_an_isolation_is_told_when_it_changes() -> None:
    site = Site(policy())
    site.offend(1)
    site.move(mac(1), 8, "sw2")
    assert site.wanted()
    assert site.ledger.desired()[0].place == Place("sw2", 8, 100)
    assert site.ledger.desired()[0].action == BLOCK

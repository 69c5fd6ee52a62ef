from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.actions import Place
from plugin.policy.caps import OFFENDERS, Ladder, Starts, breach, full
from plugin.policy.cases import Case
from plugin.policy.rules import DAY, HARD_CAP, Caps, Step
from tests.ledgers import BLOCK, LIMIT, QUARANTINE, START, mac, rule

WIDE = Caps(devices=100, percent=100.0, per_switch=100, per_hour=100)
HERE = Place("sw1", 1, 100)


def standing(count: int, **fields: object) -> list[Case]:
    one = Case(
        number=1, cookie=1, mac=mac(1), state="isolated", action=BLOCK, rule="bad", origin="rule",
        actor="bad", reason="", opened=START, changed=START, deadline=None, until=START,
        duration=60.0, place=HERE,
    )  # fmt: skip
    return [replace(one, number=n, **fields) for n in range(count)]  # type: ignore[arg-type] # so


def said(caps: Caps, cases: list[Case], *, devices: int = 100, lately: int = 0) -> str:
    return breach(caps, cases, HERE, devices=devices, lately=lately) or ""


@pytest.mark.parametrize(
    ("caps", "name"),
    [
        (replace(WIDE, devices=3), "caps.devices"),
        (replace(WIDE, percent=3.0), "caps.percent"),
        (replace(WIDE, per_switch=3), "caps.per_switch"),
    ],
)
def test_each_cap_holds_at_its_number(caps: Caps, name: str) -> None:
    assert said(caps, standing(2)) == ""
    assert said(caps, standing(3)).startswith(name)


def test_so_many_an_hour() -> None:
    caps = replace(WIDE, per_hour=3)
    assert said(caps, [], lately=2) == ""
    assert said(caps, [], lately=3).startswith("caps.per_hour")


def test_of_a_small_site_one_may_be_isolated() -> None:
    caps = replace(WIDE, percent=5.0)
    assert said(caps, [], devices=3) == ""
    assert said(caps, standing(1), devices=3).startswith("caps.percent")
    assert said(caps, standing(1), devices=39).startswith("caps.percent")
    assert said(caps, standing(1), devices=40) == ""


def test_caps_of_nought_let_nobody_be_isolated() -> None:
    assert said(replace(WIDE, devices=0), []).startswith("caps.devices")


def test_a_persons_own_do_not_count_and_found_ones_do() -> None:
    caps = replace(WIDE, devices=3, per_switch=3)
    assert said(caps, standing(9, origin="operator")) == ""
    assert said(caps, standing(3, origin="found")).startswith("caps.devices")
    assert said(caps, standing(3, origin="port")).startswith("caps.devices")


def test_other_switches_do_not_count_for_this_one_and_nowhere_is_one() -> None:
    caps = replace(WIDE, per_switch=2)
    assert said(caps, standing(5, place=Place("sw2", 1, 100))) == ""
    nowhere = standing(2, place=None)
    assert (breach(caps, nowhere, None, devices=9, lately=0) or "").endswith("no known switch")


def test_the_hook_is_full() -> None:
    assert full(HARD_CAP - 1) is None
    assert str(HARD_CAP) in (full(HARD_CAP) or "")


def test_starts_are_of_the_last_hour() -> None:
    starts = Starts()
    for time in (0.0, 10.0, 20.0):
        starts.add(START + time)
    assert starts.lately(START + 3_599) == 3
    assert starts.lately(START + 3_610) == 1
    starts.set_back(3_600.0)
    assert starts.lately(START + 10.0) == 1
    starts.forget()
    assert starts.lately(START) == 0


def offence(step: int = 0, **fields: object) -> Case:
    return replace(standing(1)[0], state="over", step=step, **fields)  # type: ignore[arg-type] # so


CLIMBS = rule(escalate=(Step(QUARANTINE, 60.0), Step(LIMIT, 60.0)), forget=DAY)


def test_an_offender_climbs_to_the_last_step_and_stays() -> None:
    ladder = Ladder()
    for step, following in ((0, 1), (1, 2), (2, 2), (7, 2)):
        ladder.note(offence(step))
        assert ladder.step(mac(1), CLIMBS, START + 60) == following


def test_good_conduct_and_other_rules_and_devices_begin_below() -> None:
    ladder = Ladder()
    ladder.note(offence())
    assert ladder.step(mac(1), CLIMBS, START + DAY) == 1
    assert ladder.step(mac(1), CLIMBS, START + DAY + 1) == 0
    assert ladder.step(mac(2), CLIMBS, START) == 0
    assert ladder.step(mac(1), replace(CLIMBS, name="other"), START) == 0


@pytest.mark.parametrize("fields", [{"origin": "operator"}, {"until": None}, {"origin": "port"}])
def test_what_no_rule_has_isolated_by_is_no_offence(fields: dict[str, Any]) -> None:
    ladder = Ladder()
    ladder.note(offence(**fields))
    assert ladder.step(mac(1), CLIMBS, START) == 0


def test_the_oldest_offenders_are_forgotten_first() -> None:
    ladder = Ladder()
    for number in range(OFFENDERS + 1):
        ladder.note(offence(mac=f"m{number}"))
    assert ladder.step("m0", CLIMBS, START) == 0
    assert ladder.step("m1", CLIMBS, START) == 1

"""What is late, forged, or told again, and clocks that jump: nobody is isolated for old deeds."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.actions import Action, Isolation
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.faucet.hook import PRIMING_MAC
from plugin.faucet.isolate import lay, read
from plugin.ml.verdict import Anomaly
from plugin.policy import cases as told
from tests.besieged import ATTACKER, CLIENT, SERVER, Besieged, scanners
from tests.playbook import START, found, policy, role, verdict

DAY = 86_400.0
PRINTERS = (
    "{name: printers, match: {roles: [Printer], windows: {at_least: 2, of: 3}}, action: block,"
    " mode: enforce, duration: 1h}"
)
ENOUGH = (
    "{name: enough, match: {roles: [Printer], min_captures: 4, windows: {at_least: 2, of: 3}},"
    " action: block, mode: enforce}"
)
BAD = Anomaly("anomalous", None, None, (found().finding,))


def site(rules: Any = None) -> Besieged:
    one = Besieged(scanners() if rules is None else rules).peopled()
    one.hear(ATTACKER)
    one.hear(SERVER, 1)
    one.hear(CLIENT, 2)
    one.wait(100)
    return one


@pytest.mark.parametrize("age", [-30 * DAY, -DAY, -3_700, -700, 60, 3_700, DAY, 30 * DAY, 1e9])
def test_a_finding_of_another_time_isolates_nobody(age: float) -> None:
    one = site()
    one.scan(ATTACKER, after=one.now - START + age)
    assert one.isolated() == []
    assert "behaviour" in one.alarms(ATTACKER)  # and it is told all the same
    one.wait(3_600, 30)
    assert one.isolated() == []
    view = one.engine.view(ATTACKER)
    assert view is not None
    assert view.state != "suspect"


def test_a_finding_of_a_moment_ago_does() -> None:
    for age in (-500.0, -1.0, 0.0, 3.0):
        one = site()
        one.scan(ATTACKER, after=one.now - START + age)
        assert one.isolated() == [ATTACKER]


@pytest.mark.parametrize("age", [-30 * DAY, -DAY, -7_200, DAY])
def test_a_capture_of_long_ago_isolates_nobody(age: float) -> None:
    """Captures that lay unjudged while Halia was down are judged at its start."""
    one = site()
    at = one.now - START + min(age, 0)
    one.tell(ev.Judged("old.pcap", verdict(ATTACKER, end=at, anomaly=BAD), None))
    isolated = [ATTACKER] if age > 0 else []  # one of the future is taken for one of now
    assert one.isolated() == isolated


def test_one_capture_counts_once_however_often_it_is_told() -> None:
    for rule in (PRINTERS, ENOUGH):
        one = site(policy(rule))
        for n in range(6):
            one.wait(10)
            one.tell(ev.Judged("same.pcap", verdict(ATTACKER, end=n, role=role()), None))
        assert one.isolated() == []
        for n in (2, 3, 4):
            one.tell(ev.Judged(f"{n}.pcap", verdict(ATTACKER, end=100, role=role()), None))
            assert bool(one.isolated()) == (n >= (2 if rule == PRINTERS else 4))


def test_a_finding_that_is_told_a_hundred_times_is_one_case() -> None:
    one = site()
    for _ in range(100):
        one.scan(ATTACKER)
    steps = [c.transition for c in one.commands if isinstance(c, do.AnnounceDecision)]
    assert [step.case.state for step in steps] == ["isolating", "isolated"]
    assert one.isolated() == [ATTACKER]


NOBODYS = (
    "ff:ff:ff:ff:ff:ff",
    "01:00:5e:00:00:fb",
    "33:33:00:00:00:01",
    "01:80:c2:00:00:00",
    "00:00:00:00:00:00",
    "02:00:00:00:99:99",
)


@pytest.mark.parametrize("mac", NOBODYS)
def test_verdicts_about_nobody_isolate_nobody(mac: str) -> None:
    one = site(policy(PRINTERS, "{name: scan, match: {behaviours: [horizontal-scan]},"
                      " action: block, mode: enforce}"))  # fmt: skip
    for n in range(4):
        one.wait(20)
        one.scan(mac)
        at = one.now - START
        one.tell(ev.Judged(f"{n}.pcap", verdict(mac, end=at, anomaly=BAD), "name"))
    assert one.isolated() == []
    with pytest.raises(told.DeniedOrder):
        one.order(told.Ordered(mac, Action(kind="block"), 60.0, "ann", "-"))
    if int(mac[:2], 16) & 1:  # even if a switch should tell of it
        one.hear(mac)
        one.scan(mac)
        assert one.isolated() == []
        assert one.engine.registry.get(mac) is None
    assert not [c for c in one.commands if isinstance(c, do.AnnounceDecision)]


def test_the_hook_s_own_address_is_isolated_as_any_other_and_comes_back() -> None:
    """Whoever takes the address of the hook's first rule does not confuse who reads the file."""
    one = site()
    one.hear(PRIMING_MAC)
    one.scan(PRIMING_MAC)
    assert one.isolated() == [PRIMING_MAC]
    one.scan(ATTACKER)
    assert one.isolated() == sorted([ATTACKER, PRIMING_MAC])
    one.wait(4_000, 60)
    assert one.isolated() == []


def test_spellings_that_are_no_address_are_refused_by_the_renderer() -> None:
    one = site()
    for mac in (*NOBODYS[:4], "02:00:00:00:00:0A", "02-00-00-00-00-0a", "x", "", f"{SERVER}/ff"):
        wish = Isolation(cookie=9, mac=mac, action=Action(kind="block"))
        laid = lay((wish,), one.site.ground)
        assert set(laid.refused) == {9}
        assert read(one.site.stages(laid.stages)) == ()


# Clocks


@pytest.mark.parametrize("days", [1, 30, 3_650])
def test_a_clock_that_leaps_ahead_ends_and_begins_nothing_wrong(days: int) -> None:
    one = site()
    one.scan(ATTACKER)
    assert one.isolated() == [ATTACKER]
    one.now += days * DAY
    one.tell(ev.Tick())
    assert one.isolated() == []  # its hour is over by any clock
    one.hear(CLIENT, 2)
    one.wait(700, 50)
    assert one.isolated() == []


@pytest.mark.parametrize("days", [0.05, 1, 30, 3_650])
def test_a_clock_that_is_set_back_holds_nobody_longer_and_nobody_new(days: float) -> None:
    one = site()
    one.scan(ATTACKER)
    one.wait(600)
    one.now -= days * DAY
    one.tell(ev.Tick())
    assert one.isolated() == [ATTACKER]
    one.wait(2_900, 50)
    assert one.isolated() == [ATTACKER]
    one.wait(200, 50)
    assert one.isolated() == []
    one.wait(3_600, 50)
    assert one.isolated() == []  # what is remembered of its scan is of the future now


def test_a_clock_that_goes_back_and_forth_does_not_wear_the_caps_out() -> None:
    one = Besieged(scanners("caps: {devices: 200, percent: 100, per_switch: 200, per_hour: 3}"))
    one.peopled(50)
    macs = [f"0c:11:00:00:00:{n:02x}" for n in range(20)]
    for n, mac in enumerate(macs):
        one.hear(mac, (1, 2, 3, 10, 11)[n % 5])
    one.wait(100)
    began = one.now
    for n, mac in enumerate(macs):
        one.now = began + (n % 3 - 1) * 600.0  # never more than an hour apart
        one.scan(mac)
    assert len(one.isolated()) <= 3
    assert one.engine.deciding.frozen() is not None


@pytest.mark.parametrize("learning", ["1d", "7d"])
def test_a_learning_period_is_not_begun_anew_by_a_clock_set_back(learning: str) -> None:
    """Nor ended by nothing: while the clock says so, nobody is isolated."""
    restored = ev.Restored((), (), began=START - 10 * DAY)
    one = Besieged(scanners(learning=learning), restored=restored).peopled(30)
    one.hear(ATTACKER)
    one.wait(100)
    one.now -= 9.9 * DAY
    one.hear(ATTACKER)
    one.scan(ATTACKER)
    assert one.isolated() == []
    one.now += 9.9 * DAY
    one.wait(10)
    one.scan(ATTACKER)
    assert one.isolated() == [ATTACKER]

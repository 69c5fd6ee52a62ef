"""Too much at once: addresses made up by the thousand, verdicts about half of the network."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from plugin.actions import Action
from plugin.engine import Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine.deciding import AT_ONCE, Deciding
from plugin.ml.verdict import Anomaly
from plugin.policy import cases as told
from plugin.policy.caps import OFFENDERS
from plugin.policy.remembered import from_document, to_document
from plugin.policy.steps import WARNED_MAX
from plugin.registry import Limits
from tests.besieged import (
    ATTACKER,
    ATTACKER_PORT,
    CLIENT,
    CLIENT_PORT,
    SERVER,
    SERVER_PORT,
    WIDE,
    Besieged,
    forged,
    scanners,
)
from tests.playbook import START, found, policy, verdict

if TYPE_CHECKING:
    from plugin.policy.rules import Policy

PORT = ", scope: port"
MANY = 8
"""Of a port (protect: many_macs), as usual."""


def innocent(n: int) -> str:
    return f"0c:00:00:00:{n >> 8:02x}:{n & 255:02x}"


def hop(one: Besieged, times: int, first: int = 0) -> None:
    """A new address each second, each seen to scan."""
    for n in range(first, first + times):
        one.hear(forged(n))
        one.scan(forged(n))
        one.wait(1, 1)


# One port, many addresses


@pytest.mark.parametrize("scope", ["", PORT], ids=["device", "port"])
@pytest.mark.parametrize("head", ["", WIDE], ids=["usual", "wide"])
def test_who_hops_from_address_to_address_hits_nobody_else(head: str, scope: str) -> None:
    one = Besieged(scanners(head, scope)).peopled()
    one.hear(CLIENT, CLIENT_PORT)
    one.hear(SERVER, SERVER_PORT)
    hop(one, 120)
    isolated = one.isolated()
    assert isolated
    assert len(isolated) < MANY  # then it is a port with many devices: nobody's
    assert set(isolated) <= {forged(n) for n in range(MANY)}
    assert "protected" in one.alarms() or "caps" in one.alarms()
    assert len(one.engine.deciding.wanted()) == len(isolated)
    one.wait(4_000, 60)
    assert one.isolated() == []


def test_with_the_usual_caps_a_hopper_stops_rules_and_it_is_told_once() -> None:
    one = Besieged(scanners()).peopled()
    hop(one, 300)
    assert len(one.isolated()) <= 5
    assert one.alarms().count("caps") == 1
    assert one.engine.deciding.frozen() is not None


def test_a_neighbour_at_the_hoppers_port_is_left_alone() -> None:
    """With ``scope: port`` only who appears after the first one is taken in."""
    for scope in ("", PORT):
        one = Besieged(scanners(WIDE, scope)).peopled()
        one.hear(CLIENT, ATTACKER_PORT)
        one.wait(100)
        hop(one, 3)
        assert len(one.isolated()) == 3
        one.hear(CLIENT, ATTACKER_PORT, vid=200)  # it is told of anew
        hop(one, 60, 3)
        assert one.isolated()
        assert CLIENT not in one.isolated()


def test_a_protected_port_stays_free_however_often_it_changes_its_address() -> None:
    one = Besieged(scanners(f"protect: {{ports: ['sw1:{ATTACKER_PORT}']}}\n{WIDE}", PORT)).peopled()
    hop(one, 40)
    assert one.isolated() == []
    assert one.alarms().count("protected") >= 40


def test_nothing_grows_without_bound_while_addresses_hop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 200
    assert WARNED_MAX < 10_000
    assert OFFENDERS < 100_000
    monkeypatch.setattr("plugin.policy.steps.WARNED_MAX", 50)
    options = Options(limits=Limits(devices=most), feed=False)
    one = Besieged(scanners(WIDE, PORT), options=options).peopled(20)
    one.hear(SERVER, SERVER_PORT)
    hop(one, 10)
    held = one.isolated()
    sizes = []
    for turn in range(4):
        hop(one, 2 * most, 1_000 + turn * 2 * most)
        sizes.append(_size(one.engine))
        assert len(one.engine) <= most + len(held)
        assert one.isolated() == held
    assert max(sizes[1:]) <= sizes[0] * 1.05


def _size(thing: Any, seen: set[int] | None = None) -> int:
    """Count what hangs together with an object, alarms told (bounded by themselves) apart."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | type(None)):
        return 0
    seen.add(id(thing))
    if isinstance(thing, dict):
        return 2 * len(thing) + sum(_size(part, seen) for part in thing.values())
    if isinstance(thing, list | tuple | set | frozenset | deque):
        return len(thing) + sum(_size(part, seen) for part in thing)
    if type(thing).__name__ in {"Alarms", "Policy"}:
        return 0
    names = [*getattr(thing, "__dict__", ()), *getattr(type(thing), "__slots__", ())]
    parts = [getattr(thing, name, None) for name in names]
    return len(parts) + sum(_size(part, seen) for part in parts)


# Ten thousand of them


def test_made_up_addresses_make_no_room_for_more_isolations() -> None:
    """A percentage is of the devices that could be isolated, not of what a port claims."""
    rules = scanners("caps: {devices: 200, percent: 5, per_switch: 200, per_hour: 1000}")
    one = Besieged(rules).peopled(100)
    for n in range(10_000):
        one.hear(forged(n))
    bad = [f"0c:11:00:00:00:{n:02x}" for n in range(28)]
    for n, mac in enumerate(bad):
        one.hear(mac, (1, 2, 10, 11)[n % 4])
    one.wait(1)
    for mac in bad:
        one.scan(mac)
    assert 1 <= len(one.isolated()) <= 7  # 5 % of 100 and of 7 or 8 at each of five ports
    assert one.alarms().count("caps") == 1


def test_each_tick_does_little_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    whole = Deciding.device

    def counted(deciding: Deciding, mac: str, now: float) -> list[Any]:
        looked.append(mac)
        return whole(deciding, mac, now)

    monkeypatch.setattr(Deciding, "device", counted)
    one = Besieged(scanners()).peopled(10)
    for n in range(10_000):
        one.hear(forged(n))
    looked.clear()
    everybody = "{name: all, match: {vlans: [100]}, action: watch, mode: simulate}"
    one.tell(ev.PolicyRead(policy(everybody)))
    assert looked == []
    for _ in range(3):
        one.wait(1, 1)
        assert len(looked) <= AT_ONCE
        looked.clear()
    for n in range(2_000):  # many of them at another port
        one.engine.step(_learned(one, forged(n), 10), one.now)
    looked.clear()
    one.now += 61
    for _ in range(3):
        one.wait(1, 1)
        assert len(looked) <= AT_ONCE
        looked.clear()


def _learned(one: Besieged, mac: str, port: int) -> Any:
    from tests.playbook import learned

    return learned(mac, after=one.now - START, port=port, address=None)


def test_who_is_isolated_or_protected_stays_so_when_the_table_overflows() -> None:
    options = Options(limits=Limits(devices=500), feed=False)
    one = Besieged(scanners(f"protect: {{macs: ['{SERVER}']}}"), options=options).peopled(50)
    one.hear(SERVER, SERVER_PORT)
    one.hear(ATTACKER)
    one.wait(100)
    one.scan(ATTACKER)
    for n in range(10_000):
        one.hear(forged(n), 10)
    assert one.isolated() == [ATTACKER]
    assert one.engine.view(ATTACKER) is not None
    one.scan(SERVER)
    one.hear(SERVER, SERVER_PORT)
    one.wait(1)
    one.scan(SERVER)
    assert one.isolated() == [ATTACKER]
    one.wait(3_700, 60)
    assert one.isolated() == []
    one.wait(9_000, 60)
    assert one.engine.view(ATTACKER) is None  # nor is it kept for ever


# Half of the network


CAPPED = "caps: {devices: 4, percent: 50, per_switch: 3, per_hour: 4}"


def network(rules: Policy, restored: ev.Restored | None = None) -> Besieged:
    one = Besieged(rules, restored=restored).peopled(60)
    for n, port in enumerate((1, 2, 3, 10, 11)):
        for k in range(5):
            one.hear(innocent(1_000 + 5 * n + k), port)
    one.wait(100)
    return one


def half() -> list[str]:
    return [innocent(1_000 + n) for n in range(25)] + [innocent(n) for n in range(20)]


def accuse(one: Besieged, *, by: str) -> None:
    bad = Anomaly("anomalous", None, None, (found().finding,))
    for mac in half():
        if by == "finding":
            one.scan(mac)
        else:
            at = one.now - START
            one.tell(ev.Judged(f"{mac}.{at}.pcap", verdict(mac, end=at, anomaly=bad), None))


@pytest.mark.parametrize("by", ["finding", "verdict"])
def test_verdicts_about_half_of_the_network_isolate_a_few_and_no_more(by: str) -> None:
    one = network(scanners(CAPPED))
    accuse(one, by=by)
    held = one.isolated()
    assert len(held) == 3  # all at one switch that has the hook
    assert one.alarms().count("caps") == 1
    for _ in range(5):
        accuse(one, by=by)
        one.wait(200)
        assert one.isolated() == held
    assert one.alarms().count("caps") == 1
    one.wait(4_000, 60)
    accuse(one, by=by)
    assert one.isolated() == []  # they came back by themselves, and still nobody is isolated
    one.order(told.Thawed("ann", "the model was wrong"))
    accuse(one, by=by)
    assert 1 <= len(one.isolated()) <= 3
    assert one.alarms().count("caps") == 2


def test_frozen_stays_frozen_over_a_restart_and_nobody_is_lost() -> None:
    one = network(scanners(CAPPED))
    accuse(one, by="finding")
    held = one.isolated()
    kept = [entry for entry in one.commands if isinstance(entry, do.Record)]
    frozen = [entry.body["frozen"] for entry in kept if entry.kind == "caps"][-1]
    cases = [from_document(to_document(case)) for case in one.engine.deciding.cases()]
    again = network(scanners(CAPPED), ev.Restored((), (), tuple(cases), START - 1e7, frozen))
    assert again.isolated() == held
    accuse(again, by="finding")
    assert again.isolated() == held
    again.order(told.Thawed("ann", "seen"))
    accuse(again, by="finding")
    assert again.isolated() == held  # they still stand: the caps are full
    assert again.engine.deciding.frozen() is not None


def test_a_policy_that_is_read_again_thaws_nothing() -> None:
    one = network(scanners(CAPPED))
    accuse(one, by="finding")
    held = one.isolated()
    one.tell(ev.PolicyRead(scanners(WIDE)))
    accuse(one, by="finding")
    one.wait(60)
    assert one.isolated() == held


def test_no_wish_is_ever_larger_than_the_hook() -> None:
    one = Besieged(scanners("caps: {devices: 200, percent: 100, per_switch: 200, per_hour: 10000}"))
    macs = [innocent(n) for n in range(400)]
    for n, mac in enumerate(macs):
        one.hear(mac, n // 7 + 1, dp_name=f"s{n // 350}")
    where = {(f"s{s}", p): ev.PortKind(hooked=True) for s in range(2) for p in range(1, 60)}
    one.tell(ev.Ports(where))
    one.wait(100)
    for mac in macs:
        one.scan(mac)
    assert len(one.isolated()) == 200
    assert one.engine.deciding.frozen() is not None


def test_nor_if_persons_order_more() -> None:
    one = Besieged(scanners(WIDE)).peopled(0)
    macs = [innocent(n) for n in range(210)]
    one.tell(ev.Ports({("s", p): ev.PortKind(hooked=True) for p in range(60)}))
    denied = []
    for n, mac in enumerate(macs):
        one.hear(mac, n // 7, dp_name="s")
        try:
            one.order(told.Ordered(mac, Action(kind="block"), 60.0, "ann", "-"))
        except told.DeniedOrder as error:
            denied.append(str(error))
    assert len(one.isolated()) == 200
    assert len(denied) == 10
    assert "200 is the most" in denied[0]

"""Findings wait for the file that holds their evidence; then the policy looks at their device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.engine import commands as do
from plugin.engine.alarms import Alarms
from plugin.engine.findings import AT_ONCE, FINDING_WAIT, Findings
from plugin.engine.roll import Roll
from plugin.engine.suspicion import SUSPECT_SECONDS
from plugin.engine.view import Tracked
from plugin.registry import Registry
from tests.playbook import START, A, B, found, learned

if TYPE_CHECKING:
    from plugin.engine.commands import Command


class Site:
    """Findings of two devices, and whom the policy was to look at."""

    def __init__(self) -> None:
        registry = Registry()
        registry.step(learned(), START)
        self.looked: list[str] = []
        self.roll = Roll(registry, lambda _: None, lambda _: False)
        self.findings = Findings(self.roll, registry, Alarms(), self.look)

    def look(self, mac: str, now: float) -> list[Command]:
        del now
        self.looked.append(mac)
        return [do.Forget("looked")]

    def of(self, mac: str = A, capture: str | None = None) -> Tracked:
        tracked = self.roll.track(mac, START)
        tracked.open_capture = capture
        return tracked


def captures(commands: list[Command]) -> list[str]:
    return [one.capture for one in commands if isinstance(one, do.AnnounceFinding)]


def test_the_policy_looks_once_the_finding_was_announced_with_its_file() -> None:
    site = Site()
    assert site.findings.behaved(found(), site.of(), START) == [do.Show(A)]
    assert site.looked == []
    commands = site.findings.opened(site.of(capture="one.pcap"), START + 1)
    assert captures(commands) == ["one.pcap"]
    assert commands[-1] == do.Forget("looked")
    assert site.looked == [A]
    assert site.findings.opened(site.of(capture="two.pcap"), START + 2) == []


def test_a_file_of_another_device_is_not_what_it_waits_for() -> None:
    site = Site()
    site.findings.behaved(found(), site.of(), START)
    assert site.findings.opened(site.of(B, "b.pcap"), START + 1) == []
    assert captures(site.findings.late(START + FINDING_WAIT)) == [f"live_02000000000a_{START:.0f}"]
    assert site.findings.late(START + 99) == []


def test_of_many_devices_some_are_told_at_a_time() -> None:
    site = Site()
    macs = [f"02:00:00:00:01:{n:02x}" for n in range(AT_ONCE + 3)]
    for mac in macs:
        site.findings.behaved(found(mac), site.of(mac), START)
    site.findings.behaved(found(B, after=2), site.of(B), START + 2)
    assert len(captures(site.findings.late(START + FINDING_WAIT))) == AT_ONCE
    assert len(captures(site.findings.late(START + FINDING_WAIT))) == 3
    assert site.looked == macs
    assert site.findings.late(START + FINDING_WAIT) == []
    assert len(captures(site.findings.late(START + FINDING_WAIT + 2))) == 1


def test_all_that_waits_is_told_at_the_end() -> None:
    site = Site()
    site.findings.behaved(found(), site.of(), START)
    site.findings.behaved(found(name="beacon"), site.of(), START)
    site.of().ended_capture = "last.pcap"
    assert captures(site.findings.ending(START + 1)) == ["last.pcap"] * 2
    assert site.findings.ending(START + 1) == []


def test_the_same_again_is_looked_at_again_and_announced_once_a_file() -> None:
    site = Site()
    commands: list[Command] = []
    for after in (0, 400, 800):
        tracked = site.of(capture="one.pcap")
        commands += site.findings.behaved(found(after=after), tracked, START + after)
    assert captures(commands) == ["one.pcap"]
    assert sum(isinstance(one, do.Alarm) for one in commands) == 3
    assert site.looked == [A, A, A]


def test_an_old_finding_counts_no_more() -> None:
    site = Site()
    site.findings.behaved(found(), site.of(capture="one.pcap"), START)
    assert site.findings.forgive(START + SUSPECT_SECONDS - 1) == []
    assert site.of().sighted
    assert site.findings.forgive(START + SUSPECT_SECONDS + 1) == [do.Show(A)]
    assert not site.of().sighted
    assert site.findings.forgive(START + 2 * SUSPECT_SECONDS) == []

"""All detectors on one stream."""

from __future__ import annotations

from plugin.ml.behaviour import Behaviours
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import ArpScanParameters, Parameters
from plugin.ml.behaviour.scan import HorizontalScan, VerticalScan
from plugin.traffic import Answered, Arp, Counted, Event, Opened, Passed

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def test_failed_openings_reach_the_scan_detectors_and_answered_ones_do_not() -> None:
    for answered in (False, True):
        behaviours, found = Behaviours(Parameters()), []
        for i in range(30):
            opened = Opened(i * SECOND // 10, i, "m", 6, IP, IP[:-1] + bytes([i]), 5, 443)
            found += behaviours.step(opened)
            if answered:
                found += behaviours.step(Answered(opened.time + 1, opened, refused=False))
        found += behaviours.step(Counted(60 * SECOND, "m", IP, "udp", 1))
        names = [one.finding.name for one in found]
        assert names == ([] if answered else ["horizontal-scan"])


def test_a_sweep_after_which_nothing_more_is_sent_is_named_when_time_has_passed() -> None:
    behaviours = Behaviours(Parameters(arp_scan=ArpScanParameters(targets=5, answers=1)))
    asked = [Arp(i, "bad", 1, "bad", IP, IP[:-1] + bytes([9 + i])) for i in range(6)]
    there = Arp(7, "m", 2, "m", asked[0].target_ip, IP)
    events: list[Event] = [*asked, there, Passed(3 * SECOND)]
    assert [one for event in events for one in behaviours.step(event)] == []
    (found,) = behaviours.step(Passed(4 * SECOND))
    assert (found.mac, found.finding.name) == ("bad", "arp-scan")


def test_a_flood_of_openings_to_ever_new_addresses_keeps_a_bounded_number_of_items() -> None:
    """One host that asks all addresses there are: what is kept of it has an end."""
    behaviours = Behaviours(Parameters())
    found = []
    for i in range(120_000):  # 36,000 a second
        target = bytes(10) + b"\xff\xff\x0b" + i.to_bytes(3, "big")
        found += behaviours.step(Opened(i * 27_777, i, "m", 6, IP, target, 5, 445))
    assert [one.finding.name for one in found] == ["horizontal-scan"]
    horizontal, vertical = behaviours._scans
    assert isinstance(horizontal, HorizontalScan)
    assert isinstance(vertical, VerticalScan)
    assert [window.count for window in horizontal._windows.values()] == [100]
    assert horizontal._windows.held == 100
    assert len(vertical._windows) == vertical._windows.held == 20_000
    assert len(behaviours._attempts._waiting) == 50_000

"""Scans: thresholds, windows, episodes."""

from __future__ import annotations

import pytest

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import PortScanParameters, ScanParameters
from plugin.ml.behaviour.scan import HorizontalScan, VerticalScan
from plugin.traffic import Opened

ME = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def failed(number: int, seconds: float, host: int, port: int, proto: int = 6) -> Opened:
    target = ME[:-2] + host.to_bytes(2, "big")
    return Opened(round(seconds * SECOND), number, "m", proto, ME, target, 40_000, port)


def made(
    kind: type[HorizontalScan | VerticalScan],
    *,
    targets: int,
    window: float = 60,
    repeat: float = 300,
) -> HorizontalScan | VerticalScan:
    if kind is HorizontalScan:
        return HorizontalScan(ScanParameters(targets, window, repeat))
    return VerticalScan(PortScanParameters(targets, window, repeat=repeat))


@pytest.mark.parametrize("kind", [HorizontalScan, VerticalScan])
@pytest.mark.parametrize("spacing", [0.1, 2.4, 2.6])
def test_so_many_distinct_targets_within_the_window(
    kind: type[HorizontalScan | VerticalScan], spacing: float
) -> None:
    detector = made(kind, targets=25, window=60)
    found = []
    for i in range(25):
        host, port = (i, 445) if kind is HorizontalScan else (9, i)
        found += list(detector.step(failed(i, i * spacing, host, port)))
    # 25 targets 2.6 s apart take more than a minute.
    assert len(found) == (0 if spacing == 2.6 else 1)
    if found:
        (one,) = found
        assert (one.mac, one.finding.score, one.finding.threshold) == ("m", 25, 25)
        assert len(one.finding.evidence) == 5


def test_the_same_target_again_and_other_protocols_do_not_count() -> None:
    detector = HorizontalScan(ScanParameters())
    assert [f for i in range(99) for f in detector.step(failed(i, i / 10, i % 24, 445))] == []
    assert [f for i in range(99) for f in detector.step(failed(i, i / 10, i, 0, 1))] == []


def test_an_episode_is_told_again_after_a_while() -> None:
    detector = HorizontalScan(ScanParameters(targets=5, repeat=10))
    times = [one.time / SECOND for i in range(40) for one in detector.step(failed(i, i, i, 22))]
    assert times == [4, 14, 24, 34]


@pytest.mark.parametrize(("kind", "what"), [(HorizontalScan, "hosts"), (VerticalScan, "ports")])
def test_far_more_than_the_threshold_are_told_as_at_least_so_many(
    kind: type[HorizontalScan | VerticalScan], what: str
) -> None:
    detector = made(kind, targets=40, repeat=1)
    found = []
    for i in range(1_000):
        host, port = (i, 445) if kind is HorizontalScan else (9, i)
        found += list(detector.step(failed(i, i / 100, host, port)))
    assert [int(one.finding.score) for one in found] == [40, 140, *[160] * 8]
    words = [one.finding.reasons[0].split(f" {what} ")[0] for one in found]
    assert words == ["40", "140", *["at least 160"] * 8]


def test_hosts_that_are_asked_again_and_again_take_no_room() -> None:
    detector, found = HorizontalScan(ScanParameters(targets=25)), []
    for i in range(25 * 50):  # each of them fifty times, one after another
        found += list(detector.step(failed(i, i / 100, i // 50, 22)))
    assert [one.finding.score for one in found] == [25]
    assert len(found[0].finding.evidence) == 5


def ports_asked(*times: float) -> list[str]:
    detector = VerticalScan(PortScanParameters())
    asked = [failed(i, time, 9, i) for i, time in enumerate(times)]
    return [one.finding.reasons[0] for event in asked for one in detector.step(event)]


def test_ten_ports_within_five_milliseconds_are_a_scan() -> None:
    (told,) = ports_asked(*(i / 2_000 for i in range(11)))
    assert told.startswith("10 ports of")
    assert told.endswith("in 0.005 s, none answered")
    assert ports_asked(*(i / 2_000 for i in range(9))) == []
    assert ports_asked(*(i / 1_000 for i in range(24))) == []
    # Refusals are told before silences that began earlier.
    late = [1 + i / 10 for i in range(8)]
    assert (
        len(ports_asked(*(i / 2_000 for i in range(5)), *late, *(i / 2_000 for i in range(5)))) == 1
    )

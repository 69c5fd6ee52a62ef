"""Scans: thresholds, windows, episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import PortScanParameters, ScanParameters
from plugin.ml.behaviour.scan import HorizontalScan, VerticalScan, at_port
from plugin.traffic import Answered, Opened

if TYPE_CHECKING:
    from plugin.traffic import Event

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
        return HorizontalScan(ScanParameters(targets, window, repeat=repeat))
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


def answered(number: int, seconds: float, host: int, port: int) -> Answered:
    opened = failed(number, seconds, host, port)
    return Answered(opened.time + 1, opened, refused=False)


def test_hosts_that_answer_at_the_port_count_against_it() -> None:
    for others, told in ((12, 1), (13, 0)):
        detector, found = HorizontalScan(ScanParameters()), []
        for i in range(others):
            found += list(detector.step(answered(i, i, 100 + i, 445)))
            found += list(detector.step(answered(i, i, 200 + i, 80)))
        for i in range(25):
            found += list(detector.step(failed(i, 20 + i, i, 445)))
        assert len(found) == told
    detector = HorizontalScan(ScanParameters())
    events: list[Event] = [answered(i, 0, 100 + i, 445) for i in range(90)]
    events += [failed(i, 61 + i, i, 445) for i in range(25)]
    assert len([one for event in events for one in detector.step(event)]) == 1  # long ago


def test_of_very_many_hosts_the_last_are_looked_at() -> None:
    detector, found = HorizontalScan(ScanParameters(repeat=1)), []
    for i in range(3_000):  # each tenth answers
        event = failed(i, i / 1_000, i, 445) if i % 10 else answered(i, i / 1_000, i, 445)
        found += list(detector.step(event))
    reasons = [one.finding.reasons[0] for one in found]
    assert reasons[0] == "25 hosts on TCP port 445 in 60 s, none answered (3 others did)"
    assert reasons[1].startswith("at least 100 hosts")
    assert "(11 others did)" in reasons[1]


AWAY = bytes(10) + b"\xff\xff" + bytes((203, 0, 113, 9))


def outside(event: Opened) -> Opened:
    return event._replace(resp_ip=AWAY[:-2] + event.resp_ip[-2:])


def test_while_the_way_out_is_down_silence_outside_is_no_scan() -> None:
    """Told only if somebody outside answered before, and nobody since."""
    before = Answered(0, outside(failed(99, 0, 99, 53)), refused=False)
    silence: list[Event] = [outside(failed(i, 1 + i, i, 443)) for i in range(30)]
    since = before._replace(time=40 * SECOND)

    def found(*events: Event) -> int:
        detector = HorizontalScan(ScanParameters())
        return len([one for event in events for one in detector.step(event)])

    assert found(before, *silence) == 0
    assert found(*silence) == 1  # perhaps answers cannot be seen at all
    assert found(before, since, *silence) == 1
    assert found(before, since._replace(refused=True), *silence) == 1
    assert found(before, *(failed(i, 1 + i, i, 443) for i in range(30))) == 1  # inside
    assert found(before, *(outside(failed(i, 1 + i, i, 445)) for i in range(30))) == 1
    assert found(before, before._replace(opened=failed(9, 1, 9, 443)), *silence) == 0


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


def test_all_ports_of_a_traceroute_are_one() -> None:
    first = [33_434, 33_434, 33_524, 33_433, 44_444, 44_444, 44_508]
    asked = [33_434, 33_523, 33_524, 33_433, 44_444, 44_507, 44_508]
    assert [at_port(17, port) for port in asked] == first
    assert at_port(6, 33_500) == 33_500

"""Who asks for addresses that are nobody's, and who only looks as if."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from plugin.ml.behaviour.arp_scan import REPLY, REQUEST, ArpScan
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import ArpScanParameters
from plugin.traffic import Arp, Event, Passed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.ml.behaviour.finding import Found

SMALL = ArpScanParameters(targets=5, window=60, grace=3, answers=1)


def ip(number: int) -> bytes:
    return bytes(10) + b"\xff\xff" + bytes((10, 0, number >> 8, number & 255))


def asks(time: float, target: int, sender: int = 1, mac: str = "bad") -> Arp:
    return Arp(round(time * SECOND), mac, REQUEST, mac, ip(sender), ip(target))


def answers(time: float, owner: int, to: int = 1) -> Arp:
    mac = f"m{owner}"
    return Arp(round(time * SECOND), mac, REPLY, mac, ip(owner), ip(to))


def passed(time: float) -> Passed:
    return Passed(round(time * SECOND))


def told(events: Iterable[Event], parameters: ArpScanParameters = SMALL) -> list[Found]:
    detector = ArpScan(parameters)
    return [one for event in events for one in detector.step(event)]


GATEWAY = [asks(0, 99), answers(0.01, 99)]
"""The answers of the one who asks can be seen."""


def test_so_many_addresses_in_vain_are_told_once_with_what_was_seen() -> None:
    (found,) = told([*GATEWAY, *(asks(1 + i / 10, 10 + i) for i in range(9)), passed(30)])
    assert (found.mac, found.finding.name, found.time) == ("bad", "arp-scan", 14 * SECOND // 10)
    assert (found.finding.score, found.finding.threshold) == (5.0, 5.0)
    assert found.finding.reasons == ("6 addresses asked for by ARP in 60 s, 1 answered",)
    assert found.finding.evidence == tuple(f"10.0.0.{10 + i}" for i in range(5))


def test_nothing_is_said_before_the_grace_is_over() -> None:
    events = [*GATEWAY, *(asks(1, 10 + i) for i in range(5))]
    assert told([*events, passed(4)]) == []
    assert len(told([*events, passed(4.001)])) == 1


def test_fewer_than_so_many_or_slower_or_the_same_again_are_none() -> None:
    assert told([*GATEWAY, *(asks(1 + i, 10 + i) for i in range(4)), passed(30)]) == []
    assert told([*GATEWAY, *(asks(1 + 16 * i, 10 + i) for i in range(9)), passed(300)]) == []
    assert told([*GATEWAY, *(asks(1 + i, 10 + i % 4) for i in range(90)), passed(300)]) == []


def test_who_says_who_he_is_asks_for_nobody() -> None:
    announced = [asks(1 + i / 10, 10 + i, sender=10 + i) for i in range(20)]
    assert told([*GATEWAY, *announced, passed(30)]) == []


def test_announcements_wait_for_nobody_even_where_who_was_heard_is_soon_forgotten() -> None:
    announced = [asks(1 + i / 10, 10 + i, sender=10 + i) for i in range(20)]
    assert told([*GATEWAY, *announced, passed(30)], SMALL._replace(tracked=3)) == []
    detector = ArpScan(SMALL)
    assert [one for event in announced for one in detector.step(event)] == []
    assert not detector._waiting


def test_a_question_that_is_asked_again_waits_from_when_it_was_asked_first() -> None:
    again = [asks(1 + i, 10 + n) for i in range(4) for n in range(5)]  # at 1, 2, 3 and 4 s
    assert told([*GATEWAY, *again, passed(4)]) == []
    (found,) = told([*GATEWAY, *again, passed(4.1)])
    assert found.time == SECOND
    # An answer to the first is not forgotten when it is asked again.
    answered = [answers(1.5, 10 + n) for n in range(5)]
    assert told([*GATEWAY, *again[:5], *answered, *again[5:10], passed(30)]) == []


def test_probes_count_for_one_has_few_addresses_to_probe() -> None:
    for nobody in (bytes(16), ip(0)[:12] + bytes(4)):
        probes = [asks(1 + i / 10, 10 + i)._replace(sender_ip=nobody) for i in range(6)]
        assert len(told([*GATEWAY, *probes, passed(30)])) == 1


def test_where_nobody_is_ever_answered_answers_cannot_be_seen() -> None:
    sweep: list[Event] = [*(asks(1 + i / 10, 10 + i) for i in range(50)), passed(30)]
    assert told(sweep) == []
    # Another's answer proves nothing about this one's.
    assert told([asks(0, 99, 2, "good"), answers(0.01, 99, to=2), *sweep]) == []
    assert told([*GATEWAY, *sweep], SMALL._replace(answers=2)) == []
    assert (
        len(told([*GATEWAY, asks(0, 98), answers(0, 98), *sweep], SMALL._replace(answers=2))) == 1
    )


def test_an_address_that_is_heard_of_is_somebodys() -> None:
    alive = [asks(0.5, 200, sender=10 + i, mac=f"m{i}") for i in range(9)]
    asked = [asks(1 + i / 10, 10 + i) for i in range(9)]
    assert told([*GATEWAY, *alive, *asked, passed(30)]) == []
    later = [event._replace(time=event.time + 62 * SECOND) for event in asked]
    assert len(told([*GATEWAY, *alive, *later, passed(99)])) == 1


def test_who_looks_after_a_list_finds_most_of_it() -> None:
    there = [(asks(1 + i / 10, 100 + i), answers(1 + i / 10, 100 + i)) for i in range(9)]
    away = [asks(2 + i / 10, 10 + i) for i in range(5)]
    assert told([*GATEWAY, *itertools.chain(*there), *away, passed(30)]) == []


def test_an_answer_after_all_takes_the_address_from_the_count() -> None:
    events: list[Event] = [*GATEWAY, *(asks(1, 10 + i) for i in range(4)), passed(10)]
    events += [asks(11, 10), answers(11, 10), asks(12, 14), passed(20)]
    assert told(events) == []
    assert len(told([*events, asks(21, 15), passed(30)])) == 1


def test_an_episode_is_told_again_after_the_repeat() -> None:
    sweep = (asks(1 + i / 4, 10 + i % 200) for i in range(4 * 400))
    times = [one.time // SECOND for one in told([*GATEWAY, *sweep])]
    assert len(times) == 2
    assert 300 <= times[1] - times[0] <= 306


def test_memory_is_bounded_whoever_asks_for_whatever() -> None:
    limits = SMALL._replace(waiting=10, tracked=7, answered=0.01)
    detector = ArpScan(limits)
    for i in range(3000):
        mac = f"m{i % 50}"
        list(detector.step(asks(i / 1000, i, sender=1 + i % 50, mac=mac)))
        list(detector.step(answers(i / 1000, i, to=1 + i % 50)))
        list(detector.step(asks(i / 1000, 5000 + i, sender=60000, mac="x")))
    assert len(detector._waiting) <= limits.waiting
    assert len(detector._heard) <= limits.tracked
    assert len(detector._askers) <= limits.tracked
    kept = [len(asker.targets) for asker in detector._askers.values()]
    assert max(kept) <= 4 * limits.targets + 1
    assert detector._askers.held == sum(kept) <= detector._askers.items_max == 35


def test_who_asks_under_many_names_takes_no_more_room() -> None:
    detector = ArpScan(SMALL._replace(tracked=40))
    for i in range(4_000):  # each of 40 names asks for 20 addresses, five times over
        list(detector.step(asks(i / 100, i, mac=f"m{i // 20 % 40}")))
        held = sum(len(asker.targets) for asker in detector._askers.values())
        assert detector._askers.held == held <= 200
    assert detector._askers.held > 180


def test_an_address_that_nobody_has_is_not_heard_of_by_probes() -> None:
    nobody = ip(0)[:12] + bytes(4)
    probe = asks(0.5, 200, mac="m9")._replace(sender_ip=nobody)
    asked = [asks(1 + i / 10, 10 + i) for i in range(4)]
    asked.append(asks(2, 0)._replace(target_ip=nobody))
    assert len(told([*GATEWAY, probe, *asked, passed(30)])) == 1

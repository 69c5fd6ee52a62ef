"""Answers that nobody's questions explain, and uploads."""

from __future__ import annotations

import pytest

from plugin.ml.behaviour.finding import SECOND, Finding
from plugin.ml.behaviour.parameters import AmplificationParameters, ExfiltrationParameters
from plugin.ml.behaviour.volume import Amplification, Exfiltration
from plugin.traffic import Counted, Passed

INSIDE = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))
OUTSIDE = bytes(10) + b"\xff\xff" + bytes((203, 0, 113, 9))
Talk = tuple[int, int, int, int]


def amplified(
    talk: Talk, ip: bytes = OUTSIDE, kind: str = "served", times: int = 20
) -> list[Finding]:
    detector = Amplification(AmplificationParameters())
    events = [Counted(i * SECOND, "m", ip, kind, *talk) for i in range(times)]
    return [one.finding for event in events for one in detector.step(event)]


def test_answers_far_larger_than_what_was_asked_are_named_once() -> None:
    (one,) = amplified((10, 10_000, 10, 80))
    assert one[:3] == ("amplification", 100_000.0, 100_000.0)
    (told,) = one.reasons
    answers = "100 answers of services that amplify, 100,000 bytes, to 203.0.113.9 in 60 s"
    assert told == f"{answers}; 125 times what was asked from there"


@pytest.mark.parametrize(
    ("talk", "times"),
    [
        ((10, 10_000, 10, 1_100), 20),  # nine times what was asked
        ((9, 20_000, 9, 80), 11),  # few
        ((50, 2_400, 50, 200), 20),  # small
        ((1, 3_000, 1, 10), 20),  # slow
    ],
)
def test_ordinary_answers_are_not(talk: Talk, times: int) -> None:
    assert amplified(talk, times=times) == []


def test_inside_only_what_nobody_asked_for_counts() -> None:
    assert amplified((10, 10_000, 10, 80), INSIDE) == []
    (one,) = amplified((10, 10_000, 0, 0), INSIDE, "unasked")
    assert one.reasons[0].endswith("nothing was asked from there")
    assert amplified((10, 10_000, 5, 300), INSIDE, "unasked") == []  # a download, acknowledged
    assert amplified((10, 10_000, 0, 0), kind="udp") == []
    assert list(Amplification(AmplificationParameters()).step(Passed(1))) == []


def uploaded(
    talk: Talk, ip: bytes = OUTSIDE, kinds: tuple[str, ...] = ("load",), every: int = 10
) -> list[Finding]:
    detector = Exfiltration(ExfiltrationParameters())
    events = [
        Counted(i * every * SECOND, "m", ip, kinds[i % len(kinds)], *talk) for i in range(100)
    ]
    return [one.finding for event in events for one in detector.step(event)]


def test_much_out_and_little_back_is_named_once() -> None:
    (one,) = uploaded((900, 1_250_000, 300, 1_000))
    assert one[:3] == ("exfiltration", 50_000_000.0, 50_000_000.0)
    assert one.reasons == ("sent 50,000,000 bytes to 203.0.113.9 in 600 s, and got 40,000 back",)
    assert len(uploaded((900, 1_250_000, 300, 1_000), kinds=("load", "udp", "dns", "icmp"))) == 1


def test_less_or_slower_or_both_ways_or_inside_is_not() -> None:
    assert uploaded((900, 800_000, 300, 1_000)) == []
    assert uploaded((900, 1_250_000, 300, 1_000), every=20) == []
    assert uploaded((900, 1_250_000, 300, 126_000)) == []
    assert uploaded((900, 1_250_000, 300, 1_000), INSIDE) == []
    assert uploaded((900, 1_250_000, 300, 1_000), kinds=("served",)) == []
    assert list(Exfiltration(ExfiltrationParameters()).step(Passed(1))) == []

from __future__ import annotations

from typing import Any

import pytest

from plugin.errors import InputError
from plugin.lab.offices import office
from plugin.lab.pairs import judge, known_at, subject
from plugin.lab.schema import parse_topology
from plugin.ml.behaviour.finding import Finding, Found
from tests.labs import QUIET

BAD, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
RUN: dict[str, Any] = {
    "installed": 100.0,
    "ended": 230.0,
    "bad": {
        "time": 160.0, "mac": BAD, "kind": "sweep", "host": "ben", "rate": 60.0, "seconds": None,
    },
    "lab": {
        "seed": 7,
        "pace": 2.5,
        "hosts": [{"mac": BAD, "profile": "workstation"}, {"mac": OTHER, "profile": None}],
    },
}  # fmt: skip


def found(at: float, name: str, mac: str = BAD) -> Found:
    return Found(round(at * 1e9), mac, Finding(name, 1.0, 1.0, ("why",), ()))


def test_a_host_that_is_named_for_what_it_does() -> None:
    names = [found(165.25, "arp-scan"), found(166, "beacon"), found(171, "horizontal-scan")]
    pair = judge(RUN, names, (), 9)
    assert (pair.kind, pair.expected) == ("sweep", "arp-scan horizontal-scan")
    assert (pair.seed, pair.pace, pair.host) == (7, 2.5, "ben")
    assert pair.profile == "workstation"
    assert (pair.before, pair.during, pair.frames) == (60.0, 70.0, 9)
    assert (pair.named, pair.delay, pair.also) == (True, 5.2, "beacon")
    assert (pair.false_alarms, pair.named_wrongly) == (0, "")


def test_a_count_is_known_when_its_second_is_over() -> None:
    assert known_at(found(165.25, "arp-scan")) == 165.25
    assert known_at(found(165, "dns-tunnel")) == 166.0
    run = RUN | {"bad": RUN["bad"] | {"time": 160.5, "kind": "dns-tunnel"}}
    pair = judge(run, [found(160, "dns-tunnel")], (), 9)
    assert (pair.named, pair.delay, pair.false_alarms) == (True, 0.5, 0)


def test_what_is_said_before_or_of_others_is_a_false_alarm() -> None:
    names = [found(159.9, "arp-scan"), found(161, "syn-flood", OTHER), found(165, "beacon")]
    pair = judge(RUN, names, (), 9)
    assert (pair.named, pair.delay, pair.also) == (False, None, "beacon")
    assert pair.false_alarms == 2
    assert pair.named_wrongly == f"{BAD}=arp-scan {OTHER}=syn-flood"


def test_who_is_bad_for_a_while_only() -> None:
    run = RUN | {"bad": RUN["bad"] | {"seconds": 20.0}}
    assert judge(run, [], (), 9).during == 20.0


def test_where_nobody_is_bad_each_finding_is_a_false_alarm() -> None:
    pair = judge(RUN | {"bad": None}, [found(165, "beacon", OTHER)], [OTHER, BAD], 9)
    assert (pair.kind, pair.host, pair.before, pair.during) == ("normal", "all 2", 130.0, 0.0)
    assert (pair.named, pair.false_alarms) == (None, 1)
    assert pair.suspected == f"{BAD} {OTHER}"


def test_whom_suspicion_accuses_beside_the_bad_host() -> None:
    assert judge(RUN, [], [OTHER, BAD], 9).suspected == OTHER
    assert judge(RUN, [], [BAD], 9).suspected == ""


def test_a_person_turns_bad_and_can() -> None:
    for seed in (1, 2, 3):
        topology = office(seed)
        assert topology.host(subject(topology, "scan")).profile == "workstation"
    with pytest.raises(InputError, match="serves winrm"):
        subject(office(1), "fan-out")
    with pytest.raises(InputError, match="has no host of a person"):
        subject(parse_topology(QUIET), "scan")


def test_of_a_dispute_both_sides_are_told_and_that_is_no_false_alarm() -> None:
    run = RUN | {"bad": {**RUN["bad"], "kind": "arp-spoof"}}
    both = [found(165, "address-conflict"), found(165, "address-conflict", OTHER)]
    pair = judge(run, [*both, found(166, "beacon", OTHER)], (), 9)
    assert (pair.named, pair.false_alarms) == (True, 1)
    assert judge(RUN, both, (), 9).false_alarms == 1

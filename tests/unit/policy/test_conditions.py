from __future__ import annotations

from ipaddress import ip_network

import pytest

from plugin.policy.conditions import FIELDS, asks_of_captures
from plugin.policy.rules import AtLeast, Devices, Hours, Match
from tests.policies import problems, rule


def _match(text: str) -> Match:
    return rule(f"match: {text}\naction: notify").match


def _wrong(text: str) -> list[str]:
    return problems(f"- {{name: r, action: notify, match: {text}}}")


def test_every_condition_is_read() -> None:
    asked = rule(
        """
        match:
          roles: [Workstation]
          decisions: [known, unknown]
          min_confidence: 0.8
          anomalies: [novel, changed]
          behaviours: [vertical-scan]
          novelty: 1.5
          change: 2
          windows: {at_least: 3, of: 5}
          min_packets: 100
          min_sessions: 10
          min_captures: 4
          hours: [{from: "22:00", to: "06:00"}]
          sources: [halia]
          randomised: false
          os: [Windows, Linux]
          macs: ["02:00:5E"]
          networks: [10.0.0.0/8]
          ports: ["sw1:3"]
          switches: [sw1]
          vlans: [100]
          vendors: ["HP*"]
          tags: [t]
        action: notify
        """,
        top="tags: {t: {vlans: [7]}}",
    ).match
    assert asked == Match(
        roles=("Workstation",),
        decisions=("known", "unknown"),
        min_confidence=0.8,
        anomalies=("novel", "changed"),
        behaviours=("vertical-scan",),
        novelty=1.5,
        change=2.0,
        windows=AtLeast(3, 5),
        min_packets=100,
        min_sessions=10,
        min_captures=4,
        within=Devices(
            macs=("02:00:5e",),
            networks=(ip_network("10.0.0.0/8"),),
            ports=(("sw1", 3),),
            switches=("sw1",),
            vlans=(100,),
            vendors=("HP*",),
            tags=("t",),
        ),
        hours=(Hours(frozenset(range(7)), 22 * 60, 6 * 60),),
        sources=("halia",),
        randomised=False,
        os=("Windows", "Linux"),
    )


def test_every_field_of_a_match_can_be_written() -> None:
    assert set(FIELDS) == set(Match.__slots__) - {"within"} | set(Devices.__slots__)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("{roles: [Workstation]}", AtLeast(2, 3)),
        ("{anomalies: [changed]}", AtLeast(2, 3)),
        ("{novelty: 1}", AtLeast(2, 3)),
        ("{roles: [Workstation], windows: {at_least: 1, of: 1}}", AtLeast(1, 1)),
        ("{behaviours: [beacon]}", None),
        ("{behaviours: [beacon], roles: [Workstation]}", None),
        ("{min_packets: 5}", None),
        ("{vlans: [100]}", None),
    ],
)
def test_one_capture_is_not_enough_where_no_behaviour_is_asked(
    text: str, windows: AtLeast | None
) -> None:
    assert _match(text).windows == windows


def test_a_role_is_a_known_one_unless_the_rule_says_else() -> None:
    assert _match("{roles: [Workstation]}").decisions == ("known",)
    assert _match("{min_confidence: 0.5}").decisions == ("known",)
    assert _match("{roles: [Workstation], decisions: [unknown]}").decisions == ("unknown",)
    assert _match("{anomalies: [novel]}").decisions == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{behavior: [beacon]}", "rules.r.match.behavior: no such condition; did you mean"),
        ("{behaviours: [port-scan]}", "no such behaviour 'port-scan'; did you mean"),
        ("{behaviours: []}", "behaviours: an empty list matches nothing; leave it out"),
        ("{decisions: [sure]}", "no such decision 'sure'"),
        ("{anomalies: [novelty]}", "no such anomaly 'novelty'; did you mean 'novel'"),
        ("{min_confidence: 80}", "a number above zero, 1 at most, is expected"),
        ("{novelty: -1, vlans: [1]}", "a number above zero"),
        ("{min_packets: 0}", "a whole number from 1"),
        ("{windows: {at_least: 4, of: 3}, roles: [x]}", "windows.at_least: more than of: 3"),
        ("{windows: {at_least: 2}, roles: [x]}", "windows.of: is missing"),
        ("{windows: {k: 2, n: 3}, roles: [x]}", "windows.k: no such field"),
        ("{windows: {at_least: 2, of: 99}, roles: [x]}", "a whole number from 1 to 16"),
        ("{windows: {at_least: 2, of: 3}, vlans: [1]}", "it asks nothing of them"),
        ("{tags: [gone]}", "no such tag 'gone'"),
        ("{ports: [sw1]}", "no SWITCH:PORT"),
        ("{networks: [10.0.0.1/8]}", "10.0.0.0/8 is the network"),
        ("{vlans: [0]}", "no VLAN's number"),
        ("{macs: [xx]}", "no MAC address"),
        ("{randomised: maybe}", "true or false is expected"),
        ("[beacon]", "a mapping is expected"),
        ("beacon", "a mapping is expected"),
    ],
)
def test_conditions_that_are_none(text: str, said: str) -> None:
    assert any(said in problem for problem in _wrong(text)), _wrong(text)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (Match(), False),
        (Match(within=Devices(vlans=(1,)), min_captures=3, sources=("halia",)), False),
        (Match(min_sessions=1), True),
        (Match(min_packets=1), True),
        (Match(roles=("x",)), True),
        (Match(decisions=("known",)), True),
        (Match(anomalies=("novel",)), True),
        (Match(behaviours=("beacon",)), True),
        (Match(min_confidence=0.1), True),
        (Match(novelty=0.1), True),
        (Match(change=0.1), True),
    ],
)
def test_what_a_capture_tells(asked: Match, answer: bool) -> None:
    assert asks_of_captures(asked) is answer

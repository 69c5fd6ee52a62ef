from __future__ import annotations

from ipaddress import ip_network

import pytest

from plugin.policy.rules import AtLeast, Devices, Hours, Match, Step
from plugin.policy.safety import evidence, isolates, wider
from tests.ledgers import BLOCK, WATCH
from tests.ledgers import rule as ledger_rule
from tests.policies import policy, problems, rule


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Match(), "none"),
        (Match(within=Devices(vlans=(7,))), "none"),
        (Match(min_packets=5), "none"),
        (Match(decisions=("known",)), "none"),
        (Match(decisions=("known",), roles=("x",)), "enough"),
        (Match(roles=("x",)), "enough"),
        (Match(decisions=("unknown",)), "novelty"),
        (Match(decisions=("known", "unknown"), roles=("x",)), "novelty"),
        (Match(decisions=("known", "unknown")), "none"),
        (Match(anomalies=("novel",)), "novelty"),
        (Match(anomalies=("changed",)), "enough"),
        (Match(anomalies=("anomalous", "changed")), "enough"),
        (Match(anomalies=("novel", "anomalous")), "novelty"),
        (Match(anomalies=("normal",)), "none"),
        (Match(anomalies=("normal", "anomalous")), "none"),
        (Match(novelty=3.0), "novelty"),
        (Match(change=1.0), "enough"),
        (Match(change=0.99), "none"),
        (Match(behaviours=("beacon",)), "enough"),
        (Match(anomalies=("novel",), behaviours=("beacon",)), "enough"),
        (Match(novelty=3.0, change=1.5), "enough"),
    ],
)
def test_what_conditions_prove(asked: Match, found: str) -> None:
    assert evidence(asked) == found


def _refused(body: str) -> list[str]:
    return list(problems(f"- {{name: r, mode: enforce, {body}}}"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("match: {vlans: [7]}, action: block", "would isolate without evidence"),
        ("match: {macs: ['02:00']}, action: quarantine", "would isolate without evidence"),
        ("match: {decisions: [known]}, action: block", "would isolate without evidence"),
        ("match: {anomalies: [normal]}, action: block", "would isolate without evidence"),
        ("match: {anomalies: [novel]}, action: block", "new is not bad"),
        ("match: {novelty: 5}, action: 'limit:1M'", "new is not bad"),
        ("match: {anomalies: [novel]}, action: revlan:guests", "add accept_novelty_alone: true"),
        ("match: {decisions: [undetermined]}, action: notify", "too little was seen to act on"),
        ("match: {anomalies: [undetermined], behaviours: [beacon]}, action: block", "too little"),
        ("match: {}, action: notify", "would apply to every device"),
        (
            "match: {anomalies: [changed], windows: {at_least: 1, of: 1}}, action: block",
            "windows.at_least has to be 2",
        ),
        ("match: {behaviours: [suspicion]}, action: block", "one capture with a suspicion"),
        (
            "match: {behaviours: [suspicion], windows: {at_least: 1, of: 3}}, action: block",
            "one capture with a suspicion",
        ),
        (
            "match: {vlans: [7]}, action: block, accept_novelty_alone: true",
            "would isolate without evidence",
        ),
    ],
)
def test_what_is_never_enforced(body: str, said: str) -> None:
    assert any(said in problem for problem in _refused(body)), _refused(body)


@pytest.mark.parametrize(
    "body",
    [
        "match: {vlans: [7]}, action: notify",
        "match: {vlans: [7]}, action: watch",
        "match: {anomalies: [novel]}, action: notify",
        "match: {anomalies: [novel]}, action: block, accept_novelty_alone: true",
        "match: {anomalies: [novel], behaviours: [beacon]}, action: block",
        "match: {anomalies: [changed]}, action: block",
        "match: {roles: [Printer]}, action: block",
        "match: {behaviours: [beacon]}, action: block",
        "match: {behaviours: [beacon], windows: {at_least: 1, of: 1}}, action: block",
        "match: {change: 1}, action: block",
        "match: {behaviours: [suspicion]}, action: notify",
        "match: {behaviours: [suspicion], windows: {at_least: 2, of: 3}}, action: block",
    ],
)
def test_what_may_be_enforced(body: str) -> None:
    (found,) = policy(f"- {{name: r, mode: enforce, {body}}}").rules
    assert found.mode == "enforce"


@pytest.mark.parametrize(
    "body",
    [
        "match: {}, action: block",
        "match: {vlans: [7]}, action: block",
        "match: {anomalies: [novel]}, action: block",
        "match: {decisions: [undetermined]}, action: block",
    ],
)
def test_all_of_it_may_be_tried(body: str) -> None:
    (found,) = policy(f"- {{name: r, {body}}}").rules
    assert found.mode == "simulate"


@pytest.mark.parametrize(
    ("escalate", "said"),
    [
        ("[{action: 'limit:1M', duration: 1d}]", "limit:1000k is milder than quarantine"),
        ("[{action: quarantine, duration: 30m}]", "quarantine is shorter than the step before"),
        ("[{action: block, duration: 1d}, {action: notify, duration: 2d}]", "notify is milder"),
        (
            "[" + ", ".join(f"{{action: block, duration: {n}d}}" for n in range(1, 9)) + "]",
            "more than 8 steps",
        ),
    ],
)
def test_ladders_only_go_up(escalate: str, said: str) -> None:
    found = problems(
        f"- {{name: r, match: {{behaviours: [beacon]}}, action: quarantine, escalate: {escalate}}}"
    )
    assert any(said in problem for problem in found), found


def test_a_ladder_may_have_eight_steps_and_isolates_by_any_of_them() -> None:
    steps = ", ".join(f"{{action: block, duration: {n}d}}" for n in range(1, 8))
    eight = f"match: {{vlans: [7]}}\naction: quarantine\nescalate: [{steps}]"
    assert len(rule(eight).steps) == 8
    watched = ledger_rule(action=WATCH, escalate=(Step(BLOCK, 60.0),))
    assert (isolates(watched), isolates(ledger_rule(action=WATCH))) == (True, False)


def test_a_ladder_begins_with_what_takes_something() -> None:
    found = problems(
        "- {name: r, match: {vlans: [7]}, action: watch, escalate: [{action: block, duration: 1d}]}"
    )
    assert any("begins with watch, which takes nothing" in problem for problem in found)


def test_the_same_for_longer_is_harder() -> None:
    for action in ("limit:1M", "quarantine"):
        ladder = f"[{{action: '{action}', duration: 1d}}, {{action: '{action}', duration: 1d}}]"
        found = rule(f"match: {{vlans: [7]}}\naction: {action}\nescalate: {ladder}")
        assert len(found.steps) == 3


def test_a_slower_limit_is_harder_and_a_block_may_be_shorter() -> None:
    found = rule(
        """
        match: {behaviours: [beacon]}
        action: limit:2M
        duration: 1d
        escalate: [{action: "limit:1M", duration: 1d}, {action: block, duration: 1h}]
        """
    )
    assert [str(step.action) for step in found.steps] == ["limit:2000k", "limit:1000k", "block"]
    assert "milder" in problems(
        "- {name: r, match: {vlans: [7]}, action: 'limit:1M',"
        " escalate: [{action: 'limit:2M', duration: 1d}]}"
    )[0]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (Match(), Match(behaviours=("a",)), True),
        (Match(behaviours=("a", "b")), Match(behaviours=("a",)), True),
        (Match(behaviours=("a",)), Match(behaviours=("a", "b")), False),
        (Match(behaviours=("a",)), Match(), False),
        (Match(novelty=1.0), Match(novelty=2.0), True),
        (Match(novelty=2.0), Match(novelty=1.0), False),
        (Match(novelty=1.0), Match(), False),
        (Match(anomalies=("novel",), windows=AtLeast(2, 5)),
         Match(anomalies=("novel",), windows=AtLeast(3, 5)), True),
        (Match(anomalies=("novel",), windows=AtLeast(2, 3)),
         Match(anomalies=("novel",), windows=AtLeast(2, 5)), False),
        (Match(anomalies=("novel",), windows=AtLeast(3, 5)),
         Match(anomalies=("novel",), windows=AtLeast(2, 5)), False),
        (Match(behaviours=("a",)), Match(behaviours=("a",), windows=AtLeast(1, 1)), False),
        (Match(os=("a",)), Match(), False),
        (Match(os=("a", "b")), Match(os=("a",)), True),
        (Match(randomised=True), Match(), False),
        (Match(randomised=True), Match(randomised=True, roles=("x",)), True),
        (Match(hours=(Hours(frozenset({1}), 0, 9),)), Match(), False),
        (Match(within=Devices(networks=(ip_network("10.0.0.0/8"),))),
         Match(within=Devices(networks=(ip_network("10.1.0.0/16"),))), True),
        (Match(within=Devices(networks=(ip_network("10.1.0.0/16"),))),
         Match(within=Devices(networks=(ip_network("10.0.0.0/8"),))), False),
        (Match(within=Devices(networks=(ip_network("::/0"),))),
         Match(within=Devices(networks=(ip_network("10.0.0.0/8"),))), False),
        (Match(within=Devices(macs=("02:00",))),
         Match(within=Devices(macs=("02:00:5e",), vlans=(7,))), True),
        (Match(within=Devices(macs=("02:00:5e",))), Match(within=Devices(macs=("02:00",))), False),
        (Match(within=Devices(macs=("02:00",))), Match(within=Devices(vlans=(7,))), False),
        (Match(within=Devices(vlans=(7, 8))), Match(within=Devices(vlans=(8,))), True),
        (Match(within=Devices(vlans=(7,))), Match(), False),
        (Match(sources=("halia",)), Match(sources=("halia",), min_captures=2), True),
        (Match(min_captures=3), Match(min_captures=2), False),
    ],
)  # fmt: skip
def test_who_takes_all_of_another(one: Match, other: Match, answer: bool) -> None:
    assert wider(one, other) is answer
    assert wider(one, one)


def test_long_lists_are_compared_whole_or_not_at_all() -> None:
    macs = tuple(f"02:00:00:00:00:{number:02x}" for number in range(60))
    one = Match(within=Devices(macs=macs))
    assert wider(one, Match(within=Devices(macs=macs[5:])))
    assert not wider(one, Match(within=Devices(macs=(*macs[5:], "02:00:00:00:01:00"))))
    # Each of them is inside, and nobody looks: only a warning is missing.
    makers = Match(within=Devices(macs=(*macs[:40], "02:00:01")))
    assert not wider(makers, Match(within=Devices(macs=(*macs[:40], "02:00:01:02"))))


def test_a_rule_for_everybody_hides_those_after_it() -> None:
    found = policy(
        """
        - {name: all, match: {}, action: notify}
        - {name: late, match: {vlans: [7]}, action: notify}
        """,
        top="protect: {vlans: [200]}",
    )
    assert [warning.split(": ")[1] for warning in found.warnings] == ["rules.late"]


def test_a_rule_that_is_never_reached_is_told() -> None:
    found = policy(
        """
        - {name: first, match: {behaviours: [beacon]}, action: notify}
        - {name: other-mode, match: {behaviours: [beacon]}, action: block, mode: enforce}
        - {name: second, match: {behaviours: [beacon], vlans: [7]}, action: block}
        """,
        top="protect: {vlans: [200]}",
    )
    (warning,) = found.warnings
    assert warning.startswith("p.yaml:6:5: rules.second: never reached: 'first' takes first")

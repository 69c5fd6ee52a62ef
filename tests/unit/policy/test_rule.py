from __future__ import annotations

import pytest

from plugin.actions import Action, Service
from plugin.policy.rule import FIELDS, RULES_MAX
from plugin.policy.rules import DAY, HOUR, Match, Rule, Step
from tests.policies import placed, policy, problems, rule, written

DHCP = Service("dhcp")


def test_a_rule_says_little_and_means_the_mildest() -> None:
    found = rule("match: {behaviours: [beacon]}\naction: block")
    assert found == Rule(
        name="r",
        place="p.yaml:4:5",
        match=Match(behaviours=("beacon",)),
        action=Action(kind="block"),
    )
    assert (found.mode, found.approve, found.scope) == ("simulate", False, "device")
    assert (found.duration, found.delay, found.grace) == (HOUR, 0.0, 600.0)


def test_a_rule_says_everything() -> None:
    found = rule(
        """
        match: {behaviours: [beacon]}
        action: quarantine
        allow: [dhcp, {host: 10.0.0.9}]
        redirect: true
        mode: enforce
        approve: true
        approve_within: 30m
        delay: 90s
        duration: 2h
        escalate: [{action: quarantine, duration: 1d}, {action: block, duration: 7d}]
        grace: 0
        forget: 10d
        scope: port
        accept_novelty_alone: true
        reason: "look\\tfor help"
        """
    )
    services = (DHCP, Service("host", "10.0.0.9"))
    assert found == Rule(
        name="r",
        place="p.yaml:4:5",
        match=Match(behaviours=("beacon",)),
        action=Action(kind="quarantine", allow=services, redirect=True),
        mode="enforce",
        approve=True,
        approve_within=1800.0,
        delay=90.0,
        duration=2 * HOUR,
        escalate=(
            Step(Action(kind="quarantine", allow=services), DAY),
            Step(Action(kind="block"), 7 * DAY),
        ),
        grace=0.0,
        forget=10 * DAY,
        scope="port",
        accept_novelty_alone=True,
        reason="look\\tfor help",
    )


def test_every_field_of_a_rule_can_be_written() -> None:
    assert set(FIELDS) - {"allow", "redirect"} == set(Rule.__slots__) - {"place"}


def test_a_quarantine_without_services_has_the_policys() -> None:
    body = "match: {behaviours: [beacon]}\naction: quarantine"
    assert rule(body, top="allow: [dhcp]").action.allow == (DHCP,)
    assert rule(f"{body}\nallow: []", top="allow: [dhcp]").action.allow == ()


def test_a_later_quarantine_without_services_has_those_of_the_first() -> None:
    ladder = "escalate: [{action: quarantine, duration: 1d}, {action: quarantine, duration: 2d, allow: []}]"  # noqa: E501 - one line of YAML
    found = rule(
        f"match: {{behaviours: [beacon]}}\naction: quarantine\nallow: [dhcp]\n{ladder}",
        top="allow: [{dns: 10.0.0.1}]",
    )
    assert [step.action.allow for step in found.steps] == [(DHCP,), (DHCP,), ()]
    blocked = rule(
        "match: {behaviours: [beacon]}\naction: limit:1M\n"
        "escalate: [{action: quarantine, duration: 1d}]",
        top="allow: [dhcp]",
    )
    assert blocked.steps[1].action.allow == (DHCP,)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{match: {vlans: [1]}, action: notify}", "rules[0].name: is missing"),
        ("{name: 'a b', match: {vlans: [1]}, action: notify}", "a name of at most 64 letters"),
        ("{name: r, action: notify}", "rules.r.match: is missing"),
        ("{name: r, match: {vlans: [1]}}", "rules.r.action: is missing: one of notify"),
        ("{name: r, match: {vlans: [1]}, action: kill}", "no such action 'kill'"),
        ("{name: r, match: {vlans: [1]}, action: notify, mode: on}", "no such mode 'on'"),
        ("{name: r, match: {vlans: [1]}, action: notify, scope: vlan}", "no such scope 'vlan'"),
        ("{name: r, match: {vlans: [1]}, action: block, allow: [dhcp]}", "is of quarantine"),
        ("{name: r, match: {vlans: [1]}, action: notify, redirect: true}", "is of quarantine"),
        ("{name: r, match: {vlans: [1]}, action: notify, approve: often}", "true or false"),
        ("{name: r, match: {vlans: [1]}, action: notify, duration: 0}", "longer than 0"),
        ("{name: r, match: {vlans: [1]}, action: notify, durations: 1h}",
         "did you mean 'duration'"),
        ("{name: r, match: {vlans: [1]}, action: block, escalate: [{action: block}]}",
         "each step says how long"),
        ("{name: r, match: {vlans: [1]}, action: block, escalate: [{duration: 1d}]}",
         "escalate[0].action: is missing"),
        ("{name: r, match: {vlans: [1]}, action: block, escalate: {action: block}}",
         "a list is expected"),
        ("notify", "a mapping is expected"),
        ("[notify]", "a mapping is expected"),
    ],
)  # fmt: skip
def test_rules_that_are_none(body: str, said: str) -> None:
    assert any(said in problem for problem in problems(f"- {body}")), problems(f"- {body}")


def test_a_long_reason() -> None:
    body = f"- {{name: r, match: {{vlans: [1]}}, action: notify, reason: {'x' * 501}}}"
    assert problems(body) == ["rules.r.reason: longer than 500 letters"]


def test_two_rules_of_one_name() -> None:
    one = "- {name: r, match: {vlans: [1]}, action: notify}\n"
    assert placed(written(one + one)) == [
        "p.yaml:5:5: rules[1].name: 'r' is also the name of the rule at p.yaml:4:5"
    ]


def test_more_rules_than_anybody_writes() -> None:
    text = "".join(
        f"- {{name: r{number}, match: {{vlans: [1]}}, action: notify}}\n"
        for number in range(RULES_MAX + 1)
    )
    assert problems(text) == [f"rules: more than {RULES_MAX}"]


def test_rules_keep_their_order() -> None:
    found = policy(
        """
        - {name: b, match: {vlans: [1]}, action: notify}
        - {name: a, match: {vlans: [2]}, action: notify}
        """
    )
    assert [rule.name for rule in found.rules] == ["b", "a"]


def test_a_mistake_in_what_is_asked_is_told_once() -> None:
    body = "- {name: r, match: {behaviours: [none-such]}, action: block, mode: enforce}"
    (only,) = problems(body)
    assert "no such behaviour" in only


def test_as_many_rules_as_can_be() -> None:
    text = "".join(
        f"- {{name: r{number}, match: {{vlans: [1]}}, action: notify}}\n"
        for number in range(RULES_MAX)
    )
    assert len(policy(text).rules) == RULES_MAX


def test_what_is_no_rule_at_all_is_told_once_and_an_empty_one_whole() -> None:
    assert problems("- notify") == ["rules[0]: a mapping is expected"]
    assert [problem.split(": ")[0] for problem in problems("- {}")] == [
        "rules[0].name",
        "rules[0].match",
        "rules[0].action",
    ]


def test_what_may_be_nought() -> None:
    body = "match: {vlans: [1]}\naction: notify\n"
    assert rule(f"{body}delay: 0\ngrace: 0").delay == 0.0
    for name in ("approve_within", "duration", "forget"):
        (problem,) = problems(f"- {{name: r, match: {{vlans: [1]}}, action: notify, {name}: 0}}")
        assert problem.startswith(f"rules.r.{name}: a time span")


def test_all_of_a_rule_is_read_whatever_is_wrong_in_it() -> None:
    rules = """
  - {name: r, match: {macs: []}, action: blok, mode: enforced, duration: long,
     escalate: [{action: blokk, duration: 1d}]}
  - {name: r, match: {behaviours: [beacon]}, action: block, grace: soon}"""
    found = "\n".join(problems(rules))
    told = ("rules.r.action", "rules.r.mode", "rules.r.duration", "rules.r.escalate[0].action")
    assert all(f"{name}: " in found for name in told), found
    assert "rules[1].name: 'r' is also the name of the rule at " in found
    assert "rules.r.grace: " in found

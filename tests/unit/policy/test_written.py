"""Policies as YAML: they read back equal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.actions import Action, Service
from plugin.policy.document import read_policy
from plugin.policy.rules import AtLeast, Caps, Devices, Hours, Match, Policy, Rule, Step
from plugin.policy.written import policy_yaml

RULE = Rule(
    name="r",
    place="p",
    match=Match(roles=("Printer", "yes", "7"), decisions=("known",), windows=AtLeast(2, 3)),
    action=Action(kind="block"),
)


def back(policy: Policy, *header: str) -> Policy:
    """Read what was written; what tells where it stood is as it was."""
    found = read_policy(policy_yaml(policy, header), "p.yaml")
    rules = tuple(
        replace(rule, place=old.place) for rule, old in zip(found.rules, policy.rules, strict=True)
    )
    return replace(
        found, rules=rules, source=policy.source, digest=policy.digest, warnings=policy.warnings
    )


@pytest.mark.parametrize(
    "rule",
    [
        RULE,
        replace(RULE, action=Action(kind="limit", rate=1)),
        replace(RULE, action=Action(kind="revlan", vlan="guests")),
        replace(RULE, action=Action(kind="quarantine")),
        replace(
            RULE,
            action=Action(
                kind="quarantine",
                allow=(Service("dhcp"), Service("dns", "10.0.0.53"), Service("host", "2001::1")),
                redirect=True,
            ),
        ),
        replace(RULE, mode="enforce", approve=True, accept_novelty_alone=True, scope="port"),
        replace(RULE, delay=90.0, duration=86_400.0, grace=0.0, approve_within=0.5, forget=7200.0),
        replace(RULE, reason="it's: \"odd\" # €"),
        replace(
            RULE,
            match=Match(
                os=("Windows", "null"), behaviours=("beacon",), anomalies=("changed",),
                novelty=1.5, change=2.0, min_confidence=0.625, decisions=("known", "unknown"),
                min_packets=7, min_sessions=8, min_captures=9, sources=("halia",),
                randomised=False,
            ),
        ),
    ],
)  # fmt: skip
def test_a_rule_reads_back_equal(rule: Rule) -> None:
    windows = rule.match.windows or (None if rule.match.behaviours else AtLeast(2, 3))
    rule = replace(rule, match=replace(rule.match, windows=windows))
    policy = Policy(rules=(rule, replace(rule, name="s")), source="s", digest="d")
    assert back(policy) == policy


@given(st.text(min_size=1).filter(str.isprintable), st.text().filter(str.isprintable))
def test_any_words_read_back_equal(role: str, reason: str) -> None:
    match = replace(RULE.match, roles=(role,))
    rule = replace(RULE, match=match, reason=reason[:500] or None)
    policy = Policy(rules=(rule,))
    assert back(policy) == policy


def test_a_header_is_a_comment_whatever_it_says() -> None:
    policy = Policy(rules=(RULE,))
    assert back(policy, "one", "", "two\nrules: []", "\x1b[2J") == policy
    assert policy_yaml(policy, ["one", ""]).startswith("# one\n#\nhalia-policy: 1\n")


def test_no_rules_are_a_policy_too() -> None:
    assert back(Policy()) == Policy()


@pytest.mark.parametrize(
    "policy",
    [
        Policy(caps=Caps(devices=1)),
        Policy(protect=Devices(vlans=(1,))),
        Policy(learning=0.0),
        Policy(rules=(replace(RULE, escalate=(Step(RULE.action, 1.0),)),)),
        Policy(rules=(replace(RULE, match=Match(within=Devices(vlans=(1,)))),)),
        Policy(rules=(replace(RULE, match=Match(hours=(Hours(frozenset({1}), 0, 1),))),)),
    ],
)
def test_what_it_cannot_write_is_refused_and_not_left_out(policy: Policy) -> None:
    with pytest.raises(ValueError, match=r"more than rules|a rule with a ladder|a condition on"):
        policy_yaml(policy)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0"), (0.5, "0.5"), (90.0, "90s"), (900.0, "15m"), (7_200.0, "2h"), (172_800.0, "2d")],
)
def test_times_are_written_as_people_write_them(seconds: float, text: str) -> None:
    policy = Policy(rules=(replace(RULE, grace=seconds),))
    assert f"\n  grace: {text}\n" in policy_yaml(policy)

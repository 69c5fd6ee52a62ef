from __future__ import annotations

import json

import pytest

from plugin.actions import parse_action, parse_service
from plugin.policy.evaluate import evaluate
from plugin.policy.explain import Besides, Explained, consequence, explain, lasting, to_document
from plugin.policy.rules import Policy
from tests.playbook import case as case_of
from tests.policies import MAC, NOW, device, policy, seen

SCANNER = device(behaviours=(seen("vertical-scan"),))
RULES = """
- name: trial
  match: {behaviours: [vertical-scan]}
  action: block
- {name: beacons, match: {behaviours: [beacon]}, action: quarantine, mode: enforce}
- name: scans
  match: {behaviours: [vertical-scan]}
  action: quarantine
  mode: enforce
  delay: 90s
  approve: true
  duration: 2d
  reason: Ask the help desk.
- {name: later, match: {vlans: [100], behaviours: [vertical-scan]}, action: block, mode: enforce}
"""


def _explained(rules: str = RULES, top: str = "", **changed: object) -> Explained:
    return explain(policy(rules, top), device(behaviours=SCANNER.behaviours, **changed), NOW)


def test_every_rule_has_its_say() -> None:
    found = _explained(top="allow: [dhcp, {host: 10.0.0.3}]")
    assert (found.enforced, found.simulated, found.held) == ("scans", "trial", None)
    assert [(one.rule.name, one.outcome) for one in found.rules] == [
        ("trial", ("only tried (mode: simulate): nothing is done; enforced, it would mean: it"
         " reaches nobody, and nobody reaches it, for 1 hour")),
        ("beacons", "it does not apply"),
        ("scans", ("it decides: after 90 seconds, once somebody approves, it may only reach DHCP,"
         " host 10.0.0.3, for 2 days")),
        ("later", "it applies, but 'scans' stands before it and is taken"),
    ]  # fmt: skip
    assert found.rules[1].missing == (
        "the rule asks for the behaviour beacon; it did: vertical-scan"
    )
    assert found.rules[2].chosen is not None
    assert found.rules[2].chosen.evidence == ("finding-vertical-scan",)


def test_it_says_what_is_decided() -> None:
    rules = policy(RULES)
    decided = evaluate(rules, SCANNER, NOW)
    found = explain(rules, SCANNER, NOW)
    assert decided.enforced is not None
    assert decided.simulated is not None
    assert found.enforced == decided.enforced.rule.name
    assert found.simulated == decided.simulated.rule.name
    assert found.rules[2].chosen == decided.enforced


def test_who_is_protected_is_held() -> None:
    found = _explained(top="protect: {vlans: [100]}")
    assert (found.enforced, found.held) == (
        "scans",
        "it is protected (VLAN 100) and never isolated",
    )


def test_who_is_only_told_of_is_not_held() -> None:
    told = "- {name: r, match: {vlans: [100]}, action: notify, mode: enforce}"
    assert _explained(told, top="protect: {vlans: [100]}").held is None
    assert _explained("- {name: r, match: {vlans: [100]}, action: block}").held is None


def test_maintenance_holds() -> None:
    found = _explained(top="maintenance: [{from: '00:00', to: '24:00'}]")
    assert found.held == ("nothing new is enforced in times of maintenance (every day 00:00-24:00)")
    assert _explained(top="maintenance: [{days: [sun], from: '2:00', to: '3:00'}]").held is None


def test_what_stands_above_all_rules() -> None:
    assert _explained(twice=True).notes == (
        "it is heard on two ports in turn: no rule isolates it meanwhile",
    )
    assert _explained(ignored="a\ntest").notes == (
        "nothing is done about it, as somebody said: a\\ntest",
    )
    assert explain(Policy(), SCANNER, NOW).notes == ("the policy has no rules",)
    assert _explained().notes == ()


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("notify", "somebody is told"),
        ("watch", "all its traffic is looked at"),
        ("limit:2M", "it may send no more than 2000 kbit/s"),
        ("revlan:guests", "its port is put into VLAN guests"),
        ("quarantine", "it may reach nobody"),
        ("block", "it reaches nobody, and nobody reaches it"),
    ],
)
def test_actions_in_words(action: str, words: str) -> None:
    assert consequence(parse_action(action)) == words


def test_a_redirected_quarantine_in_words() -> None:
    from dataclasses import replace

    action = replace(
        parse_action("quarantine"), allow=(parse_service("dns", "10.0.0.53"),), redirect=True
    )
    assert consequence(action) == (
        "it may only reach dns 10.0.0.53, and all else it sends goes to the remediation port"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(86_400, "1 day"), (172_800, "2 days"), (5_400, "90 minutes"), (3_600, "1 hour"),
     (60, "1 minute"), (90, "90 seconds"), (0.5, "0.5 seconds"), (0, "0 seconds")],
)  # fmt: skip
def test_times_in_words(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_the_document_is_json_and_one_line_everywhere() -> None:
    hostile = device(name="a\x1b[31m\nb" + "x" * 500, behaviours=SCANNER.behaviours)
    document = to_document(explain(policy(RULES), hostile, NOW))
    assert json.loads(json.dumps(document)) == document
    assert document["mac"] == MAC
    assert document["name"].isprintable()
    assert len(document["name"]) < 200
    assert document["rules"][2] == {
        "rule": "scans",
        "place": "p.yaml:8:5",
        "action": "quarantine",
        "mode": "enforce",
        "applies": True,
        "reasons": ["it did vertical-scan: it did vertical-scan to 30 hosts"],
        "evidence": ["finding-vertical-scan"],
        "missing": None,
        "outcome": document["rules"][2]["outcome"],
        "words": "Ask the help desk.",
    }
    assert document["rules"][1]["applies"] is False
    assert document["rules"][1]["missing"].startswith("the rule asks for the behaviour beacon")


@pytest.mark.parametrize(
    ("ended", "rule", "left"),
    [
        ("quarantine", None, True),  # an operator's undo holds against every rule no harder
        ("block", "other", True),
        ("limit:64k", "other", False),
        ("limit:64k", "scans", True),  # and against its own rule in any case
    ],
)
def test_who_was_let_out_is_left_alone_and_it_says_so(
    ended: str, rule: str | None, *, left: bool
) -> None:
    case = case_of("released", action=parse_action(ended), rule=rule, deadline=NOW + 60)
    found = explain(policy(RULES), SCANNER, NOW, Besides(case))
    outcome = next(one.outcome for one in found.rules if one.rule.name == "scans")
    said = f"left alone by rules that are no harder than {parse_action(ended)} until "
    assert (said in (found.held or "")) is left
    assert (said in outcome) is left
    assert f"after case {case.number}" in outcome or not left
    assert outcome.startswith("it decides: ") is not left


def test_a_case_that_was_not_let_out_holds_nothing() -> None:
    case = case_of("isolated", action=parse_action("block"))
    found = explain(policy(RULES), SCANNER, NOW, Besides(case))
    assert found == explain(policy(RULES), SCANNER, NOW)


def test_while_no_rule_isolates_it_says_so_and_not_what_would_be_as_if_it_were() -> None:
    found = explain(policy(RULES), SCANNER, NOW, Besides(paused="this site is learning"))
    assert found.held == "no rule isolates anybody new now: this site is learning"
    outcome = next(one.outcome for one in found.rules if one.rule.name == "scans")
    assert outcome.startswith(f"{found.held}; else it decides: after 90 seconds")
    told = policy("- {name: r, match: {vlans: [100]}, action: notify, mode: enforce}")
    found = explain(told, device(), NOW, Besides(paused="this site is learning"))
    assert found.held is None, "what isolates nobody is done all the same"

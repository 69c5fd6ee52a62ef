from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from plugin.actions import Place
from plugin.policy.evaluate import _compiled, evaluate, missing
from plugin.policy.look import Look
from plugin.policy.rules import Policy
from plugin.policy.subject import RoleSeen, Subject
from tests.policies import NOW, device, policy, seen, window

SCANS = (seen("vertical-scan"),)
BAD = {"anomaly": "changed", "change": 2.0}


def _decided(rules: str, subject: Subject, top: str = "") -> tuple[str | None, str | None]:
    found = evaluate(policy(rules, top), subject, NOW)
    assert found.subject is subject
    return (
        found.enforced and found.enforced.rule.name,
        found.simulated and found.simulated.rule.name,
    )


def test_the_first_that_matches_decides() -> None:
    rules = """
    - {name: no, match: {behaviours: [beacon]}, action: block, mode: enforce}
    - {name: one, match: {behaviours: [vertical-scan]}, action: quarantine, mode: enforce}
    - {name: two, match: {behaviours: [vertical-scan], vlans: [100]}, action: block, mode: enforce}
    """
    assert _decided(rules, device(behaviours=SCANS)) == ("one", None)
    assert _decided(rules, device()) == (None, None)


def test_a_rule_on_trial_shadows_none_in_force_and_is_shadowed_by_none() -> None:
    rules = """
    - {name: trial, match: {behaviours: [vertical-scan]}, action: block}
    - {name: trial-2, match: {behaviours: [vertical-scan], vlans: [100]}, action: block}
    - {name: force, match: {behaviours: [vertical-scan]}, action: quarantine, mode: enforce}
    """
    assert _decided(rules, device(behaviours=SCANS)) == ("force", "trial")


def test_reasons_and_evidence_come_along() -> None:
    rules = "- {name: r, match: {behaviours: [vertical-scan]}, action: block, mode: enforce}"
    found = evaluate(policy(rules), device(behaviours=SCANS), NOW).enforced
    assert found is not None
    assert found.reasons == ("it did vertical-scan: it did vertical-scan to 30 hosts",)
    assert found.evidence == ("finding-vertical-scan",)


@pytest.mark.parametrize(
    ("flags", "decided"),
    [("XX-", True), ("X-X", True), ("-XX", True), ("X--", False), ("X--X", False), ("XX", True)],
)
def test_two_of_the_last_three(flags: str, decided: bool) -> None:
    windows = tuple(window(n, **(BAD if f == "X" else {})) for n, f in enumerate(flags))
    rules = "- {name: r, match: {anomalies: [changed]}, action: block, mode: enforce}"
    assert (_decided(rules, device(windows=windows))[0] == "r") is decided


def test_a_finding_acts_at_once_unless_windows_are_asked() -> None:
    windows = (window(1), window(2), window(3))
    subject = device(behaviours=SCANS, windows=windows)
    at_once = "- {name: r, match: {behaviours: [vertical-scan]}, action: block, mode: enforce}"
    assert _decided(at_once, subject) == ("r", None)
    patient = at_once.replace("]}", "], windows: {at_least: 2, of: 3}}")
    assert _decided(patient, subject) == (None, None)
    found = tuple(one._replace(behaviours=("vertical-scan",)) for one in windows[:2])
    assert _decided(patient, device(behaviours=SCANS, windows=found)) == ("r", None)


UNJUDGED = {"decision": "undetermined", "anomaly": "undetermined"}


@pytest.mark.parametrize(
    "subject",
    [
        device(role=None, windows=(), captures=0),
        device(role=RoleSeen("undetermined", "Printer", 0.99, "m"), windows=()),
        device(
            role=RoleSeen("undetermined", "Printer", 0.99, "m"),
            windows=tuple(window(number, **UNJUDGED) for number in (1, 2, 3)),
        ),
    ],
)  # fmt: skip
def test_too_little_evidence_never_acts(subject: Subject) -> None:
    rules = """
    - {name: a, match: {roles: [Printer]}, action: block, mode: enforce}
    - {name: b, match: {anomalies: [novel, changed, anomalous]}, action: block, mode: enforce,
       accept_novelty_alone: true}
    - {name: c, match: {decisions: [unknown]}, action: block, mode: enforce,
       accept_novelty_alone: true}
    - {name: d, match: {change: 1}, action: block, mode: enforce}
    """
    assert _decided(rules, subject) == (None, None)


def test_who_may_be_somebody_else_is_never_isolated() -> None:
    rules = """
    - {name: hard, match: {behaviours: [vertical-scan]}, action: block, mode: enforce}
    - {name: soft, match: {behaviours: [vertical-scan]}, action: notify, mode: enforce}
    """
    assert _decided(rules, device(behaviours=SCANS, twice=True)) == ("soft", None)
    assert _decided(rules, device(behaviours=SCANS, ignored="a test")) == ("soft", None)


def test_each_kind_of_device_that_a_rule_names_must_hold() -> None:
    rules = """
    - {name: r, match: {behaviours: [vertical-scan], vlans: [100, 101], switches: [sw1],
       networks: [10.0.0.0/24], tags: [t]}, action: block, mode: enforce}
    """
    top = "tags: {t: {vendors: ['axis*'], vlans: [9]}}"
    assert _decided(rules, device(behaviours=SCANS), top) == ("r", None)
    for changed in (
        {"place": Place("sw1", 7, 102)},
        {"place": Place("sw2", 7, 100)},
        {"addresses": ("10.0.1.7",)},
        {"vendor": "HP"},
    ):
        moved: dict[str, Any] = {"behaviours": SCANS} | changed
        assert _decided(rules, device(**moved), top) == (None, None)


def test_an_empty_policy_decides_nothing() -> None:
    assert evaluate(Policy(), device(behaviours=SCANS), NOW)[1:] == (None, None)


def test_a_policy_is_taken_apart_once() -> None:
    rules = policy("- {name: r, match: {behaviours: [vertical-scan]}, action: notify}")
    _compiled.cache_clear()
    for _ in range(3):
        evaluate(rules, device(behaviours=SCANS), NOW)
    assert _compiled.cache_info().misses == 1
    evaluate(replace(rules), device(), NOW)  # equal, and yet not the same
    assert _compiled.cache_info().misses == 2


def test_another_policy_is_another_answer() -> None:
    subject = device(behaviours=SCANS)
    for name in ("a", "b", "c", "a"):  # more than are kept
        rules = f"- {{name: {name}, match: {{behaviours: [vertical-scan]}}, action: notify}}"
        assert _decided(rules, subject) == (None, name)


_RULES = """
- {name: a, match: {behaviours: [beacon]}, action: block}
- {name: b, match: {behaviours: [vertical-scan], windows: {at_least: 1, of: 2}}, action: block}
- {name: c, match: {roles: [Printer], min_confidence: 0.8}, action: block}
- {name: d, match: {anomalies: [changed, novel], windows: {at_least: 1, of: 1}}, action: notify}
- {name: e, match: {novelty: 1, vlans: [100], min_captures: 3}, action: notify}
- {name: f, match: {hours: [{days: [mon, tue, wed], from: "00:00", to: "12:00"}]}, action: block}
- {name: g, match: {randomised: true, sources: [halia]}, action: notify}
- {name: h, match: {min_packets: 300, macs: ["02:00"], vendors: ["a*"]}, action: block}
- {name: i, match: {decisions: [unknown], windows: {at_least: 2, of: 3}}, action: notify}
"""


def _any_device(draw: random.Random) -> Subject:
    def one(number: int) -> Any:
        return window(
            number,
            packets=draw.choice((10, 500)),
            decision=draw.choice(("known", "unknown")),
            label=draw.choice(("Printer", "Workstation")),
            confidence=draw.choice((0.5, 0.9)),
            anomaly=draw.choice(("normal", "novel", "changed")),
            novelty=draw.choice((None, 0.5, 1.5)),
            behaviours=draw.choice(((), ("vertical-scan",))),
        )

    label = draw.choice(("Printer", "Workstation"))
    return device(
        place=draw.choice((None, Place("sw1", 7, 100), Place("sw1", 7, 5))),
        vendor=draw.choice((None, "Axis")),
        role=draw.choice((None, RoleSeen("known", label, draw.choice((0.5, 0.9)), "m"))),
        behaviours=draw.choice(((), SCANS, (seen("beacon"),))),
        windows=tuple(one(number) for number in range(draw.randrange(5))),
        captures=draw.randrange(5),
        randomised=draw.choice((True, False)),
        twice=draw.random() < 0.1,
    )


def test_the_fast_way_and_the_one_that_explains_agree() -> None:
    rules = policy(_RULES)
    draw = random.Random(7)
    applied = set()
    for _ in range(1000):
        subject, now = _any_device(draw), NOW + draw.randrange(7) * 86_400.0
        slow = [one.name for one in rules.rules if missing(one, Look(subject, {}, now)) is None]
        found = evaluate(rules, subject, now).simulated
        assert (found and found.rule.name) == (slow[0] if slow else None)
        applied.update(slow)
    assert applied == {one.name for one in rules.rules}

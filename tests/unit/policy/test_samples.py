from __future__ import annotations

from datetime import datetime

import pytest

from plugin.errors import PolicyError
from plugin.policy.samples import Expected, Result, check, read_samples
from tests.policies import MAC, policy

RULES = """
- {name: scans, match: {behaviours: [vertical-scan]}, action: quarantine, mode: enforce}
- {name: beacons, match: {behaviours: [beacon]}, action: "limit:2M"}
"""
SCANNER = f'subject: {{mac: "{MAC}", port: "sw1:7", vlan: 100, behaviours: [vertical-scan]}}'


def _tried(expect: str, subject: str = SCANNER, top: str = "") -> Result:
    text = f"- {{name: n, {subject}, expect: {expect}}}"
    (result,) = check(policy(RULES, top), read_samples(text, "s.yaml"))
    return result


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ("{enforced: scans}", None),
        ("{enforced: scans, simulated: none, action: quarantine, protected: false}", None),
        ("{enforced: none}", "enforced: none was expected; it is scans"),
        ("{enforced: beacons}", "enforced: beacons was expected; it is scans"),
        ("{enforced: scan}", "enforced: scan was expected (there is no such rule); it is scans"),
        ("{simulated: beacons}", "simulated: beacons was expected; it is none"),
        ("{action: block}", "action: block was expected; it is quarantine"),
        ("{protected: true}", "protected was expected; it is not"),
    ],
)
def test_expectations(expect: str, problem: str | None) -> None:
    assert _tried(expect).problems == (() if problem is None else (problem,))


def test_an_action_is_that_of_the_rule_on_trial_where_none_is_enforced() -> None:
    beacon = f'subject: {{mac: "{MAC}", behaviours: [beacon]}}'
    assert _tried("{action: 'limit:2000k', simulated: beacons}", beacon).problems == ()
    assert _tried("{action: none}", f'subject: {{mac: "{MAC}"}}').problems == ()


def test_protection_is_said() -> None:
    result = _tried("{protected: false}", top="protect: {vlans: [100]}")
    assert result.problems == ("not protected was expected; it is protected: VLAN 100",)
    assert result.protected == "VLAN 100"
    assert _tried("{protected: true}", top="protect: {vlans: [100]}").problems == ()


def test_samples_are_a_list_or_stand_under_a_key_or_in_a_policy() -> None:
    sample = f"{{name: n, {SCANNER}, expect: {{enforced: scans}}}}"
    expected = Expected("scans", None, None, None)
    for text, of_policy in (
        (f"[{sample}]", False),
        (f"samples: [{sample}]", False),
        (f"halia-policy: 1\nrules: []\nsamples: [{sample}]", True),
    ):
        (found,) = read_samples(text, "s", of_policy=of_policy)
        assert (found.name, found.expected) == ("n", expected)
        assert found.subject.mac == MAC
    assert read_samples("halia-policy: 1", "s", of_policy=True) == ()
    assert read_samples("[]", "s", of_policy=True) == ()
    assert read_samples("", "s") == ()


def test_a_policy_may_hold_its_samples() -> None:
    found = policy(RULES, top=f"samples: [{{name: n, {SCANNER}, expect: {{enforced: scans}}}}]")
    assert [rule.name for rule in found.rules] == ["scans", "beacons"]


def test_the_time_is_local() -> None:
    text = f"[{{name: n, {SCANNER}, time: 'sat 03:05', expect: {{enforced: scans}}}}]"
    (found,) = read_samples(text, "s")
    local = datetime.fromtimestamp(found.time).astimezone()
    assert (local.weekday(), local.hour, local.minute) == (5, 3, 5)
    (usual,) = read_samples(f"[{{name: n, {SCANNER}, expect: {{enforced: scans}}}}]", "s")
    noon = datetime.fromtimestamp(usual.time).astimezone()
    assert (noon.weekday(), noon.hour) == (0, 12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "s:1:1: samples: a list is expected"),
        ("sample: []", "sample: no such field; did you mean 'samples'"),
        ("[{}]", "s:1:2: samples[0].name: is missing"),
        ("[{name: n, expect: {enforced: x}}]", "samples[0].subject: is missing"),
        (f"[{{name: n, {SCANNER}}}]", "samples[0].expect: is missing"),
        (f"[{{name: n, {SCANNER}, expect: {{}}}}]", "samples[0].expect: nothing is expected"),
        (f"[{{name: n, {SCANNER}, expect: {{rule: x}}}}]", "samples[0].expect.rule: no such field"),
        (f"[{{name: n, {SCANNER}, time: noon, expect: {{enforced: x}}}}]", "no day and time"),
        (f"[{{name: n, {SCANNER}, time: 'xyz 03:00', expect: {{enforced: x}}}}]", "no day and"),
        ("[{name: n, subject: {mac: x}, expect: {enforced: x}}]", "samples[0].subject.mac: a MAC"),
        (f"[{{name: n, {SCANNER}, expect: {{protected: perhaps}}}}]", "true or false"),
        ("&a [*a]", "contains itself"),
    ],
)
def test_samples_that_are_none(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_samples(text, "s")
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_all_mistakes_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        read_samples("[{name: n}, {name: m}]", "s")
    assert len(caught.value.problems) == 4

"""The policies that come with Halia, and the schema that editors complete them by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from plugin.errors import PolicyError
from plugin.offline.policy import load_policy, load_samples, try_policy
from plugin.policy import conditions, document, rule
from plugin.policy.document import read_policy
from plugin.policy.rules import AtLeast, Mode, Policy, Scope
from plugin.policy.safety import LADDER_MAX
from plugin.policy.subject import WINDOWS_KEPT
from plugin.policy.values import DAYS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "configs" / "policies"
POLICIES = sorted(p for p in FOLDER.glob("*.yaml") if not p.name.endswith(".samples.yaml"))
SCHEMA = json.loads((ROOT / "configs" / "schema" / "policy-v1.schema.json").read_text("utf-8"))
NAMES = frozenset(SCHEMA["$defs"]["behaviour"]["enum"])
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
by_name = pytest.mark.parametrize("file", POLICIES, ids=lambda file: file.stem)


def _read(text: str) -> Policy | None:
    try:
        return read_policy(text, "p.yaml", behaviours=NAMES)
    except PolicyError:
        return None


def _valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.safe_load(text)))


def test_there_are_some() -> None:
    assert [file.stem for file in POLICIES] == ["ladder", "observe", "office", "scanners"]


@by_name
def test_each_is_right_and_nothing_in_it_is_odd(file: Path) -> None:
    assert load_policy(file).warnings == ()
    assert _valid(file.read_text("utf-8"))
    assert "$schema=../schema/policy-v1.schema.json" in file.read_text("utf-8")


@by_name
def test_each_does_what_its_samples_say(file: Path) -> None:
    tried = try_policy(file)
    assert [result.problems for result in tried.results if result.problems] == []
    assert tried.failed == 0


@by_name
def test_each_rule_has_a_sample_and_one_is_left_alone(file: Path) -> None:
    expected = [sample.expected for sample in load_samples(file)]
    named = {name for one in expected for name in (one.enforced, one.simulated)}
    enforced = {rule.name for rule in load_policy(file).rules if rule.mode == "enforce"}
    assert enforced <= named
    assert "none" in named


def test_the_first_policy_isolates_nobody() -> None:
    assert {rule.mode for rule in load_policy(FOLDER / "observe.yaml").rules} == {"simulate"}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_knows_every_key_and_no_other() -> None:
    kinds = set(conditions.DEVICES)
    definitions = SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == set(document.FIELDS)
    assert set(definitions["match"]["properties"]) == set(conditions.FIELDS)
    assert set(definitions["rule"]["properties"]) == set(rule.FIELDS)
    assert set(SCHEMA["properties"]["protect"]["properties"]) == kinds | {"many_macs"}
    tag = SCHEMA["properties"]["tags"]["additionalProperties"]
    assert set(tag["properties"]) == kinds - {"tags"}
    assert set(definitions["match"]["properties"]["windows"]["properties"]) == {"at_least", "of"}
    assert set(AtLeast._fields) == {"k", "n"}, "the file calls them at_least and of"


def test_the_schema_has_the_readers_bounds() -> None:
    definitions: dict[str, Any] = SCHEMA["$defs"]
    rules, ladder = SCHEMA["properties"]["rules"], definitions["rule"]["properties"]["escalate"]
    assert rules["maxItems"] == rule.RULES_MAX
    assert ladder["maxItems"] == LADDER_MAX - 1
    assert definitions["match"]["properties"]["windows"]["properties"]["of"]["maximum"] == (
        WINDOWS_KEPT
    )
    assert definitions["day"]["enum"] == list(DAYS)
    assert set(definitions["rule"]["properties"]["mode"]["enum"]) == set(get_args(Mode))
    assert set(definitions["rule"]["properties"]["scope"]["enum"]) == set(get_args(Scope))


RULE = "{name: r, match: {behaviours: [beacon]}, action: block}"


def _top(text: str) -> str:
    return f"halia-policy: 1\n{text}\n"


def _rule(text: str) -> str:
    return _top(f"rules: [{{name: r, {text}}}]")


def _match(text: str) -> str:
    return _rule(f"match: {{{text}}}, action: notify")


GOOD = (
    _top(""),
    _top("learning: 0"),
    _top("learning: 7d"),
    _top("learning: 90"),
    _top("learning: 1.5h"),
    _top("tags: {a: {macs: 02:00:5e, vlans: 7}}"),
    _top("protect: {many_macs: 2, ports: ['sw1:1'], roles: [any], vendors: ['*']}"),
    _top("caps: {devices: 200, percent: 0.1, per_switch: 1, per_hour: 10000}"),
    _top("allow: []"),
    _top("allow: [dhcp, {dns: '2001:db8::1'}, {host: 10.0.0.1}]"),
    _top("maintenance: [{from: '22:00', to: '6:00'}]"),
    _top("maintenance: [{days: sat, from: '00:00', to: '24:00'}]"),
    _top(f"rules: [{RULE}]"),
    _top("samples: []"),
    _rule("match: {}, action: notify"),
    _rule("match: {vlans: [7]}, action: limit:2M"),
    _rule("match: {vlans: [7]}, action: limit:512k, delay: 0, grace: 0, approve_within: 1m"),
    _rule("match: {vlans: [7]}, action: revlan:guests, mode: simulate, scope: port"),
    _rule("match: {vlans: [7]}, action: quarantine, allow: [dhcp], redirect: true, approve: true"),
    _rule("match: {vlans: [7]}, action: block, escalate: [{action: block, duration: 2h}]"),
    _match("behaviours: beacon"),
    _match("novelty: 1.2, change: 3, min_confidence: 1"),
    _match("anomalies: [novel], windows: {at_least: 1, of: 16}"),
    _match("hours: [{days: [mon, sun], from: '1:00', to: '2:00'}], sources: [x]"),
    _match("randomised: true, min_packets: 1, min_sessions: 1, min_captures: 1"),
    _match("networks: [10.0.0.0/8, '::1'], macs: ['02-00'], switches: sw1"),
)
BAD = (
    "rules: []",
    "halia-policy: 2",
    "[]",
    _top("rule: []"),
    _top("learning: -1"),
    _top("learning: soon"),
    _top("learning: 7w"),
    _top("tags: {a: {}}"),
    _top("tags: {a: {tags: [b]}}"),
    _top("tags: [a]"),
    _top("protect: {vlans: [0]}"),
    _top("protect: {vlans: [4095]}"),
    _top("protect: {many_macs: 1}"),
    _top("protect: {macs: ['02:0']}"),
    _top("protect: {ports: [sw1]}"),
    _top("protect: {people: [me]}"),
    _top("protect: {networks: [printers]}"),
    _top("caps: {devices: 0}"),
    _top("caps: {devices: 201}"),
    _top("caps: {percent: 0}"),
    _top("caps: {percent: 101}"),
    _top("caps: {per_day: 3}"),
    _top("allow: dhcp"),
    _top("allow: [ntp]"),
    _top("allow: [{ntp: 10.0.0.1}]"),
    _top("allow: [dns]"),
    _top("maintenance: [{from: '22:00'}]"),
    _top("maintenance: [{from: '25:00', to: '1:00'}]"),
    _top("maintenance: [{days: [], from: '22:00', to: '23:00'}]"),
    _top("maintenance: [{days: [someday], from: '22:00', to: '23:00'}]"),
    _top("rules: {a: 1}"),
    _top("rules: [x]"),
    _top("rules: [{}]"),
    _top("rules: [{name: r, match: {}}]"),
    _top("rules: [{name: r, action: notify}]"),
    _top("rules: [{match: {}, action: notify}]"),
    _top("rules: [{name: 'a b', match: {}, action: notify}]"),
    _rule("match: {}, action: kill"),
    _rule("match: {}, action: limit"),
    _rule("match: {}, action: 'limit:fast'"),
    _rule("match: {}, action: 'revlan:'"),
    _rule("match: {}, action: 'revlan:a b'"),
    _rule("match: {}, action: 'block:now'"),
    _rule("match: {}, action: notify, mode: dry"),
    _rule("match: {}, action: notify, scope: vlan"),
    _rule("match: {}, action: notify, approve: often"),
    _rule("match: {}, action: notify, duration: 0"),
    _rule("match: {}, action: notify, duration: 1y"),
    _rule(f"match: {{}}, action: notify, reason: {'x' * 501}"),
    _rule("match: {}, action: notify, colour: red"),
    _rule("match: {}, action: block, allow: [dhcp]"),
    _rule("match: {}, action: notify, redirect: true"),
    _rule("match: {}, action: block, escalate: [{action: block}]"),
    _rule("match: {}, action: block, escalate: [{duration: 1d}]"),
    _rule("match: {}, action: block, escalate: [{action: block, duration: 1d, mode: x}]"),
    _match("behavior: [beacon]"),
    _match("behaviours: [portscan]"),
    _match("behaviours: []"),
    _match("roles: []"),
    _match("vlans: []"),
    _match("decisions: [sure]"),
    _match("anomalies: [odd]"),
    _match("min_confidence: 80"),
    _match("min_confidence: 0"),
    _match("novelty: -1"),
    _match("change: high"),
    _match("min_packets: 0"),
    _match("min_packets: 1.5"),
    _match("randomised: maybe"),
    _match("anomalies: [novel], windows: {at_least: 2}"),
    _match("anomalies: [novel], windows: {at_least: 0, of: 3}"),
    _match("anomalies: [novel], windows: {at_least: 2, of: 17}"),
    _match("anomalies: [novel], windows: 2"),
    _rule("match: {}, action: block, mode: enforce"),
    _rule("match: {vlans: [7]}, action: block, mode: enforce"),
    _rule("match: {decisions: [undetermined]}, action: notify, mode: enforce"),
)
SEEN_BY_THE_READER = (
    _top("learning: 366d"),
    _top("protect: {networks: [10.0.0.1/8]}"),
    _top("protect: {ports: ['sw1:0']}"),
    _top("protect: {tags: [gone]}"),
    _top("allow: [{dns: 10.0.0.300}]"),
    _top("allow: [{host: 224.0.0.1}]"),
    _top(f"rules: [{RULE}, {RULE}]"),
    _rule("match: {}, action: 'limit:1'"),
    _rule("match: {anomalies: [novel]}, action: block, mode: enforce"),
    _rule("match: {}, action: block, escalate: [{action: notify, duration: 1d}]"),
    _rule("match: {}, action: watch, escalate: [{action: block, duration: 1d}]"),
    _match("anomalies: [novel], windows: {at_least: 3, of: 2}"),
    _match("vlans: [7], windows: {at_least: 1, of: 2}"),
)


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_right_to_both(text: str) -> None:
    assert _read(text) is not None
    assert _valid(text)


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_wrong_to_both(text: str) -> None:
    assert _read(text) is None
    assert not _valid(text)


@pytest.mark.parametrize("text", SEEN_BY_THE_READER)
def test_what_only_the_reader_sees(text: str) -> None:
    assert _read(text) is None
    assert _valid(text), "the schema sees it too: move it up"

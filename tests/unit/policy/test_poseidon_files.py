"""Poseidon's files as they stand: every part with its place, nothing decided."""

from __future__ import annotations

import pytest

from plugin.errors import PolicyError
from plugin.policy.document import BYTES_MAX
from plugin.policy.poseidon_files import AclRule, read_acls, read_rules

RULES = """\
include: [acls.yaml]
rules:
  printers:
  - rule:
      device_key: role
      value: Printer
      min_confidence: 62.5
      acls: [services, nothing]
  - rule: {device_key: os, value: Linux, acls: [nothing, more]}
  by-hand:
  - rule: {acls: lonely}
"""


def test_a_rule_is_read_with_its_places() -> None:
    read = read_rules(RULES, "r.yaml")
    assert read.problems == ()
    assert (read.source, read.place) == ("r.yaml", "r.yaml:3:3")
    assert read.includes == (("acls.yaml", "r.yaml:1:11"),)
    printers, by_hand = read.rules
    assert printers.name == ("printers", "r.yaml:3:3")
    role, os = printers.entries
    assert role.place == "r.yaml:4:5"
    assert role.key == ("role", "r.yaml:5:19")
    assert role.value == ("Printer", "r.yaml:6:14")
    assert (role.percent, role.percent_place) == (62.5, "r.yaml:7:23")
    assert os.percent is None
    assert os.percent_place == ""
    assert [acl.text for acl in printers.acls] == ["services", "nothing", "more"]
    assert printers.acls[1].place == "r.yaml:8:24"  # where it is named first
    (entry,) = by_hand.entries
    assert (entry.key, entry.value, entry.acls_listed) == (None, None, False)
    assert entry.acls == (("lonely", "r.yaml:11:18"),)


def test_the_digest_is_of_the_text() -> None:
    assert read_rules(RULES, "a").digest == read_rules(RULES.encode(), "b").digest
    assert read_rules(RULES, "a").digest != read_rules(RULES + "#", "a").digest


@pytest.mark.parametrize(
    ("value", "text"), [("Printer", True), ("'7'", True), ("7", False), ("yes", False)]
)
def test_what_yaml_takes_for_no_text_is_told(value: str, text: bool) -> None:
    read = read_rules(f"rules: {{r: [rule: {{device_key: os, value: {value}, acls: []}}]}}", "r")
    (entry,) = read.rules[0].entries
    assert entry.plain_text is text
    assert entry.acls == ()


def test_an_entry_without_rule_is_read_all_the_same() -> None:
    read = read_rules("rules: {r: [{device_key: os, value: x, acls: [a]}]}", "r")
    (entry,) = read.rules[0].entries
    assert not entry.wrapped
    assert entry.key == ("os", "r:1:26")
    assert read.problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "r:1:1: rules: is missing: no file of Poseidon's rules"),
        ("rules: [a]", "r:1:8: rules: a mapping is expected"),
        ("rules: {a: {rule: {}}}", "r:1:12: rules.a: a list of entries"),
        ("rules: {a: [x]}", "r:1:13: rules.a[0]: a mapping is expected"),
        ("rules: {a: [], a: []}", "r:1:16: rules.a: given twice"),
        ("rule: {}\nrules: {}", "r:1:1: rule: no such field; did you mean 'rules'?"),
        (
            "rules: {a: [rule: {device_key: os, value: x, acls: [a], mac: y}]}",
            "r:1:57: rules.a[0].rule.mac: no such field",
        ),
        ("rules: {a: [rule: {min_confidence: 101}]}", "a percentage, 0 to 100, is expected"),
        ("rules: {a: [rule: {min_confidence: much}]}", "a number above zero is expected"),
        ("rules: {a: [rule: {min_confidence: -1}]}", "a number above zero is expected"),
        ("rules: {a: [rule: {value: [x]}]}", "rules.a[0].rule.value: a text is expected"),
        ("rules: {a: [rule: {acls: [[x]]}]}", "rules.a[0].rule.acls: a text is expected"),
    ],
)
def test_what_is_wrong_is_kept_with_its_place(text: str, problem: str) -> None:
    (found,) = read_rules(text, "r").problems
    assert problem in found
    assert found.startswith("r:")


def test_no_confidence_asks_for_nothing() -> None:
    read = read_rules("rules: {a: [rule: {min_confidence: 0}]}", "r")
    assert (read.problems, read.rules[0].entries[0].percent) == ((), None)
    assert read.rules[0].entries[0].percent_place


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = "rules: {a: [rule: {value: [x], acls: [a]}], b: x, c: [rule: {min_confidence: x}]}"
    assert len(read_rules(text, "r").problems) == 3


@pytest.mark.parametrize("read", [read_rules, read_acls])
def test_what_is_no_yaml_is_refused(read: object) -> None:
    assert callable(read)
    with pytest.raises(PolicyError, match=r"r:1:2: "):
        read("{", "r")
    with pytest.raises(PolicyError, match="not a file of rules"):
        read(" " * (BYTES_MAX + 1), "r")
    assert read(" " * BYTES_MAX, "r").problems
    bomb = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(PolicyError, match="aliases count as copies"):
        read(f"x0: &x0 [1, 2]\n{bomb}", "r")
    with pytest.raises(PolicyError, match="contains itself"):
        read("rules: &a [*a]", "r")


def test_acls_are_read_in_each_of_faucets_forms() -> None:
    text = """\
acls:
  a:
  - rule: {dl_type: 0x800, actions: {allow: 1}}
  - rule: {actions: {allow: no}}
  b:
    exact_match: true
    rules:
    - {actions: {mirror: 3}, eth_type: 2054}
vlans: {office: {vid: 1}}
meters: {two: {meter_id: 2}}
"""
    read = read_acls(text, "a.yaml")
    assert read.problems == ()
    assert read.acls["a"].place == "a.yaml:2:3"
    assert read.acls["a"].rules == (
        AclRule("a.yaml:3:5", {"dl_type": 0x800}, {"allow": 1}),
        AclRule("a.yaml:4:5", {}, {"allow": False}),
    )
    assert read.acls["b"].rules == (AclRule("a.yaml:8:7", {"eth_type": 2054}, {"mirror": 3}),)
    assert read.meters == {"two": {"meter_id": 2}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("vlans: {}", "a:1:1: acls: is missing: no file of ACLs"),
        ("acls: {a: x}", "a:1:11: acls.a: a list of rules is expected"),
        ("acls: {a: [x]}", "a:1:12: acls.a[0]: rule: with what it asks"),
        ("acls: {a: [rule: x]}", "a:1:12: acls.a[0]: rule: with what it asks"),
        ("acls: {a: [rule: {actions: [x]}]}", "acls.a[0].actions: a mapping is expected"),
        ("acls: {a: [], a: []}", "acls.a: given twice"),
    ],
)
def test_what_is_wrong_with_acls(text: str, problem: str) -> None:
    (found,) = read_acls(text, "a").problems
    assert problem in found

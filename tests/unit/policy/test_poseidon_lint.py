"""What Poseidon does wrong with its own files: where, and in which words."""

from __future__ import annotations

import pytest

from plugin.policy.poseidon_files import read_acls, read_rules
from plugin.policy.poseidon_kinds import ALWAYS, KINDS
from plugin.policy.poseidon_lint import Finding, lint

ACLS = """\
acls:
  none:
  - rule: {actions: {allow: 0}}
  all:
  - rule: {nw_dst: 10.0.0.1, actions: {allow: 0}}
  - rule: {actions: {allow: 1}}
  part:
  - rule: {nw_dst: 10.0.0.1, actions: {allow: 1}}
  empty: []
"""


def found(rules: str, acls: str | None = None) -> list[Finding]:
    of_acls = None if acls is None else read_acls(acls, "a.yaml")
    return list(lint(read_rules(rules, "r.yaml"), of_acls))


def kinds(rules: str, acls: str | None = None) -> list[str]:
    """Kinds beside those that every file has."""
    return [one.kind for one in found(rules, acls) if one.kind not in ALWAYS]


def entry(text: str) -> str:
    return f"rules:\n  r:\n  - rule: {{{text}}}\n"


def test_a_file_without_acls_has_none() -> None:
    assert found("rules: {}") == []
    assert found("rules: {r: [rule: {device_key: os, value: x, acls: []}]}")[0].kind == "os-never"


def test_what_always_goes_wrong_stands_at_the_rules_once() -> None:
    text = entry("device_key: os, value: x, acls: [none]") + "  s: [rule: {acls: [none]}]\n"
    general = [one for one in found(text, ACLS) if one.kind in ALWAYS]
    assert [one.kind for one in general] == list(ALWAYS)
    assert {one.place for one in general} == {"r.yaml:2:3"}
    assert {one.rule for one in general} == {None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("device_key: os, value: Windows, acls: [none]", ["os-never"]),
        ("device_key: os, value: x, min_confidence: 5, acls: []", ["os-never", "confidence"]),
        ("device_key: role, value: Printer, acls: [none]", ["role-stops", "likeliest-three"]),
        (
            "device_key: role, value: Printer, min_confidence: 50, acls: [none]",
            ["role-stops", "likeliest-three", "confidence"],
        ),
        ("device_key: role, value: printer, acls: []", ["role-stops", "likeliest-three", "label"]),
        ("device_key: role, value: 7, acls: []", ["role-stops", "likeliest-three", "not-text"]),
        ("device_key: role, acls: []", ["no-value", "role-stops", "likeliest-three"]),
        ("device_key: vlan, value: x, acls: []", ["unknown-key"]),
        ("acls: [none]", ["no-key"]),
        ("device_key: os, value: x", ["no-acls", "os-never"]),
        ("device_key: os, value: x, acls: none", ["letters", "os-never"]),
        ("device_key: os, value: x, acls: [gone]", ["os-never", "unknown-acl"]),
        ("device_key: os, value: x, acls: [], mac: y", ["os-never", "form"]),
    ],
)
def test_entries(text: str, expected: list[str]) -> None:
    of_rules = [one for one in found(entry(text), ACLS) if one.place.startswith("r.yaml")]
    said = [one for one in of_rules if one.kind not in ALWAYS]
    assert [one.kind for one in said] == expected
    assert [one.effect for one in said] == [KINDS[kind].effect for kind in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: {r: []}", ["no-entries"]),
        ("rules: {r: [{device_key: os, value: x, acls: []}]}", ["no-rule", "os-never"]),
        ("rules: {r: x}", ["form"]),
        (
            entry("device_key: os, value: a, acls: []")
            + "  - rule: {device_key: os, value: b, acls: []}",
            ["os-never", "os-never", "two-systems"],
        ),
        (
            entry("device_key: os, value: a, acls: []")
            + "  - rule: {device_key: os, value: a, acls: []}",
            ["os-never", "os-never"],
        ),
        ("include: [acls.yaml]\nrules: {}", ["stale-copy"]),
        ("include: [acls.yaml, b.yaml]\nrules: {}", ["stale-copy", "two-includes"]),
        ("include: [poseidon_acls.yaml]\nrules: {}", ["stale-copy", "own-name"]),
        ("include: [/opt/x/my-acls.yaml]\nrules: {}", ["stale-copy", "include-name"]),
        ("include: [acls.yml]\nrules: {}", ["stale-copy", "include-name"]),
    ],
)
def test_rules_and_includes(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        ("printer", "NetworkML's model has no 'printer'; did you mean 'Printer'?"),
        ("zzz", "NetworkML's model has no 'zzz'; well if your own model has"),
    ],
)
def test_a_label_that_is_near_is_named(value: str, ends: str) -> None:
    said = found(entry(f"device_key: role, value: {value}, acls: []"))
    (label,) = [one for one in said if one.kind == "label"]
    assert label.text.endswith(ends)


def test_a_colon_in_a_files_name_does_not_matter() -> None:
    said = lint(read_rules("rules: {r: [], s: []}", "c:/r.yaml"))
    assert [one.place for one in said] == ["c:/r.yaml:1:9", "c:/r.yaml:1:16"]


def test_two_roles_are_one_finding() -> None:
    text = entry("device_key: role, value: Printer, acls: []") + (
        "  - rule: {device_key: role, value: GPU laptop, acls: []}\n"
        "  - rule: {device_key: role, value: PKI server, acls: []}\n"
    )
    (both,) = [one for one in found(text) if one.kind == "two-roles"]
    assert both.place == "r.yaml:4:37"
    assert "'Printer' and 'GPU laptop' hold only where both" in both.text


def test_acls_have_findings_of_their_own_behind_those_of_the_rules() -> None:
    said = found("rules: {r: []}", ACLS)
    assert [(one.kind, one.place) for one in said] == [
        ("no-entries", "r.yaml:1:9"),
        ("allows-all", "a.yaml:6:5"),
        ("empty-acl", "a.yaml:9:3"),
    ]
    assert "acls.all: ends with a rule that allows all" in said[1].text
    assert kinds("rules: {}", "acls: {a: x}") == ["empty-acl", "form"]


def test_acls_that_are_not_there_are_not_missed_where_nobody_looked() -> None:
    assert "unknown-acl" not in kinds(entry("device_key: os, value: x, acls: [gone]"))


def test_findings_come_by_place() -> None:
    said = found("rules:\n  b: []\n  a: []\n")
    assert [(one.rule, one.place) for one in said] == [("b", "r.yaml:2:3"), ("a", "r.yaml:3:3")]
    assert str(said[0]) == (
        "r.yaml:2:3: rules.b: asks nothing: every device is as it asks [wrong: no-entries]"
    )


def test_what_others_wrote_does_nothing_to_the_terminal() -> None:
    text = (
        'rules: {"a\\e[2J\\nb": [rule: {device_key: role, value: "x\\e{0}\\n{b}", acls: ["\\e"]}]}'
    )
    acls = 'acls: {"c\\e{place}": []}'
    for one in found(text, acls):
        assert all(part.isprintable() for part in (one.place, str(one), one.text, one.rule or ""))

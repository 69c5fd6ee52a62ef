"""Poseidon's rules from files: a policy that reads back, and findings with the files' names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plugin.errors import PolicyError
from plugin.offline.policy import load_policy
from plugin.offline.poseidon import import_files, lint_files

RULES = """\
include: [acls.yaml]
rules:
  printers:
  - rule: {device_key: role, value: Printer, min_confidence: 60, acls: [nothing]}
  strange:
  - rule: {device_key: role, value: No Such Role, acls: [nothing]}
  by hand:
  - rule: {acls: [nothing]}
"""
ACLS = "acls: {nothing: [rule: {actions: {allow: 0}}]}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(RULES)
    Path("acls.yaml").write_text(ACLS)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_policy_reads_back_equal_and_is_on_trial() -> None:
    written = import_files(Path("rules.yaml"))
    Path("p.yaml").write_text(written.text)
    read = load_policy(Path("p.yaml"))
    made = written.imported.policy
    assert [replace(rule, place="") for rule in read.rules] == [
        replace(rule, place="") for rule in made.rules
    ]
    assert {rule.mode for rule in read.rules} == {"simulate"}
    assert [rule.name for rule in read.rules] == ["printers", "strange"]


@pytest.mark.usefixtures("folder")
def test_its_head_says_where_it_is_from_and_what_is_left_out() -> None:
    head = import_files(Path("rules.yaml")).text.partition("halia-policy")[0]
    assert "out of rules.yaml and acls.yaml" in head
    assert "#   rules.yaml:8:5: rules.by hand: an entry without device_key" in head
    assert all(line.startswith("#") for line in head.splitlines())


@pytest.mark.usefixtures("folder")
def test_what_check_would_say_is_said() -> None:
    warnings = import_files(Path("rules.yaml")).warnings
    assert any("protect names nothing" in text for text in warnings)
    assert any("No Such Role" in text for text in warnings)


@pytest.mark.usefixtures("folder")
def test_acls_are_found_beside_the_rules_or_where_it_is_said() -> None:
    Path("sub").mkdir()
    Path("acls.yaml").rename("sub/acls.yaml")
    reasons = [left.reason for left in import_files(Path("rules.yaml")).imported.left]
    assert any("give --acls FILE" in reason for reason in reasons)
    assert len(import_files(Path("rules.yaml"), Path("sub/acls.yaml")).imported.left) == 1
    Path("rules.yaml").write_text(RULES.replace("[acls.yaml]", "[sub/acls.yaml]"))
    assert len(import_files(Path("rules.yaml")).imported.left) == 1
    Path("rules.yaml").write_text(RULES.replace("[acls.yaml]", "[sub/acls.yaml, b.yaml]"))
    assert len(import_files(Path("rules.yaml")).imported.left) == 3


@pytest.mark.usefixtures("folder")
def test_findings_are_of_both_files() -> None:
    assert any(one.kind == "role-stops" for one in lint_files(Path("rules.yaml")))
    Path("acls.yaml").write_text("acls: {nothing: []}")
    assert lint_files(Path("rules.yaml"))[-1].place == "acls.yaml:1:8"


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(PolicyError, match=r"gone.yaml: cannot be read"):
        import_files(Path("gone.yaml"))
    with pytest.raises(PolicyError, match=r"gone.yaml: cannot be read"):
        lint_files(Path("rules.yaml"), Path("gone.yaml"))
    Path("rules.yaml").write_text("rules: {a: x, b: y}")
    with pytest.raises(PolicyError) as caught:
        import_files(Path("rules.yaml"))
    assert len(caught.value.problems) == 2

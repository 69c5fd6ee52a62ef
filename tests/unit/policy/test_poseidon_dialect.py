"""Poseidon's rules as a policy: as documented, on trial, and what cannot be had is said."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.actions import Action, Service
from plugin.errors import PolicyError
from plugin.policy.evaluate import evaluate
from plugin.policy.poseidon_dialect import OS_UNTOLD, Imported, import_policy
from plugin.policy.poseidon_files import read_acls, read_rules
from plugin.policy.rules import DAY, AtLeast, Match
from plugin.policy.subject import RoleSeen, Subject, Window
from plugin.policy.written import policy_yaml

ACLS = """\
acls:
  services:
  - rule: {dl_type: 0x800, nw_proto: 17, udp_dst: 67, actions: {allow: 1}}
  - rule: {dl_type: 0x800, nw_dst: 10.0.0.254, actions: {allow: 1}}
  nothing:
  - rule: {actions: {allow: 0}}
  slow:
  - rule: {actions: {allow: 1, meter: two}}
  copied:
  - rule: {actions: {allow: 1, mirror: 3}}
  some:
  - rule: {nw_dst: 10.0.0.0/8, actions: {allow: 0}}
  - rule: {actions: {allow: 1}}
meters:
  two: {meter_id: 1, entry: {flags: KBPS, bands: [{type: DROP, rate: 2000}]}}
"""
PRINTER = "device_key: role, value: Printer"


def rules(*entries: str, name: str = "r") -> str:
    return f"  {name}:\n" + "".join(f"  - rule: {{{one}}}\n" for one in entries)


def imported(text: str, **more: object) -> Imported:
    read = read_rules("rules:\n" + text, "r.yaml")
    return import_policy(read, read_acls(ACLS, "a.yaml"), **more)  # type: ignore[arg-type]  # few


def left(text: str) -> str:
    found = imported(text)
    assert found.policy.rules == ()
    (only,) = found.left
    return str(only)


def device(label: str, share: float, decision: str = "known", os: str | None = None) -> Subject:
    """A device of that role in its last three captures."""
    window = Window(
        "c", "e", 1.0, 500, 50, decision, label, share, "normal", None, None, ()
    )  # fmt: skip
    return Subject(
        mac="02:00:00:00:00:07",
        role=RoleSeen(decision, label, share, "device"),
        windows=(window,) * 3,
        captures=3,
        os=os,
    )


def test_a_rule_on_a_role() -> None:
    found = imported(rules(f"{PRINTER}, min_confidence: 60, acls: [nothing]"))
    assert (found.left, found.notes) == ((), ())
    (rule,) = found.policy.rules
    assert rule.match == Match(
        roles=("Printer",), decisions=("known",), min_confidence=0.6, windows=AtLeast(2, 3)
    )
    assert rule.action == Action(kind="block")
    assert (rule.name, rule.place, rule.mode) == ("r", "r.yaml:2:3", "simulate")
    assert (rule.duration, rule.grace, rule.approve) == (DAY, 0.0, False)
    assert rule.reason == "Poseidon's rule r, for ACLs nothing"
    assert found.policy.source == "r.yaml"
    assert len(found.policy.digest) == 64


def test_the_docs_show_what_comes_out() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "poseidon-rules.md"
    of_rules, of_acls, policy = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    found = import_policy(read_rules(of_rules, "r"), read_acls(of_acls, "a"))
    assert (found.left, found.notes) == ((), ())
    assert policy_yaml(found.policy) == policy


@pytest.mark.parametrize(
    ("subject", "applies"),
    [
        (device("Printer", 0.7), True),
        (device("Printer", 0.6), True),
        (device("Printer", 0.5), False),
        (device("Camera", 0.9), False),
        (device("Printer", 0.9, "unknown"), False),
        (replace(device("Printer", 0.9), windows=()), False),
    ],
)
def test_it_applies_as_documented(subject: Subject, applies: bool) -> None:
    policy = imported(rules(f"{PRINTER}, min_confidence: 60, acls: [nothing]")).policy
    found = evaluate(policy, subject, 1_800_000_000.0)
    assert found.enforced is None
    assert (found.simulated is not None) is applies


def test_all_entries_have_to_hold() -> None:
    found = imported(
        rules(f"{PRINTER}, acls: [services]", "device_key: os, value: Linux, acls: [nothing]")
    )
    (rule,) = found.policy.rules
    assert (rule.match.roles, rule.match.os) == (("Printer",), ("Linux",))
    # The first rule that matches decides, over all its ACLs in their order.
    services = (Service("dhcp"), Service("host", "10.0.0.254"))
    assert rule.action == Action(kind="quarantine", allow=services)
    assert found.notes == (f"r.yaml:2:3: rules.r: {OS_UNTOLD}",)
    now = 1_800_000_000.0
    assert evaluate(found.policy, device("Printer", 0.9, os="linux"), now).simulated is not None
    assert evaluate(found.policy, device("Printer", 0.9, os="Windows"), now).simulated is None
    assert evaluate(found.policy, device("Printer", 0.9), now).simulated is None
    assert evaluate(found.policy, device("Camera", 0.9, os="Linux"), now).simulated is None


def test_a_rule_on_the_system_alone() -> None:
    found = imported(rules("device_key: os, value: Mac, min_confidence: 9, acls: [nothing]"))
    (rule,) = found.policy.rules
    assert rule.match == Match(os=("Mac",))
    assert len(found.notes) == 2
    assert "min_confidence of an os says nothing" in found.notes[1]
    assert evaluate(found.policy, Subject(mac="02:00:00:00:00:07", os="Mac"), 1.8e9).simulated


def test_the_same_asked_twice_is_asked_once_with_the_higher_share() -> None:
    found = imported(
        rules(f"{PRINTER}, min_confidence: 60, acls: [nothing]", f"{PRINTER}, acls: [nothing]")
    )
    (rule,) = found.policy.rules
    assert (rule.match.roles, rule.match.min_confidence) == (("Printer",), 0.6)


def test_the_hardest_rules_are_first_else_their_order_stays() -> None:
    text = (
        rules(f"{PRINTER}, acls: [copied]", name="a")
        + rules(f"{PRINTER}, acls: [slow]", name="b")
        + rules(f"{PRINTER}, acls: [nothing]", name="c")
        + rules("device_key: role, value: Camera, acls: [nothing]", name="d")
    )
    found = imported(text)
    assert [rule.name for rule in found.policy.rules] == ["c", "d", "b", "a"]
    kinds = [str(rule.action) for rule in found.policy.rules]
    assert kinds == ["block", "block", "limit:2000k", "watch"]
    assert found.notes == (
        "r.yaml:2:3: rules.a: Halia copies to its own collector port, not to mirror:",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (rules("acls: [nothing]"), "r.yaml:3:5: rules.r: an entry without device_key never holds"),
        (
            rules(f"{PRINTER}, acls: [nothing]", "acls: [nothing]"),
            "r.yaml:4:5: rules.r: an entry without device_key never holds",
        ),
        (rules("device_key: vlan, value: x, acls: [nothing]"), "no device has a 'vlan'"),
        (rules("device_key: role, acls: [nothing]"), "says no value for the role"),
        (rules(f"{PRINTER}"), "names the ACLs it is for"),
        (rules(f"{PRINTER}, acls: []"), "names no ACLs: there is nothing to do"),
        ("  r: []\n", "r.yaml:2:3: rules.r: has no entries"),
        (f"  r:\n  - {{{PRINTER}, acls: [nothing]}}\n", "r.yaml:3:5: rules.r: an entry begins"),
        (
            rules(f"{PRINTER}, acls: [nothing]", "device_key: role, value: Camera, acls: []"),
            "r.yaml:4:37: rules.r: asks for Printer and for Camera: a device has one role",
        ),
        (rules(f"{PRINTER}, acls: [slwo]"), "a.yaml has no ACL slwo; did you mean 'slow'?"),
        (rules(f"{PRINTER}, acls: [some]"), "stop only some of what a device sends"),
        (rules(f"{PRINTER}, acls: [services]"), "no rule of its ACLs is for everything else"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_left_out_and_said(text: str, reason: str) -> None:
    assert reason in left(text)


def test_one_that_is_left_out_leaves_no_notes_and_the_others_stay() -> None:
    text = rules("device_key: os, value: x, acls: [some]", name="bad") + rules(
        f"{PRINTER}, acls: [slow]", name="good"
    )
    found = imported(text)
    assert [rule.name for rule in found.policy.rules] == ["good"]
    assert [one.rule for one in found.left] == ["bad"]
    assert found.notes == ()


def test_what_to_do_instead_of_an_acl() -> None:
    instead = {"gone": Action(kind="watch"), "some": Action(kind="quarantine")}
    text = rules(f"{PRINTER}, acls: [gone, nothing, some]")
    found = imported(text, instead=instead)
    assert [rule.action for rule in found.policy.rules] == [Action(kind="quarantine")]
    assert found.notes == ("r.yaml:2:3: rules.r: what nothing does is passed over",)


def test_without_acls_only_those_said_instead_can_be_had() -> None:
    read = read_rules("rules:\n" + rules(f"{PRINTER}, acls: [gone]"), "r.yaml")
    (only,) = import_policy(read).left
    assert "what the ACL gone does is not known: give --acls FILE" in only.reason
    assert import_policy(read, instead={"gone": Action(kind="watch")}).left == ()


def test_enforced_is_what_may_be() -> None:
    text = rules(f"{PRINTER}, acls: [nothing]", name="role") + rules(
        "device_key: os, value: Linux, acls: [nothing]", name="system"
    )
    found = imported(text, mode="enforce")
    assert [(rule.name, rule.mode) for rule in found.policy.rules] == [
        ("role", "enforce"),
        ("system", "simulate"),
    ]
    assert any(
        "rules.system: stays on trial: in mode enforce it would isolate without evidence" in note
        for note in found.notes
    )


def test_names_become_those_of_a_policy_each_once() -> None:
    text = "".join(
        rules(f"{PRINTER}, acls: [nothing]", name=name)
        for name in ("a b", "a/b", "a-b", '"-"', "x" * 70, "x" * 71)
    )
    found = imported(text)
    names = [rule.name for rule in found.policy.rules]
    assert names == ["a-b", "a-b-2", "a-b-3", "rule", "x" * 60, "x" * 60 + "-2"]
    assert "r.yaml:2:3: rules.a b: is called a-b here" in found.notes


def test_broken_files_are_refused_with_all_that_is_wrong() -> None:
    read = read_rules("rules: {a: x, b: [rule: {min_confidence: x}]}", "r.yaml")
    with pytest.raises(PolicyError) as caught:
        import_policy(read, read_acls("acls: {c: x}", "a.yaml"))
    assert [text.partition(":")[0] for text in caught.value.problems] == [
        "r.yaml",
        "r.yaml",
        "a.yaml",
    ]


def test_the_digest_is_of_both_files() -> None:
    read = read_rules("rules: {}", "r.yaml")
    digests = {
        import_policy(read).policy.digest,
        import_policy(read, read_acls("acls: {}", "a")).policy.digest,
        import_policy(read, read_acls("acls: {} #", "a")).policy.digest,
    }
    assert len(digests) == 3


def test_what_others_wrote_does_nothing_to_the_terminal() -> None:
    text = rules('device_key: role, value: "\\e[2J", acls: ["\\e[2J"]', name='"a\\e\\n"')
    assert left(text).isprintable()
    found = imported(text, instead={"\x1b[2J": Action(kind="block")})
    (rule,) = found.policy.rules
    assert rule.reason is not None
    assert rule.reason.isprintable()
    assert all(note.isprintable() for note in found.notes)

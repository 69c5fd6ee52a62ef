from __future__ import annotations

import dataclasses
import time
from hashlib import sha256
from ipaddress import ip_network

import pytest

from plugin.actions import Service
from plugin.policy.document import BYTES_MAX, read_policy
from plugin.policy.rules import DAY, HARD_CAP, Caps, Devices, Hours, Policy
from tests.policies import placed, policy, problems, written

TOP = """
learning: 2d
tags:
  critical: {macs: ["02:00:00:00:00:01"], networks: [10.0.0.0/28], roles: [Printer]}
protect:
  macs: ["02:00:5e"]
  networks: [10.1.0.0/16]
  ports: ["sw1:1"]
  switches: [sw9]
  vlans: [200]
  vendors: [Cisco*]
  roles: [Workstation]
  tags: [critical]
  many_macs: 12
caps: {devices: 20, percent: 2.5, per_switch: 3, per_hour: 4}
allow: [dhcp, {dns: 10.0.0.53}]
maintenance: [{days: [sun], from: "02:00", to: "04:00"}]
"""


def test_a_policy_says_everything() -> None:
    text = written("- {name: r, match: {vlans: [1]}, action: notify}", TOP)
    found = read_policy(text, "p.yaml")
    (only,) = found.rules
    assert found == Policy(
        rules=(only,),
        protect=Devices(
            macs=("02:00:5e",),
            networks=(ip_network("10.1.0.0/16"),),
            ports=(("sw1", 1),),
            switches=("sw9",),
            vlans=(200,),
            vendors=("Cisco*",),
            roles=("Workstation",),
            tags=("critical",),
        ),
        many_macs=12,
        caps=Caps(devices=20, percent=2.5, per_switch=3, per_hour=4),
        learning=2 * DAY,
        maintenance=(Hours(frozenset({6}), 120, 240),),
        allow=(Service("dhcp"), Service("dns", "10.0.0.53")),
        tags={
            "critical": Devices(
                macs=("02:00:00:00:00:01",),
                networks=(ip_network("10.0.0.0/28"),),
                roles=("Printer",),
            )
        },
        source="p.yaml",
        digest=sha256(text.encode()).hexdigest(),
    )


def test_a_policy_of_one_line_isolates_nobody_and_keeps_the_usual_caps() -> None:
    found = read_policy("halia-policy: 1", "p.yaml")
    usual = dataclasses.replace(found, source="", digest="", warnings=())
    assert usual == Policy()
    assert "protect names nothing" in found.warnings[0]


def test_bytes_and_text_are_one_policy() -> None:
    text = "halia-policy: 1\nrules: [] # né\n"
    assert read_policy(text, "p") == read_policy(text.encode(), "p")


def test_all_mistakes_are_told_at_once_each_with_its_place() -> None:
    text = """halia-policy: 2
learnin: 7d
tags: {a: {}, a: {vlans: [1]}}
protect: {vlans: [9999], tags: [b], many_macs: 1}
caps: {devices: 500, percent: 200, per_minute: 1}
allow: [ntp]
rules:
  - {name: r, match: {behaviours: [beacn]}, action: blok}
  - {name: s, match: {}, action: block, mode: enforce}
"""
    assert [problem.split(": ")[:2] for problem in placed(text)] == [
        ["p.yaml:1:15", "halia-policy"],
        ["p.yaml:2:1", "learnin"],
        ["p.yaml:3:8", "tags.a"],
        ["p.yaml:3:15", "tags.a"],
        ["p.yaml:4:19", "protect.vlans"],
        ["p.yaml:4:33", "protect.tags"],
        ["p.yaml:4:48", "protect.many_macs"],
        ["p.yaml:5:17", "caps.devices"],
        ["p.yaml:5:31", "caps.percent"],
        ["p.yaml:5:36", "caps.per_minute"],
        ["p.yaml:6:9", "allow[0]"],
        ["p.yaml:8:36", "rules.r.match.behaviours"],
        ["p.yaml:8:53", "rules.r.action"],
        ["p.yaml:9:22", "rules.s"],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "p.yaml:1:1: an empty file: a policy begins with halia-policy: 1"),
        ("rules: []", "p.yaml:1:1: halia-policy: is missing: 1"),
        ("- 1", "p.yaml:1:1: the file: a mapping is expected"),
        ("halia-policy: 1\nhalia-policy: 1", "p.yaml:2:1: halia-policy: given twice"),
        ("halia-policy: 1\nrules: {a: 1}", "p.yaml:2:8: rules: a list is expected"),
        ("halia-policy: 1\ntags: [x]", "p.yaml:2:7: tags: a mapping is expected"),
        ("halia-policy: 1\nrules: [\n", "p.yaml:3:1: expected the node content"),
        ("halia-policy: 1\n---\nhalia-policy: 1", "p.yaml:2:1: but found another document"),
        ("halia-policy: 1\nx: *y", "p.yaml:2:4: found undefined alias"),
    ],
)
def test_files_that_are_no_policies(text: str, said: str) -> None:
    found = placed(text)
    assert any(said in problem for problem in found), found


def _laughs() -> str:
    lines = ["halia-policy: 1", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    return "\n".join([*lines, "rules: *a19"])


def _copies() -> str:
    macs = ",".join(['"02:00:00:00:00:01"'] * 5000)
    return f"halia-policy: 1\nprotect: {{macs: &m [{macs}]}}\ntags:\n" + "".join(
        f"  t{n}: {{macs: *m}}\n" for n in range(500)
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_laughs(), "more than 50000 values (aliases count as copies)"),
        (_copies(), "more than 50000 values (aliases count as copies)"),
        ("halia-policy: 1\nrules: &r [*r]", "p.yaml:2:8: contains itself"),
        ("halia-policy: 1\nrules: &r {<<: *r}", "p.yaml:2:8: contains itself"),
        ("[" * 20_000, "p.yaml: nested too deeply"),
        ("{a: " * 20_000, "p.yaml: nested too deeply"),
        ("halia-policy: 1\n#" + "x" * BYTES_MAX, f"p.yaml: larger than {BYTES_MAX} bytes"),
        (b"halia-policy: 1\nrules: \xff\xfe", "p.yaml: "),
        (b"\x00\x01\x02", "p.yaml: "),
        ("halia-policy: 1\nx\x1b[31m: 1", "p.yaml: "),
        ("".join(f"k{n}: 1\n" for n in range(20_000)), "p.yaml: there may be more"),
        (f"halia-policy: {'9' * 5000}", "this Halia reads version 1 only"),
        (f"halia-policy: 1\nlearning: {'9' * 200_000}d", "a time span such as"),
        (f"halia-policy: 1\nallow: [{{dns: {'1' * 100_000}}}]", "dns needs an IP address"),
    ],
    ids=range(14),
)
def test_hostile_files_are_refused_soon(content: str | bytes, said: str) -> None:
    began = time.process_time()
    found = placed(content)
    assert any(said in problem for problem in found), found[:3]
    assert time.process_time() - began < 20.0, "some hundred times what it takes"
    assert all(len(problem) < 1_000 for problem in found)


def test_messages_move_no_cursor() -> None:
    text = 'halia-policy: 1\nrules: [{name: "\\e[31mx", match: {vlans: [1]}, action: "\\e[2J"}]'
    assert all(problem.isprintable() for problem in map(str, placed(text)))


def test_caps_are_within_what_switches_bear() -> None:
    assert policy(top=f"caps: {{devices: {HARD_CAP}, per_hour: 10000}}").caps == Caps(
        devices=HARD_CAP, per_hour=10_000
    )
    for wrong in ("devices: 201", "devices: 0", "per_switch: 201", "percent: 0", "percent: 101"):
        (problem,) = problems(top=f"caps: {{{wrong}}}")
        assert problem.startswith(f"caps.{wrong.partition(':')[0]}: a ")


def test_a_tag_names_somebody_and_no_tag() -> None:
    assert "names no device" in problems(top="tags: {a: {}}")[0]
    assert any(
        "tags.a.tags: no such field" in problem
        for problem in problems(top="tags: {a: {tags: [b]}, b: {vlans: [1]}}")
    )


def test_roles_that_no_model_knows_are_warned_of() -> None:
    found = policy(
        "- {name: r, match: {roles: [Workstaton, Toaster]}, action: notify}",
        top="protect: {roles: [printer]}\ntags: {t: {roles: [Fridge]}}",
    )
    assert [warning.split(": ", 1)[1] for warning in found.warnings] == [
        "tags.t.roles: roles.yaml has no 'Fridge'; well if your own model has",
        (
            "rules.r.match.roles: roles.yaml has no 'Workstaton'; did you mean 'Workstation'?"
            " Well if your own model has"
        ),
        "rules.r.match.roles: roles.yaml has no 'Toaster'; well if your own model has",
    ]


def test_a_role_alone_is_warned_of() -> None:
    def warnings(asked: str, more: str = "mode: enforce") -> tuple[str, ...]:
        return policy(
            f"- {{name: r, match: {{{asked}}}, action: quarantine, {more}}}",
            top="protect: {vlans: [1]}",
        ).warnings

    (warning,) = warnings("roles: [Workstation]")
    assert warning.startswith("p.yaml:4:5: rules.r: isolates by the role alone")
    assert not warnings("roles: [Workstation], behaviours: [vertical-scan]")
    assert not warnings("roles: [Workstation]", "mode: simulate")
    assert not warnings("roles: [Workstation]", "mode: enforce, approve: true")


def test_approval_of_what_takes_nothing_is_warned_of() -> None:
    found = policy(
        "- {name: r, match: {vlans: [1]}, action: watch, approve: true}",
        top="protect: {vlans: [1]}",
    )
    (warning,) = found.warnings
    assert warning.startswith("p.yaml:4:5: rules.r: approve: watch takes nothing")


def test_nothing_is_known_of_names_unless_told() -> None:
    text = written("- {name: r, match: {behaviours: [any], roles: [Any]}, action: notify}")
    assert read_policy(text, "p").rules[0].match.behaviours == ("any",)

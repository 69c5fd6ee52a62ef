"""Coverage, drift and shadows of an installed hook."""

from __future__ import annotations

import pytest

from plugin.faucet.coverage import Coverage, coverage, has_catch_all, rules_of
from plugin.faucet.hook import INCLUDE, Options, render
from plugin.faucet.install import Plan, plan_install

TEXT = """\
vlans:
  v: {vid: 100}
acls:
  a: [{rule: {actions: {allow: 1}}}, {rule: {dl_type: 1, actions: {allow: 0}}}]
  d: [{rule: {dl_type: 0x806, actions: {allow: 0}}}]
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v, name: desk}
      2: {native_vlan: v, acls_in: [d, a]}
      9: {name: col, output_only: true}
"""


def installed(options: Options | None = None) -> tuple[str, str]:
    plan = plan_install(TEXT, options or Options())
    assert isinstance(plan, Plan)
    assert plan.journal is not None
    return plan.new_text, render(plan.journal.layout)


def look(root: str, ours: str | None) -> Coverage:
    return coverage(root, {}, ours, INCLUDE)


def test_an_installation_covers_every_port_but_the_collector() -> None:
    found = look(*installed())
    assert found.installed
    assert found.problems == ()
    assert [(p.port, p.hooked, p.mirrored, p.why) for p in found.ports] == [
        ("1 (desk)", True, True, ""),
        ("2", True, True, ""),
        ("9 (col)", False, False, "output_only"),
    ]
    assert found.shadows == ("ACL a: rule 1 takes everything, 1 behind it never asked",)


def test_the_tail_mirrors_only_ports_without_acls() -> None:
    found = look(*installed(Options(mode="tail")))
    assert [p.mirrored for p in found.ports] == [True, False, False]


def test_a_vlan_that_was_left_out_is_no_drift() -> None:
    options = Options(ignored_vlans=frozenset((100,)))
    root, ours = installed(options)
    assert "halia_vlan]" not in root.replace(
        "halia_quarantine: {vid: 666, acls_in: [halia_vlan]}", ""
    )
    found = coverage(root, {}, ours, INCLUDE, options.ignored_vlans)
    assert found.problems == ()
    assert not any(p.mirrored for p in found.ports)
    assert [p for p in look(root, ours).problems if "VLAN v is not mirrored" in p]


def test_a_port_mirror_covers_what_it_lists() -> None:
    root, ours = installed(Options(mode="port"))
    assert "mirror: [1, 2]" in root
    found = look(root, ours)
    assert found.problems == ()
    assert [(p.mirrored, p.watchable, p.numbers) for p in found.ports] == [
        (True, True, (1,)),
        (True, False, (2,)),
        (False, False, (9,)),
    ]
    less = look(root.replace("mirror: [1, 2]", "mirror: [1]"), ours)
    assert less.problems == ("sw1 port 2 is not mirrored: no collector of its datapath lists it",)


def test_nothing_is_installed() -> None:
    found = look(TEXT, None)
    assert not found.installed
    assert found.problems == ()
    assert found.ports[0].why == "no hook"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (f"[{INCLUDE}]", "[]", f"include-optional does not name {INCLUDE}"),
        ("[halia_hook, halia_tail], ", "[halia_hook], ", "nothing follows the hook"),
        ("[halia_hook, d, a]", "[d, halia_hook, a]", "d stands before the hook"),
        ("[halia_hook, d, a]", "[d, a]", "sw1 port 2 is not hooked"),
        ("  halia_tail: [{rule: {actions: {allow: 1}}}]\n", "", "halia_tail is defined nowhere"),
        ("v: {acls_in: [halia_vlan], ", "v: {", "VLAN v is not mirrored"),
        ("v: {acls_in: [halia_vlan], ", "v: {acls_in: [halia_vlan, d], ", "share one table"),
    ],
)
def test_drift_is_named(old: str, new: str, problem: str) -> None:
    root, ours = installed()
    assert old in root
    found = look(root.replace(old, new), ours)
    assert [p for p in found.problems if problem in p], found.problems


@pytest.mark.parametrize(
    ("ours", "problem"),
    [
        (None, "is not there"),
        ("", "is no YAML"),
        ("acls: {halia_hook: [", "is no YAML"),
        ("acls: {other: []}", "does not define the hook"),
    ],
)
def test_an_include_that_faucet_would_skip_is_named(ours: str | None, problem: str) -> None:
    (first, *_) = look(installed()[0], ours).problems
    assert problem in first
    assert "frees whoever is isolated when it loads its files next" in first


def test_a_hook_with_a_catch_all_is_named() -> None:
    root, ours = installed()
    found = look(root, ours + "    - {rule: {actions: {allow: 1}}}\n")
    assert "halia_hook has a rule for everything" in found.problems[0]
    assert "sw1 port 2: halia_hook takes everything, d is never asked" in found.shadows


def test_rules_in_each_of_their_forms() -> None:
    assert rules_of([{"rule": {"a": 1}}, {"b": 2}, 3]) == [{"a": 1}, {"b": 2}]
    assert rules_of({"rules": [{"rule": {"a": 1}}]}) == [{"a": 1}]
    assert rules_of(None) == rules_of({"rules": 3}) == rules_of(7) == []
    assert has_catch_all([{"rule": {"cookie": 1, "description": "x", "actions": {}}}])
    assert not has_catch_all([{"rule": {"dl_type": 1, "actions": {}}}])

"""Each reason against an installation that a configuration shows."""

from __future__ import annotations

import pytest

from plugin.faucet.changes import decide
from plugin.faucet.document import read_situation
from plugin.faucet.hook import Options
from plugin.faucet.refusals import reasons_against
from plugin.faucet.tree import Tree

GOOD = """
acls: {a: [{rule: {actions: {allow: 1}}}], e: {exact_match: true, rules: [{rule: {actions: {allow: 1}}}]}}
vlans: {v: {vid: 100}}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v}
      2: {native_vlan: 100}
      9: {name: col, output_only: true}
"""  # noqa: E501  # one line of YAML


def reasons(text: str, options: Options | None = None, **included: str) -> list[str]:
    others = {name: Tree(content).plain for name, content in included.items()}
    situation = read_situation(Tree(text), others)
    options = options or Options()
    return reasons_against(situation, options, decide(situation, options))


def test_a_plain_configuration_is_taken() -> None:
    assert reasons(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("dp_id: 1", "dp_id: 1\n    dp_acls: [a]", "sw1 has dp_acls"),
        ("1: {native_vlan: v}", "1: {native_vlan: v, acl_in: e}", "exact_match"),
        ("1: {native_vlan: v}", "1: {native_vlan: v, acl_in: b}", "ACL b is defined nowhere"),
        ("1: {native_vlan: v}", "1: {native_vlan: v, acls_in: }", "acls_in is no list"),
        ("native_vlan: 100", "native_vlan: 200", "port 2 is in VLAN 200, which vlans: does not"),
        ("output_only: true", "native_vlan: v", "no port to mirror to"),
        ("9: {", "8: {output_only: true}\n      9: {", "name it with --collector"),
        ("vid: 100", "vid: 666", "VLAN 666 is declared already (v)"),
        ("interfaces:", "interface_ranges: {8-9: {native_vlan: v}}\n    interfaces:", "split the"),
    ],
)  # fmt: skip
def test_one_thing_that_is_in_the_way(old: str, new: str, reason: str) -> None:
    text = GOOD.replace(old, new)
    assert text != GOOD
    found = reasons(text)
    assert [r for r in found if reason in r], found


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (Options(collector="nobody"), "no datapath has a port nobody"),
        (Options(collector="1"), "port 1 is to be the collector but is not output_only"),
        (Options(remediation="sw1:7"), "--remediation sw1:7: no such port"),
        (Options(include="../x.yaml"), "must be a .yaml file beside"),
        (Options(mode="none", collector="nobody"), "no datapath has a port nobody"),
        (Options(ignored_vlans=frozenset((100, 7))), "--ignore-vlan 7: vlans: declares no such"),
    ],
)
def test_options_that_fit_nothing(options: Options, reason: str) -> None:
    assert [r for r in reasons(GOOD, options) if reason in r]


def test_a_stage_that_is_taken_is_refused_when_asked_for() -> None:
    text = GOOD.replace("vid: 100", "vid: 100, acl_in: a")
    assert reasons(text) == []  # the tail serves
    assert "would switch it off" in reasons(text, Options(mode="vlan"))[0]
    out = GOOD.replace("vid: 100", "vid: 100, acl_out: a")
    assert "acls_out" in reasons(out, Options(mode="out"))[0]


def test_a_second_port_mirror_is_refused() -> None:
    text = GOOD.replace("9: {", "8: {mirror: [2]}\n      9: {")
    assert reasons(text) == []
    assert reasons(text, Options(mode="port")) == [
        "sw1 port 8 is a port mirror of yours: --mirror port can be no second one"
    ]


def test_only_the_root_file_is_edited() -> None:
    found = reasons(GOOD, inc="dps: {sw2: {}}\nvlans: {w: {vid: 7}}\nacls: {halia_tail: []}")
    assert [r.split(":")[0] for r in found] == [
        "dps sw2 stand in an include file",
        "vlans w stand in an include file",
        "an include file defines halia_tail",
    ]


def test_all_reasons_come_at_once() -> None:
    text = GOOD.replace("dp_id: 1", "dp_id: 1\n    dp_acls: [a]").replace("vid: 100", "vid: 666")
    assert len(reasons(text)) == 3
    assert reasons("vlans: {v: {vid: 1}}")[0] == "no datapath (dps) is defined in this file"

"""What texts mean: whatever form they have, and what a merge can change."""

from __future__ import annotations

import pytest
import yaml

from plugin.faucet.meaning import meaning, merged_into

ROOT = """\
# ours
vlans:
  office: {vid: 100}
  lab: {vid: 0xc8}
dps:
  sw1:
    dp_id: 1
    interfaces:
      10: {native_vlan: office, acls_in: [b, a]}
      2: {native_vlan: office}   # desk
"""


def test_comments_order_and_style_mean_nothing() -> None:
    other = """\
{dps: {"sw1": {interfaces: {2: {native_vlan: 'office'}, 10: {acls_in: ["b", a],
native_vlan: office}}, dp_id: 1}}, vlans: {lab: {vid: 200}, office: {vid: 100}}}
"""
    assert meaning(ROOT) == meaning(other)
    assert meaning(meaning(ROOT)) == meaning(ROOT)
    assert yaml.safe_load(meaning(ROOT)) == yaml.safe_load(other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[b, a]", "[a, b]"),
        ("vid: 100", "vid: '100'"),
        ("dp_id: 1", "dp_id: true"),
        ("      2:", "      '2':"),
        ("native_vlan: office}   #", "native_vlan: lab}   #"),
        ("lab: {vid: 0xc8}", "lab: {}"),
    ],
)
def test_everything_else_does(old: str, new: str) -> None:
    assert old in ROOT
    assert meaning(ROOT.replace(old, new)) != meaning(ROOT)


def test_what_is_no_configuration_is_itself() -> None:
    for text in ("", "acls: [", "- 1\n", "a: 1\na: 2\n"):
        assert meaning(text) == text


def test_a_rule_has_a_line_of_its_own() -> None:
    """So that a diff names whom it is about and nobody else."""
    text = "acls: {a: [{rule: {dl_src: '02:00:00:00:00:01', actions: {allow: 0}}}, {rule: {}}]}"
    assert meaning(text).splitlines() == [
        "acls:",
        "  a:",
        '    - {rule: {actions: {allow: 0}, dl_src: "02:00:00:00:00:01"}}',
        "    - {rule: {}}",
    ]


def test_a_merge_says_only_what_differs() -> None:
    wanted = ROOT.replace("native_vlan: office}   #", "native_vlan: lab}   #")
    assert merged_into(ROOT, wanted) == "{dps: {sw1: {interfaces: {2: {native_vlan: lab}}}}}\n"
    added = ROOT.replace("  lab:", "  more: {vid: 7}\n  lab:")
    assert merged_into(ROOT, added) is None, "a mapping that was not there"
    assert merged_into("{a: 1}", "{a: 1, b: true}") == "{b: true}\n"
    assert merged_into("{a: 1}", "{a: true}") == "{a: true}\n"
    assert merged_into(ROOT, ROOT) == "{}\n"


def test_what_a_merge_cannot_do() -> None:
    assert merged_into(ROOT, ROOT.replace("[b, a]", "[a]")) is None
    assert merged_into(ROOT, ROOT.replace("dp_id: 1\n", "\n")) is None
    assert merged_into(ROOT, ROOT.replace("{vid: 100}", "100")) is None
    assert merged_into(ROOT, "no: [") is None

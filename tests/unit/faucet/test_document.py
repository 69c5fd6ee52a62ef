"""The operator's ports and VLANs as Faucet sees them."""

from __future__ import annotations

import pytest

from plugin.faucet.document import chain_of, numbers_of, read_situation
from plugin.faucet.tree import Tree, UnreadableError

TEXT = """
vlans: {office: {vid: 100}, 200: , lab: {vid: 300, acl_in: a}}
acls: {a: [{rule: {actions: {allow: 1}}}]}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: office, acls_in: [a]}
      up: {number: 2, tagged_vlans: [office, 200]}
      3: {name: col, output_only: true}
      4: {stack: {dp: sw2, port: 1}}
      5: {}
    interface_ranges:
      5-6,9: {native_vlan: office, acl_in: a}
"""


def test_ports_and_what_they_take_from_ranges() -> None:
    found = read_situation(Tree(TEXT), {})
    said = {i.label: (i.kind, i.chain, i.vlans, i.numbers) for i in found.interfaces}
    assert said == {
        "sw1 ports 5-6,9": ("edge", ("a",), ("office",), (5, 6, 9)),
        "sw1 port 1": ("edge", ("a",), ("office",), (1,)),
        "sw1 port up": ("edge", (), ("office", 200), (2,)),
        "sw1 port 3 (col)": ("output_only", (), (), (3,)),
        "sw1 port 4": ("stack", (), (), (4,)),
        "sw1 port 5": ("edge", ("a",), ("office",), (5,)),
    }
    assert found.vids() == {100: "office", 200: 200, 300: "lab"}
    assert [i.path[-1] for i in found.interfaces if i.answers_to("sw1:2")] == ["up"]
    assert [i.path[-1] for i in found.interfaces if i.answers_to("sw1:col")] == [3]
    assert not any(i.answers_to("sw2:1") or i.answers_to(None) for i in found.interfaces)


def test_include_files_come_later_and_win() -> None:
    other = {"acls": {"a": []}, "vlans": {7: None}}
    found = read_situation(Tree(TEXT), {"x.yaml": other})
    assert found.acls == {"a": []}
    assert found.elsewhere == {"dps": (), "vlans": ("7",), "acls": ("a",)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dps: [1]", "dps is no mapping"),
        ("dps: {sw1: {interfaces: {1: }}}", "dps.sw1.interfaces.1 is no mapping"),
        ("x: &x {a: 1}\ndps: {sw1: {interfaces: {1: {<<: *x}}}}", "merge key"),
        ("dps: {sw1: {interface_ranges: {1-99999999: {}}}}", "no such port"),
        ("dps: {sw1: {interfaces: {1: {tagged_vlans: 100}}}}", "1.tagged_vlans is no list"),
        ("dps: {sw1: {interfaces: {1: {tagged_vlans: [{a: 1}]}}}}", "1.tagged_vlans has something"),
        ("dps: {sw1: {interfaces: {1: {native_vlan: [office]}}}}", "1.native_vlan has something"),
        ("dps: {sw1: {interface_ranges: {1-2: {acls_in: [[a]]}}}}", "1-2.acls_in has something"),
        ("dps: {sw1: {interfaces: {1: {mirror: [{a: 1}]}}}}", "1.mirror has something"),
        ("vlans: {office: {acl_in: {a: 1}}}", "vlans.office.acl_in has something"),
    ],
)
def test_what_faucet_would_not_take_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_situation(Tree(text), {})


def test_ranges_and_chains_in_all_spellings() -> None:
    assert numbers_of("1-3,5") == (1, 2, 3, 5)
    assert numbers_of(15) == (15,)
    assert chain_of({"acl_in": 7}, "in") == (7,)
    assert chain_of({"acls_in": None, "acl_in": "a"}, "in") == ("a",)
    assert chain_of({"acls_out": ["a", "b"]}, "out") == ("a", "b")
    assert chain_of({}, "in") == ()

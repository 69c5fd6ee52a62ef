"""Where the mirror goes, by what the operator has; where the hook goes, by how he wrote it."""

from __future__ import annotations

import pytest

from plugin.faucet.changes import changes, decide
from plugin.faucet.document import read_situation
from plugin.faucet.edits import change
from plugin.faucet.hook import Mode, Options
from plugin.faucet.tree import Tree

ACL = "acls: {a: [{rule: {actions: {allow: 1}}}]}\n"
COL = "9: {name: col, output_only: true}"


def config(*, port: str = "", vlan: str = "", more: str = "", col: str = COL) -> str:
    return (
        f"{ACL}vlans: {{v: {{vid: 100{vlan}}}}}\n"
        f"dps: {{sw1: {{dp_id: 1, interfaces: {{1: {{native_vlan: v{port}}}, {col}}}}}{more}}}\n"
    )


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (config(), "vlan"),
        (config(port=", acl_in: a"), "vlan"),
        (config(vlan=", acl_in: a"), "tail"),
        (config(port=", acls_in: [a]", vlan=", acls_in: [a]"), "out"),
        (config(more=", sw2: {dp_id: 2, interfaces: {1: {native_vlan: v}}}"), "tail"),
    ],
)
def test_the_mirror_goes_where_the_operator_has_no_acl(text: str, mode: Mode) -> None:
    assert decide(read_situation(Tree(text), {}), Options()).mode == mode


@pytest.mark.parametrize(
    ("col", "asked", "found"),
    [
        (COL, None, "col"),
        ("9: {output_only: true}", None, 9),
        ("p9: {number: 9, output_only: true}", None, "p9"),
        (f"{COL}, 8: {{output_only: true}}", None, None),
        (f"{COL}, 8: {{output_only: true}}", "8", 8),
        (f"{COL}, 8: {{output_only: true, mirror: [1]}}", None, "col"),
        ("8: {mirror: [1]}", None, None),
        ("8: {mirror: [1]}", 8, 8),
    ],
)
def test_the_collector_is_the_only_port_for_it_or_the_named_one(
    col: str, asked: str | int | None, found: str | int | None
) -> None:
    layout = decide(read_situation(Tree(config(col=col)), {}), Options(collector=asked))
    assert layout.targets[0].collector == found


def installed(text: str, options: Options | None = None) -> dict[str, object]:
    tree = Tree(text)
    situation = read_situation(tree, {})
    options = options or Options(quarantine_vid=0)
    new, _ = change(text, list(changes(tree, situation, options, decide(situation, options))))
    plain: dict[str, object] = Tree(new).plain
    return plain


def chains(plain: dict[str, object], section: str = "interfaces") -> dict[object, object]:
    ports = plain["dps"]["sw1"].get(section, {})  # type: ignore[index]  # the test's own file
    return {key: conf.get("acls_in") for key, conf in ports.items()}


@pytest.mark.parametrize(
    ("port", "chain"),
    [
        ("", ["halia_hook", "halia_tail"]),
        (", acls_in: []", ["halia_hook", "halia_tail"]),
        (", acl_in: a", ["halia_hook", "a"]),
        (", acls_in: [a]", ["halia_hook", "a"]),
    ],
)
def test_each_way_to_write_a_chain(port: str, chain: list[str]) -> None:
    assert chains(installed(config(port=port))) == {1: chain, 9: None}


def test_a_range_hands_its_chain_down() -> None:
    text = (
        "vlans: {v: {vid: 100}}\n"
        "dps:\n  sw1:\n    dp_id: 1\n"
        "    interfaces:\n      1: {description: in the range}\n      9: {output_only: true}\n"
        "    interface_ranges:\n      1-3: {native_vlan: v}\n"
    )
    plain = installed(text)
    assert chains(plain, "interface_ranges") == {"1-3": ["halia_hook", "halia_tail"]}
    assert chains(plain) == {1: None, 9: None}


def test_a_range_that_makes_no_ports_leaves_the_hook_to_them() -> None:
    text = (
        "vlans: {v: {vid: 100}}\n"
        "dps:\n  sw1:\n    dp_id: 1\n"
        "    interfaces:\n      1: {native_vlan: v}\n      9: {output_only: true}\n"
        "    interface_ranges:\n      1-9: {description: rack 3}\n"
    )
    plain = installed(text)
    assert chains(plain, "interface_ranges") == {"1-9": None}
    assert chains(plain) == {1: ["halia_hook", "halia_tail"], 9: None}


def test_the_remediation_port_has_its_rules_before_the_hook() -> None:
    plain = installed(config(), Options(remediation="sw1:1"))
    assert chains(plain)[1] == ["halia_remed", "halia_hook", "halia_tail"]
    assert "halia_remed" in plain["acls"]  # type: ignore[operator]  # the test's own file


def test_the_quarantine_vlan_is_declared_and_mirrored_like_the_others() -> None:
    plain = installed(config(), Options())
    assert plain["vlans"] == {
        "halia_quarantine": {"vid": 666, "acls_in": ["halia_vlan"]},
        "v": {"vid": 100, "acls_in": ["halia_vlan"]},
    }
    assert set(installed(config(), Options(quarantine_vid=100))["vlans"]) == {"v"}  # type: ignore[call-overload]  # the test's own file


def test_vlans_are_left_out_that_are_to_be() -> None:
    plain = installed(config(), Options(ignored_vlans=frozenset((100, 666))))
    assert plain["vlans"] == {"halia_quarantine": {"vid": 666}, "v": {"vid": 100}}


def test_each_collector_mirrors_the_edge_ports_of_its_datapath() -> None:
    text = config(
        col=f"2: {{tagged_vlans: [v]}}, 3: {{stack: {{dp: sw2, port: 3}}}}, {COL}",
        more=", sw2: {dp_id: 2, interface_ranges: {5-6: {native_vlan: v}},"
        " interfaces: {9: {name: col, output_only: true}, 8: {output_only: true}}}",
    )
    plain = installed(text, Options(mode="port", quarantine_vid=0, collector="col"))
    dps: dict[str, dict[str, dict[object, dict[str, object]]]] = plain["dps"]  # type: ignore[assignment]  # the test's own file
    assert dps["sw1"]["interfaces"][9]["mirror"] == [1, 2]
    assert dps["sw2"]["interfaces"][9]["mirror"] == [5, 6]
    assert "mirror" not in dps["sw2"]["interfaces"][8]


def test_a_file_without_sections_gets_them() -> None:
    text = "dps: {sw1: {dp_id: 1, interfaces: {1: {}, 9: {output_only: true}}}}\n"
    plain = installed(text, Options())
    assert list(plain) == ["include-optional", "acls", "vlans", "dps"]

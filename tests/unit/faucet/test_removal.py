"""Our parts are cut out of a file that others have edited, and nothing else is."""

from __future__ import annotations

import pytest

from plugin.faucet.removal import is_ours, strip


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a: 1\n", "a: 1\n"),
        ("# not halia at all\na: 1\n", "# not halia at all\na: 1\n"),
        ("# halia: x\ninclude-optional: [halia_isolation.yaml]\na: 1\n", "a: 1\n"),
        ("include-optional: [halia_isolation.yaml, b.yaml]\n", "include-optional: [b.yaml]\n"),
        ("acls:\n  halia_hook:\n  - rule:\n      x: 1\n  a: []\n", "acls:\n  a: []\n"),
        ("acls:\n  halia_hook: []\n  halia_tail_sw1: []\na: 1\n", "a: 1\n"),
        ("acls: {halia_hooked: []}\n", "acls: {halia_hooked: []}\n"),
        ("vlans:\n  v: {acls_in: [halia_vlan], vid: 1}\n", "vlans:\n  v: {vid: 1}\n"),
        (
            "vlans:\n  v:\n    acls_in: [halia_vlan]  # x\n  w: {vid: 1}\n",
            "vlans:\n  v:\n    {}  # x\n  w: {vid: 1}\n",
        ),
        (
            "acls: {halia_port: []}\ndps: {s: {interfaces: {1: {mirror: [2], name: c}}}}\n",
            "dps: {s: {interfaces: {1: {name: c}}}}\n",
        ),
        (
            "acls: {halia_hook: []}\ndps: {s: {interfaces: {1: {mirror: [2], name: c}}}}\n",
            "dps: {s: {interfaces: {1: {mirror: [2], name: c}}}}\n",
        ),
        ("vlans:\n  halia_quarantine: {vid: 6}\n  v: {vid: 1}\n", "vlans:\n  v: {vid: 1}\n"),
    ],
)
def test_what_is_cut(text: str, bare: str) -> None:
    assert strip(text) == bare


def test_a_quarantine_vlan_in_use_stays() -> None:
    text = (
        "vlans:\n  halia_quarantine: {vid: 6, acls_in: [halia_vlan]}\n"
        "dps: {s: {interfaces: {1: {acls_in: [halia_hook, a], native_vlan: %s}}}}\n"
    )
    for name in ("halia_quarantine", "6"):
        assert strip(text % name) == (
            "vlans:\n  halia_quarantine: {vid: 6}\n"
            f"dps: {{s: {{interfaces: {{1: {{acls_in: [a], native_vlan: {name}}}}}}}}}\n"
        )


def test_a_port_of_a_range_keeps_its_empty_chain() -> None:
    text = (
        "dps: {s: {interface_ranges: {1-2: {acls_in: [halia_hook, a]}},"
        " interfaces: {1: {acls_in: [halia_hook, halia_tail]}, 3: {acls_in: [halia_hook], x: 1}}}}"
    )
    assert strip(text) == (
        "dps: {s: {interface_ranges: {1-2: {acls_in: [a]}},"
        " interfaces: {1: {acls_in: []}, 3: {x: 1}}}}"
    )
    block = (
        "dps:\n  s:\n    interface_ranges: {1-2: {acls_in: [a]}}\n    interfaces:\n      1:\n"
        "        acls_in:\n        %s\n"
    )
    assert strip(block % "- halia_hook\n        - halia_tail") == block % "  []"


def test_names() -> None:
    assert is_ours("halia_hook")
    assert is_ours("halia_tail_sw 2")
    assert not is_ours("halia")
    assert not is_ours(7)

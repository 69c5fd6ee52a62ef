"""What isolations stand on, from the operator's files."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.faucet.ground import OperatorAcl, Vlan, ground
from plugin.faucet.revlan import Revlan, RevlanPlan, plan_revlans
from plugin.faucet.tree import UnreadableError
from tests.grounds import HOOKED, OPERATOR, TEXT, site

RULES = (
    {"dl_type": 0x800, "nw_proto": 17, "udp_dst": 5007, "actions": {"allow": 0}},
    {"actions": {"allow": 1}},
)


def test_every_port_that_is_hooked() -> None:
    found = site(port=OPERATOR, second=True).ground
    assert [p.key for p in found.hooked()] == [*(("sw1", n) for n in HOOKED), ("sw2", 1)]
    assert not found.ports["sw1", 7].hooked
    assert found.ports["sw1", 7].kind == "output_only"
    assert found.installed
    assert found.dp_ids == {"sw1": 1, "sw2": 2}
    assert found.collectors == {"sw1": 7, "sw2": 7}
    assert found.layout is not None
    assert found.layout.mode == "vlan"


def test_what_a_port_is() -> None:
    ports = site(port=OPERATOR).ground.ports
    desk, plain, uplink, ranged = (ports["sw1", n] for n in (1, 2, 24, 10))
    assert desk.acls == (OperatorAcl("op", RULES),)
    assert (desk.label, desk.native, desk.native_vid) == ("sw1 port 1 (desk)", "office", 100)
    assert plain.acls == ()
    assert (plain.label, plain.tagged, plain.movable) == ("sw1 port 2", (), True)
    assert (uplink.native, uplink.native_vid, uplink.movable) == (None, None, False)
    assert uplink.tagged == ("office", "lab")
    assert (ranged.label, ranged.native_vid, ranged.movable) == ("sw1 port 10", 100, False)
    assert ports["sw1", 6].remediation
    assert not any(p.remediation for n, p in ports.items() if n != ("sw1", 6))
    assert site(remediation=None).ground.remediation == {}
    assert site().ground.remediation == {"sw1": ports["sw1", 6]}


def test_vlans_by_key_and_by_number() -> None:
    found = site().ground
    assert found.vlan("lab") == found.vlan("200") == found.vlan(200) == Vlan("lab", 200)
    assert found.vlan("halia_quarantine") == Vlan("halia_quarantine", 666)
    assert found.vlan("nowhere") is None
    assert found.vlan(None) is None
    keyed = TEXT.format(vlan="", port="").replace("  cellar: {vid: 300}", "  300: {description: c}")
    numbered = site(text=keyed.replace("native_vlan: cellar", "native_vlan: 300")).ground
    assert numbered.vlan("300") == Vlan(300, 300)
    assert numbered.ports["sw1", 6].native_vid == 300


def test_a_key_goes_before_a_number() -> None:
    text = TEXT.format(vlan="", port="").replace("  lab: {vid: 200}", "  '300': {vid: 200}")
    found = site(text=text.replace("office, lab", "office, '300'").replace(": lab", ": '300'"))
    assert found.ground.vlan("300") == Vlan("300", 200)


def test_faucets_own_vlans_are_known_as_such() -> None:
    text = site().root.replace("vid: 300}", "vid: 300, reserved_internal_vlan: true}")
    assert ground(text, {}, site().journal).vlan("cellar") == Vlan("cellar", 300, reserved=True)


@pytest.mark.parametrize(
    ("acl", "rules"),
    [
        ("[{rule: {actions: {allow: 1}}}]", ({"actions": {"allow": 1}},)),
        ("{rules: [{rule: {actions: {allow: 1}}}]}", ({"actions": {"allow": 1}},)),
        ("[{actions: {allow: 1}}]", ({"actions": {"allow": 1}},)),
        ("[]", None),
        ("[word, {rule: {actions: {allow: 1}}}]", None),
        ("{rules: 3}", None),
        ("7", None),
    ],
)
def test_rules_of_the_operators_acls_in_each_form(acl: str, rules: Any) -> None:
    where = site(port=OPERATOR)
    start = where.root.index("  op:\n")
    text = f"{where.root[:start]}  op: {acl}\n{where.root[where.root.index('dps:') :]}"
    assert ground(text, {}, where.journal).ports["sw1", 1].acls == (OperatorAcl("op", rules),)


def test_an_acl_that_is_nowhere_or_in_an_include() -> None:
    where = site(port=OPERATOR)
    text = where.root.replace("halia_hook, op]", "halia_hook, other]")
    assert ground(text, {}, where.journal).ports["sw1", 1].acls == (OperatorAcl("other", None),)
    included = {"/x/more.yaml": "acls: {other: [{rule: {actions: {allow: 0}}}]}"}
    known = ground(text, included, where.journal).ports["sw1", 1].acls
    assert known == (OperatorAcl("other", ({"actions": {"allow": 0}},)),)


def test_what_is_not_installed() -> None:
    where = site()
    bare = ground(TEXT.format(vlan="", port=""), {}, None)
    assert (bare.layout, bare.installed, list(bare.hooked()), bare.collectors) == (
        None,
        False,
        [],
        {},
    )
    # Faucet is not told of our include, or no port is hooked, or the record is gone.
    unnamed = where.root.replace("halia_isolation.yaml", "other.yaml")
    assert not ground(unnamed, {}, where.journal).installed
    unhooked = where.root.replace("halia_hook, ", "").replace("halia_remed, ", "")
    assert not ground(unhooked, {}, where.journal).installed
    assert not ground(where.root, {}, None).installed
    assert ground(where.root, {}, where.journal).installed


def test_a_hook_that_is_not_first_is_none() -> None:
    where = site(port=OPERATOR)
    text = where.root.replace("[halia_hook, op]", "[op, halia_hook]")
    assert not ground(text, {}, where.journal).ports["sw1", 1].hooked


def test_a_hook_at_a_port_that_faucet_does_not_ask_is_none() -> None:
    where = site()
    text = where.root.replace("output_only: true", "output_only: true, acls_in: [halia_hook]")
    assert not ground(text, {}, where.journal).ports["sw1", 7].hooked


def test_a_moved_port_is_known_by_where_it_was() -> None:
    where = site()
    holders = ((1, "0e:00:00:00:00:01"),)
    plan = plan_revlans(where.root, [Revlan("sw1", 2, "cellar", holders)], None)
    assert isinstance(plan, RevlanPlan)
    journal = where.journal._replace(revlans=plan.record)
    port = ground(plan.new_text, {}, journal).ports["sw1", 2]
    assert (port.native, port.native_vid, port.moved) == ("office", 100, "cellar")
    assert ground(plan.new_text, {}, where.journal).ports["sw1", 2].native == "cellar"
    assert ground(where.root, {}, journal).ports["sw1", 2].moved is None


@pytest.mark.parametrize("text", ["", "- 1", "dps: [", "dps: {sw1: 3}"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(UnreadableError):
        ground(text, {}, None)
    with pytest.raises(UnreadableError):
        ground(TEXT.format(vlan="", port=""), {"/x.yaml": "["}, None)

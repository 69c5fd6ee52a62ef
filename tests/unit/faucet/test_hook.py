"""The rules we write: complete, in order, never a catch-all in the hook."""

from __future__ import annotations

import pytest

from plugin.faucet.hook import (
    HookRule,
    Layout,
    Options,
    Stages,
    Target,
    chain,
    render,
    root_acls,
    vlan_acl,
    watch,
)
from plugin.faucet.tree import Tree

MAC = "02:00:00:00:00:01"
ONE = Layout(mode="vlan", targets=(Target("sw1", "col"),))
TWO = Layout(mode="tail", targets=(Target("sw1", "col", "_sw1"), Target("sw2", None, "_sw2")))


def rule(allow: bool, cookie: int) -> HookRule:
    return HookRule(match=(("dl_src", MAC),), allow=allow, mirror=True, cookie=cookie)


def test_the_include_is_a_mapping_with_a_priming_rule_even_when_nothing_is_asked() -> None:
    assert Tree(render(ONE)).plain == {
        "acls": {"halia_hook": [{"rule": {"dl_src": "02:00:5e:00:00:fe", "actions": {"allow": 0}}}]}
    }
    assert render(ONE) == render(ONE)


def test_stages_come_in_their_order() -> None:
    stages = Stages(
        blocks=(rule(False, 6),),
        watches=(rule(True, 5),),
        limits=(rule(True, 4),),
        redirects=(rule(False, 3),),
        drops=(rule(False, 2),),
        services=(rule(True, 1),),
        meters=(("halia_m1_r500", {"meter_id": 1}),),
    )
    plain = Tree(render(ONE, stages)).plain
    rules = [r["rule"] for r in plain["acls"]["halia_hook"]]
    assert [r.get("cookie") for r in rules] == [None, 6, 1, 2, 3, 4]
    assert [r["actions"]["allow"] for r in rules] == [0, 0, 1, 0, 0, 1]
    assert all(r["actions"]["mirror"] == "col" for r in rules[1:])
    assert [r["rule"].get("cookie") for r in plain["acls"]["halia_tail"]] == [5, None]
    assert plain["meters"] == {"halia_m1_r500": {"meter_id": 1}}


def test_a_word_about_a_rule_is_its_description() -> None:
    said = rule(False, 2)._replace(about="why: {x}").render(None)["rule"]
    assert said == {"dl_src": MAC, "description": "why: {x}", "cookie": 2, "actions": {"allow": 0}}
    assert "description" not in rule(False, 2).render(None)["rule"]


def test_a_watch_sees_both_ends_of_a_device() -> None:
    assert [r.render("col") for r in watch(MAC, 7)] == [
        {"rule": {"dl_src": MAC, "cookie": 7, "actions": {"allow": 1, "mirror": "col"}}},
        {"rule": {"dl_dst": MAC, "cookie": 7, "actions": {"allow": 1, "mirror": "col"}}},
    ]


def test_watches_stand_in_the_tail_where_they_switch_off_no_acl_of_the_operator() -> None:
    none = Layout(mode="none", targets=(Target("sw1", "col"),))
    plain = Tree(render(none, Stages(watches=watch(MAC, 7)))).plain["acls"]
    assert len(plain["halia_hook"]) == 1
    assert plain["halia_tail"] == [
        *(r.render("col") for r in watch(MAC, 7)),
        {"rule": {"actions": {"allow": 1}}},
    ]
    everything = Tree(render(none, Stages(everything=True))).plain["acls"]
    assert everything["halia_tail"] == [{"rule": {"actions": {"allow": 1, "mirror": "col"}}}]
    # Where the tail mirrors all by itself it goes on to do so.
    two = Tree(render(TWO, Stages(watches=watch(MAC, 7)))).plain["acls"]
    assert two["halia_tail_sw1"][-1] == {"rule": {"actions": {"allow": 1, "mirror": "col"}}}
    assert two["halia_tail_sw2"][-1] == {"rule": {"actions": {"allow": 1}}}


def test_port_mirrors_are_marked_as_ours() -> None:
    layout = Layout(mode="port", targets=ONE.targets)
    assert "halia_port" in root_acls(layout, remediation=False)
    assert vlan_acl(layout) is None


@pytest.mark.parametrize("match", [(), (("dl_type", 0x800),)])
def test_a_rule_that_matches_no_single_device_cannot_be_rendered(
    match: tuple[tuple[str, int], ...],
) -> None:
    with pytest.raises(AssertionError):
        HookRule(match=match, allow=True, mirror=True, cookie=1).render("col")


@pytest.mark.parametrize("cookie", [-1, 0, 1 << 16])
def test_a_rule_without_a_cookie_of_its_own_cannot_be_rendered(cookie: int) -> None:
    one = HookRule((("dl_src", "0e:00:00:00:00:01"),), allow=True, mirror=True, cookie=1)
    assert one.render("col")["rule"]["cookie"] == 1
    with pytest.raises(AssertionError):
        one._replace(cookie=cookie).render("col")


def test_chains_put_us_first_and_the_operator_last() -> None:
    assert chain(ONE, "sw1", (), remediation=False) == ["halia_hook", "halia_tail"]
    assert chain(ONE, "sw1", ("a", 7), remediation=False) == ["halia_hook", "a", 7]
    assert chain(TWO, "sw2", (), remediation=True) == [
        "halia_remed_sw2",
        "halia_hook_sw2",
        "halia_tail_sw2",
    ]


def test_the_mirror_stands_at_one_stage_only() -> None:
    def mirrors(layout: Layout) -> list[str]:
        acls = root_acls(layout, remediation=True)
        return [
            n for n, rules in acls.items() if any("mirror" in r["rule"]["actions"] for r in rules)
        ]

    assert mirrors(ONE) == ["halia_vlan"]
    assert vlan_acl(ONE) == ("acls_in", "halia_vlan")
    assert mirrors(Layout(mode="out", targets=ONE.targets)) == ["halia_out"]
    assert mirrors(Layout(mode="none", targets=ONE.targets)) == []
    assert mirrors(TWO) == ["halia_tail_sw1"]  # sw2 has no collector
    assert vlan_acl(TWO) is None


def test_datapaths_with_a_common_collector_share_one_acl() -> None:
    shared = Layout(mode="vlan", targets=(Target("sw1", "col"), Target("sw2", "col")))
    assert list(Tree(render(shared)).plain["acls"]) == ["halia_hook"]
    assert list(Tree(render(TWO, remediation=True)).plain["acls"]) == [
        "halia_hook_sw1",
        "halia_remed_sw1",
        "halia_hook_sw2",
        "halia_remed_sw2",
    ]


def test_table_feature_hardware_is_primed_for_every_field() -> None:
    wide = Layout(mode="vlan", targets=ONE.targets, wide_priming=True)
    rules = [r["rule"] for r in Tree(render(wide)).plain["acls"]["halia_hook"]]
    fields = {field for r in rules for field in r}
    assert {"dl_dst", "arp_spa", "arp_tpa", "ipv4_src", "ipv4_dst", "udp_src", "udp_dst"} <= fields
    assert all({"dl_src", "dl_dst"} & set(r) for r in rules)


def test_the_quarantine_vlan_has_a_default_and_can_be_left_out() -> None:
    assert [Options(quarantine_vid=v).quarantine for v in (None, 0, 7)] == [666, 0, 7]

"""What ACLs do to a device: one of our actions, or a reason why none does."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from plugin.actions import RATE_MAX, Action, Service
from plugin.policy.poseidon_acls import UnlikeError, effect_of
from plugin.policy.poseidon_files import AclRule, read_acls

DENY = "- rule: {actions: {allow: 0}}"
ALLOW = "- rule: {actions: {allow: 1}}"
METERS = {
    "two": {"meter_id": 1, "entry": {"flags": ["KBPS"], "bands": [{"type": "DROP", "rate": 2000}]}},
    "packets": {"entry": {"flags": ["PKTPS"], "bands": [{"type": "DROP", "rate": 9}]}},
    "none": {"entry": {"flags": ["KBPS"], "bands": []}},
    "odd": [],
    "yes": {"entry": {"flags": ["KBPS"], "bands": [{"type": "DROP", "rate": True}]}},
}


def rules(text: str) -> tuple[AclRule, ...]:
    body = textwrap.indent(text, "  ")
    read = read_acls(f"acls:\n  a:\n{body}", "a")
    assert read.problems == ()
    return read.acls["a"].rules


def allowed(match: str) -> str:
    return f"- rule: {{{match}, actions: {{allow: 1}}}}"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        (DENY, Action(kind="block")),
        ("- rule: {}", Action(kind="block")),  # Faucet drops what no rule allows
        ("- rule: {cookie: 7, description: all, actions: {allow: false}}", Action(kind="block")),
        (f"{DENY}\n{ALLOW}", Action(kind="block")),  # nothing comes to what stands behind
        (
            "- rule: {eth_type: 0x800, actions: {allow: 0}}\n" + DENY,
            Action(kind="block"),
        ),
        ("- rule: {actions: {allow: 1, mirror: 3}}", Action(kind="watch")),
        ("- rule: {actions: {allow: 1, meter: two}}", Action(kind="limit", rate=2000)),
        (
            "- rule: {actions: {allow: 1, force_port_vlan: 1, output: {vlan_vid: guests}}}",
            Action(kind="revlan", vlan="guests"),
        ),
        (allowed("dl_type: 0x806") + "\n" + DENY, Action(kind="quarantine")),
        (
            allowed("eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 135") + "\n" + DENY,
            Action(kind="quarantine"),
        ),
    ],
)
def test_actions(text: str, action: Action) -> None:
    assert effect_of(rules(text), METERS).action == action


@pytest.mark.parametrize(
    ("match", "service"),
    [
        ("dl_type: 0x800, nw_proto: 17, udp_dst: 67", Service("dhcp")),
        ("dl_type: '0x800', nw_proto: 17, tp_dst: 67, tp_src: 68", Service("dhcp")),
        ("udp_dst: 67, udp_src: 68", Service("dhcp")),
        ("eth_type: 0x86dd, ip_proto: 17, udp_dst: 547", Service("dhcp")),
        (
            "dl_type: 0x800, nw_proto: 17, nw_dst: 10.0.0.53, tp_dst: 53",
            Service("dns", "10.0.0.53"),
        ),
        ("ip_proto: 6, ipv4_dst: 10.0.0.53/32, tcp_dst: 53", Service("dns", "10.0.0.53")),
        ("nw_proto: 6, nw_dst: 10.0.0.53, tp_dst: 53", Service("dns", "10.0.0.53")),
        ("eth_type: 0x800, ipv4_dst: 10.0.0.254", Service("host", "10.0.0.254")),
        ("eth_type: 0x800, ipv4_dst: 10.0.0.254/255.255.255.255", Service("host", "10.0.0.254")),
        ("eth_type: 0x86dd, ipv6_dst: '2001:DB8::1'", Service("host", "2001:db8::1")),
    ],
)  # fmt: skip
def test_what_a_quarantine_lets_pass(match: str, service: Service) -> None:
    found = effect_of(rules(allowed(match) + "\n" + allowed(match) + "\n" + DENY), {})
    assert found.action == Action(kind="quarantine", allow=(service,))
    assert found.notes == ()


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        ("nw_dst: 10.0.0.0/24", "the whole network 10.0.0.0/24"),
        ("nw_dst: 10.0.0.1/24", "is no address"),
        ("nw_dst: nobody", "'nobody' is no address"),
        ("nw_dst: 224.0.0.1", "224.0.0.1 is no host's address"),
        ("nw_proto: 6, nw_dst: 10.0.0.1, tcp_dst: 443", "only some of what is sent to 10.0.0.1"),
        ("nw_proto: 17, nw_dst: 10.0.0.1", "only some of what is sent to 10.0.0.1"),
        ("nw_proto: 17, udp_dst: 53", "not to one address, nor DHCP, nor ARP"),
        ("nw_proto: 6, tcp_dst: 67", "not to one address"),
        ("dl_type: 0x800", "not to one address"),
        ("dl_src: '02:00:00:00:00:01'", "asks for eth_src"),
        ("in_port: 3, nw_dst: 10.0.0.1", "asks for in_port"),
        ("dl_type: 0x806, arp_tpa: 10.0.0.1", "asks for arp_tpa"),
        ("nw_proto: 58, icmpv6_type: 128", "asks for icmpv6_type"),
        ("nw_proto: 17, nw_dst: 10.0.0.53, udp_dst: 53, udp_src: 53", "only some of what is sent"),
    ],
)
def test_what_no_quarantine_lets_pass(match: str, reason: str) -> None:
    with pytest.raises(UnlikeError) as caught:
        effect_of(rules(allowed(match) + "\n" + DENY), {})
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ALLOW, "let everything pass"),
        (allowed("dl_type: 0x806") + "\n" + ALLOW, "let everything pass"),
        (allowed("dl_type: 0x806"), "no rule of its ACLs is for everything else"),
        ("- rule: {nw_dst: 10.0.0.1, actions: {allow: 0}}\n" + ALLOW, "stop only some of what"),
        (
            "- rule: {nw_dst: 10.0.0.1, actions: {}}\n" + allowed("nw_dst: 10.0.0.2") + "\n" + DENY,
            "a rule that denies stands before one that allows",
        ),
        (
            allowed("dl_type: 0x806") + "\n- rule: {actions: {allow: 1, mirror: 3}}",
            "only to some of what",
        ),
        ("- rule: {actions: {allow: 1, mirror: 3, meter: two}}", "is meter with mirror"),
        ("- rule: {actions: {allow: 1, meter: gone}}", "the meter gone is not in the file"),
        ("- rule: {actions: {allow: 1, meter: packets}}", "one band of DROP in KBPS"),
        ("- rule: {actions: {allow: 1, meter: none}}", "one band of DROP in KBPS"),
        ("- rule: {actions: {allow: 1, meter: odd}}", "one band of DROP in KBPS"),
        ("- rule: {actions: {allow: 1, meter: [odd]}}", "one band of DROP in KBPS"),
        ("- rule: {actions: {allow: 1, meter: 'yes'}}", "one band of DROP in KBPS"),
        ("- rule: {actions: {allow: 1, output: {vlan_vid: 900}}}", "VLAN 900; Halia needs that"),
        ("- rule: {actions: {allow: 1, output: {vlan_vid: '900'}}}", "Halia needs that VLAN's"),
        ("- rule: {actions: {allow: 1, output: {vlan_vid: a b}}}", "Halia needs that VLAN's"),
        ("- rule: {actions: {allow: 1, output: {port: 3}}}", "send everything somewhere else"),
        ("- rule: {actions: {allow: 1, output: {port: 3, vlan_vid: a}}}", "somewhere else"),
        ("- rule: {actions: {allow: 1, output: [{port: 3}]}}", "no action of Halia's is output"),
        ("- rule: {actions: {allow: 0, output: {port: 3}}}", "send everything somewhere else"),
        (
            "- rule: {nw_dst: 10.0.0.1, actions: {allow: 1, meter: two}}\n" + DENY,
            "what it allows has meter too",
        ),
    ],
)
def test_what_no_action_does(text: str, reason: str) -> None:
    with pytest.raises(UnlikeError) as caught:
        effect_of(rules(text), METERS)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("rate", "good"), [(0, False), (1, True), (RATE_MAX, True), (RATE_MAX + 1, False)]
)
def test_rates_that_a_limit_can_have(rate: int, good: bool) -> None:
    band = {"type": "DROP", "rate": rate}
    meters = {"m": {"entry": {"flags": "KBPS", "bands": [band]}}}
    text = rules("- rule: {actions: {allow: 1, meter: m}}")
    if good:
        assert effect_of(text, meters).action == Action(kind="limit", rate=rate)
    else:
        with pytest.raises(UnlikeError):
            effect_of(text, meters)


def test_a_mirror_beside_a_block_is_said() -> None:
    found = effect_of(rules("- rule: {actions: {allow: 0, mirror: 3}}"), {})
    assert found.action == Action(kind="block")
    assert found.notes == ("Halia copies to its own collector port, not to mirror:",)


@pytest.mark.parametrize("value", [None, True, "x", 1.5, [1], {}])
def test_odd_values_are_never_taken_for_a_service(value: Any) -> None:
    odd = AclRule("p", {"eth_type": value, "ip_proto": value, "udp_dst": value}, {"allow": 1})
    with pytest.raises(UnlikeError):
        effect_of((odd, AclRule("p", {}, {})), {})

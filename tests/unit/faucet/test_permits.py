"""Whether an operator's ACL lets frames pass: never yes where it might deny one."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.faucet.ground import OperatorAcl
from plugin.faucet.permits import why_not

DEVICE = "0e:00:00:00:00:01"
DNS = {
    "dl_src": DEVICE,
    "dl_type": 0x800,
    "nw_proto": 17,
    "ipv4_dst": "10.0.0.53/32",
    "udp_dst": 53,
}
UDP = {"dl_type": 0x800, "nw_proto": 17}
ALLOW: dict[str, Any] = {"actions": {"allow": 1}}
DENY: dict[str, Any] = {"actions": {"allow": 0}}


def acl(*rules: dict[str, Any], name: str = "op") -> OperatorAcl:
    return OperatorAcl(name, rules)


def rule(allow: int, **match: Any) -> dict[str, Any]:
    return {**match, "actions": {"allow": allow}}


def said(*rules: dict[str, Any]) -> str:
    return why_not(DNS, [acl(*rules)])


def test_without_acls_everything_passes() -> None:
    assert why_not(DNS, []) == ""


def test_what_is_denied_or_allowed_as_a_whole() -> None:
    assert said(ALLOW) == ""
    assert said(DENY) == "rule 1 of your ACL op denies it"
    assert said(rule(0, **UDP, udp_dst=53), ALLOW) == "rule 1 of your ACL op denies it"
    assert said(rule(1, **UDP, udp_dst=53), DENY) == ""
    assert said() == said(rule(1, **UDP, udp_dst=54)) == "your ACL op ends without allowing it"


def test_a_rule_on_something_else_is_passed_over() -> None:
    for other in (
        {**UDP, "udp_dst": 54},
        {"dl_type": 0x806},
        {"dl_type": 0x800, "nw_proto": 6},
        {"dl_src": "0e:00:00:00:00:02"},
        {"dl_type": 0x800, "ipv4_dst": "10.0.1.0/24"},
        {"dl_type": 0x800, "ipv4_dst": "10.0.0.52"},
        {"eth_src": "0e:00:00:00:01:00/ff:ff:ff:ff:ff:00"},
    ):
        assert said(rule(0, **other), ALLOW) == ""


def test_a_part_that_is_denied_is_a_no_and_one_that_is_allowed_decides_nothing() -> None:
    part = {"dl_type": 0x800, "ipv4_src": "10.0.0.11"}
    assert said(rule(0, **part), ALLOW) == "rule 1 of your ACL op denies a part of it"
    assert said(rule(1, **part), DENY) == "rule 2 of your ACL op denies it"
    assert said(rule(1, **part), ALLOW) == ""


def test_wider_rules_take_all_of_it() -> None:
    for wide in (
        {"dl_type": 0x800},
        {"eth_type": "0x800", "ip_proto": 17},
        {"dl_type": 0x800, "nw_dst": "10.0.0.0/8"},
        {"dl_type": 0x800, "ipv4_dst": "10.0.0.0/255.0.0.0"},
        {"dl_type": 0x800, "ipv4_dst": "10.0.0.53"},
        {"dl_src": "0e:00:00:00:00:00/ff:ff:ff:ff:ff:00"},
        {**UDP, "udp_dst": "0x34/0xfffe"},
        {"dl_src": DEVICE.upper()},
    ):
        assert said(rule(0, **wide), ALLOW) == "rule 1 of your ACL op denies it"
        assert said(rule(1, **wide), DENY) == ""


def test_frames_of_many_addresses_pass_only_where_each_of_them_does() -> None:
    frames = {"dl_type": 0x800, "ipv4_dst": "10.0.0.0/24"}
    one = {"dl_type": 0x800, "ipv4_dst": "10.0.0.7"}
    said = "rule {} of your ACL op denies {}"
    assert why_not(frames, [acl(rule(0, **one), ALLOW)]) == said.format(1, "a part of it")
    assert why_not(frames, [acl(rule(1, **one), DENY)]) == said.format(2, "it")
    other = {**one, "ipv4_dst": "10.0.1.7"}
    assert why_not(frames, [acl(rule(0, **other), ALLOW)]) == ""


@pytest.mark.parametrize(
    "match",
    [
        {"vlan_vid": 5},
        {"weird": 1},
        {7: 1},
        {"udp_dst": 53},  # without its protocol a switch refuses it, or Faucet has its own idea
        {"dl_type": 0x800, "udp_dst": 53},
        {"nw_proto": 17},
        {"ipv4_dst": "10.0.0.53"},
        {"dl_type": 0x86DD, "ipv4_dst": "10.0.0.53", "vlan_vid": 1},
        {**UDP, "udp_dst": "many"},
        {**UDP, "udp_dst": True},
        {**UDP, "udp_dst": None},
        {**UDP, "udp_dst": 70000},
        {"dl_type": 0x800, "ipv4_dst": "10.0.0.0/40"},
        {"dl_type": 0x800, "ipv4_dst": "2001:db8::1"},
        {"dl_src": "0e-00-00-00-00-01"},
        {"dl_src": "0e:00:00:00:00:1"},
    ],
)
def test_what_is_not_understood_is_a_no_unless_it_is_on_something_else(match: Any) -> None:
    if match.get("dl_type") == 0x86DD:
        assert said(rule(0, **match), ALLOW) == ""
        return
    for allow in (0, 1):
        found = said({**match, "actions": {"allow": allow}}, ALLOW)
        assert found == "rule 1 of your ACL op is not understood here"


@pytest.mark.parametrize(
    ("actions", "verdict"),
    [
        ({}, False),
        ({"allow": 0}, False),
        ({"allow": False}, False),
        ({"allow": 0, "output": {"port": 3}}, False),
        ({"allow": 0, "mirror": 3}, False),
        ({"allow": 1}, True),
        ({"allow": True}, True),
        ({"allow": 1, "mirror": 3}, True),
        ({"mirror": 3}, True),
        ({"allow": 1, "output": {"port": 3}}, None),
        ({"allow": 1, "meter": "slow"}, None),
        ({"allow": 0, "meter": "slow"}, None),
        ({"output": {"set_fields": []}, "allow": 1}, None),
        ({"allow": 2}, None),
        ({"allow": "yes"}, None),
        ("allow", None),
    ],
)
def test_what_a_rule_does(actions: Any, verdict: bool | None) -> None:
    words = {True: "", False: "rule 1 of your ACL op denies it"}
    expected = words.get(verdict) if verdict is not None else None
    found = said({"actions": actions}, DENY)
    assert found == (
        "rule 1 of your ACL op is not understood here" if expected is None else expected
    )


def test_a_rule_without_actions_denies() -> None:
    assert said({"dl_type": 0x800}, ALLOW) == "rule 1 of your ACL op denies it"


def test_what_is_beside_the_match_is_no_part_of_it() -> None:
    assert said({"cookie": 5, "description": "x", "in_port": 9, **ALLOW}) == ""


def test_acls_follow_one_another() -> None:
    first, second = acl(rule(0, dl_type=0x806)), acl(rule(1, **UDP), name="more")
    assert why_not(DNS, [first, second]) == ""
    assert why_not(DNS, [second, acl(DENY)]) == ""
    assert why_not(DNS, [first, acl(DENY, name="more")]) == "rule 1 of your ACL more denies it"
    assert why_not(DNS, [first, first]) == "your ACL op ends without allowing it"
    unknown = OperatorAcl("gone", None)
    assert why_not(DNS, [first, unknown]) == "what your ACL gone says is not known"
    assert why_not(DNS, [second, unknown]) == ""


SOURCES = ("10.0.0.11", "10.0.1.11")
TARGETS = ("10.0.0.53", "10.0.0.52", "10.0.1.53")
PORTS = (53, 52, 5007)
FRAMES = [
    {"dl_src": DEVICE, "dl_type": 0x800, "nw_proto": p, "ipv4_src": s, "ipv4_dst": d, **ends}
    for p, s, d, n in product((6, 17), SOURCES, TARGETS, PORTS)
    for ends in ({"udp_dst": n} if p == 17 else {"tcp_dst": n},)
]
FIELDS: dict[str, tuple[Any, ...]] = {
    "dl_src": (DEVICE, "0e:00:00:00:00:02", "0e:00:00:00:00:00/ff:ff:ff:ff:ff:00"),
    "ipv4_src": (*SOURCES, "10.0.0.0/24", "10.0.0.0/8"),
    "ipv4_dst": (*TARGETS, "10.0.0.0/24", "10.0.0.0/255.255.0.0"),
    "udp_dst": (*PORTS, "0x34/0xfffe"),
    "tcp_dst": PORTS,
    "mystery": (1,),
}
PROTOCOLS = {"udp_dst": 17, "tcp_dst": 6}


@st.composite
def operators_rules(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=2))
    found: dict[str, Any] = {n: draw(st.sampled_from(FIELDS[n])) for n in sorted(names)}
    if names & {"ipv4_src", "ipv4_dst", "udp_dst", "tcp_dst"}:
        found["dl_type"] = 0x800
    for name, protocol in PROTOCOLS.items():
        if name in names:
            found["nw_proto"] = protocol
    return {**found, "actions": {"allow": draw(st.integers(0, 1))}}


def number(text: Any) -> int:
    parts = str(text).split(".") if "." in str(text) else None
    if parts:
        return int.from_bytes(bytes(map(int, parts)))
    return int(str(text).replace(":", ""), 16) if ":" in str(text) else int(str(text), 0)


def covers(wanted: Any, value: Any) -> bool:
    """Whether a field's value is among those of a rule, worked out apart from the code."""
    base, slash, mask = str(wanted).partition("/")
    if not slash:
        return number(base) == number(value)
    bits = number(mask) if not mask.isdecimal() else (0xFFFFFFFF << (32 - int(mask))) & 0xFFFFFFFF
    return number(base) & bits == number(value) & bits


def passes(rules: list[dict[str, Any]], frame: dict[str, Any]) -> bool | None:
    """What a switch does with one frame; None: that depends on a field that we do not know."""
    for one in rules:
        match = {k: v for k, v in one.items() if k not in {"actions", "mystery"}}
        if all(k in frame and covers(v, frame[k]) for k, v in match.items()):
            if "mystery" in one:
                return None
            return bool(one["actions"]["allow"])
    return False


@settings(max_examples=300, deadline=None)
@given(
    rules=st.lists(operators_rules(), max_size=4),
    asked=st.sets(st.sampled_from(["ipv4_dst", "udp_dst"])),
)
def test_yes_is_said_only_where_every_single_frame_passes(
    rules: list[dict[str, Any]], asked: set[str]
) -> None:
    match: dict[str, Any] = {"dl_src": DEVICE, "dl_type": 0x800, "nw_proto": 17}
    match |= {k: v for k, v in {"ipv4_dst": "10.0.0.53/32", "udp_dst": 53}.items() if k in asked}
    among = [f for f in FRAMES if all(k in f and covers(v, f[k]) for k, v in match.items())]
    found = why_not(match, [acl(*rules)])
    outcomes = {passes(rules, frame) for frame in among}
    if not found:
        assert outcomes == {True}
    if "not understood" in found:
        assert any("mystery" in one for one in rules)

"""Whether the operator's ACLs let certain frames pass: exact, or it says that it cannot tell. Pure.

A rule of ours that lets a quarantined device reach a service ends the port's table, so the
operator's ACLs behind it are not asked. We never allow what he denies: before such a rule is
written, his rules are gone through here, first match first, as the switch would.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugin.faucet.ground import OperatorAcl

ALIASES = {
    "dl_src": "eth_src",
    "dl_dst": "eth_dst",
    "dl_type": "eth_type",
    "nw_proto": "ip_proto",
    "nw_src": "ipv4_src",
    "nw_dst": "ipv4_dst",
}
"""Faucet's older names of match fields."""
_BESIDE = frozenset(("actions", "cookie", "description", "in_port"))
"""Not of the match; Faucet puts the port's own number in place of ``in_port``."""
_PLAIN = frozenset(("allow", "mirror"))
"""Actions that do no more than let pass, or not, and copy."""
_NEEDS = {
    "ipv4": (("eth_type", 0x800),),
    "ipv6": (("eth_type", 0x86DD),),
    "arp": (("eth_type", 0x806),),
    "udp": (("ip_proto", 17),),
    "tcp": (("ip_proto", 6),),
    "icmpv4": (("eth_type", 0x800), ("ip_proto", 1)),
    "icmpv6": (("eth_type", 0x86DD), ("ip_proto", 58)),
    "ipv6_nd_target": (("eth_type", 0x86DD), ("ip_proto", 58)),
}
"""By a field's name or the beginning of it: without these a switch refuses the match."""

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")

Relation = Literal["apart", "part", "all"]
"""How the frames of a rule lie to the frames asked about: none of them, some or all are taken."""


class Bits(NamedTuple):
    """A value of a field of which only the bits of the mask count."""

    value: int
    mask: int


def why_not(match: Mapping[str, Any], acls: Sequence[OperatorAcl]) -> str:
    """Tell why frames are denied, or why that cannot be decided.

    Args:
        match: all frames of this match, as Faucet's rules write it.
        acls: the ACLs of one port, in order.

    Returns:
        Empty if every one of these frames passes.
    """
    frames = _bits(match)
    assert frames is not None
    for acl in acls:
        if acl.rules is None:
            return f"what your ACL {acl.name} says is not known"
        for number, rule in enumerate(acl.rules, 1):
            relation = _relation(rule, frames)
            if relation == "apart":
                continue
            where = f"rule {number} of your ACL {acl.name}"
            verdict = _verdict(rule)
            if relation is None or verdict is None:
                return f"{where} is not understood here"
            if not verdict:
                return f"{where} {'denies it' if relation == 'all' else 'denies a part of it'}"
            if relation == "all":
                return ""
    return f"your ACL {acls[-1].name} ends without allowing it" if acls else ""


def _verdict(rule: Mapping[Any, Any]) -> bool | None:
    """Tell whether a rule lets pass; None: it does something else."""
    actions = rule.get("actions", {})
    if not isinstance(actions, dict):
        return None
    allows = actions.get("allow", 1 if "mirror" in actions else 0)
    if not isinstance(allows, int) or allows not in {0, 1}:
        return None
    if set(actions) <= _PLAIN or (not allows and set(actions) <= {*_PLAIN, "output"}):
        return bool(allows)
    return None


def _relation(rule: Mapping[Any, Any], frames: Mapping[str, Bits]) -> Relation | None:
    """Tell how a rule's frames lie; None: it takes some and there is no telling which."""
    found = {k: v for k, v in rule.items() if k not in _BESIDE}
    known = {k: b for k, v in found.items() if (b := _field(k, v)) is not None}
    relations = {_of(ALIASES.get(k, k), bits, frames) for k, bits in known.items()}
    if "apart" in relations:
        return "apart"  # whatever else it asks for
    if len(known) < len(found) or not _whole({ALIASES.get(k, k) for k in known}, known):
        return None
    return "part" if "part" in relations else "all"


def _of(name: str, rule: Bits, frames: Mapping[str, Bits]) -> Relation:
    frame = frames.get(name)
    if frame is None:
        return "part"
    common = rule.mask & frame.mask
    if rule.value & common != frame.value & common:
        return "apart"
    return "all" if rule.mask & ~frame.mask == 0 else "part"


def _whole(names: set[str], known: Mapping[str, Bits]) -> bool:
    """Tell whether a rule says all that a switch needs to know to take its match."""
    said = {ALIASES.get(k, k): b.value for k, b in known.items()}
    keys = {key for name in names for key in (name, name.split("_", 1)[0])}
    needs = [need for key in keys for need in _NEEDS.get(key, ())]
    if "ip_proto" in names and said.get("eth_type") not in {0x800, 0x86DD}:
        return False
    return all(said.get(field) == value for field, value in needs)


def _bits(match: Mapping[str, Any]) -> dict[str, Bits] | None:
    found = {}
    for name, value in match.items():
        bits = _field(name, value)
        if bits is None:
            return None
        found[ALIASES.get(name, name)] = bits
    return found


def _field(name: Any, value: Any) -> Bits | None:
    """Read a field's value as Faucet does; None where it is none that we know."""
    read = _READERS.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if read is None or not isinstance(value, int | str):
        return None
    try:
        return read(str(value))  # True and False are no numbers by it
    except ValueError:
        return None


def _number(width: int) -> Callable[[str], Bits]:
    full = (1 << width) - 1

    def read(text: str) -> Bits:
        value, slash, mask = text.partition("/")
        bits = Bits(int(value, 0), int(mask, 0) if slash else full)
        if not 0 <= bits.value <= full or not 0 <= bits.mask <= full:
            raise ValueError(text)
        return bits

    return read


def _mac(text: str) -> Bits:
    value, slash, mask = text.partition("/")
    return Bits(_mac_number(value), _mac_number(mask) if slash else (1 << 48) - 1)


def _mac_number(text: str) -> int:
    if _MAC.fullmatch(text) is None:
        raise ValueError(text)
    return int(text.replace(":", ""), 16)


def _ip(version: Literal[4, 6]) -> Callable[[str], Bits]:
    width = {4: 32, 6: 128}[version]
    full = (1 << width) - 1

    def read(text: str) -> Bits:
        value, slash, mask = text.partition("/")
        address = ipaddress.ip_address(value)
        if address.version != version:
            raise ValueError(text)
        if not slash:
            return Bits(int(address), full)
        if mask.isdecimal():
            if int(mask) > width:
                raise ValueError(text)
            return Bits(int(address), full ^ (full >> int(mask)))
        return Bits(int(address), int(ipaddress.ip_address(mask)))

    return read


_READERS: dict[str, Callable[[str], Bits]] = {
    "eth_src": _mac,
    "eth_dst": _mac,
    "arp_sha": _mac,
    "arp_tha": _mac,
    "eth_type": _number(16),
    "ip_proto": _number(8),
    "arp_op": _number(16),
    "icmpv4_type": _number(8),
    "icmpv6_type": _number(8),
    **{f"{p}_{end}": _number(16) for p in ("udp", "tcp") for end in ("src", "dst")},
    **{name: _ip(4) for name in ("ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa")},
    **{name: _ip(6) for name in ("ipv6_src", "ipv6_dst", "ipv6_nd_target")},
}

"""What Faucet's ACLs do to a device, as one of our actions, or why none does the same. Pure.

Faucet lays the ACLs of a port out as one list: the first rule that matches a frame decides. So
the ACLs of a Poseidon rule are read as one list, in the order in which it names them.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.actions import RATE_MAX, Action, Service, parse_action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plugin.policy.poseidon_files import AclRule

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
TCP, UDP, ICMPV6 = 6, 17, 58
DNS_PORT = 53
_DHCP = {IPV4: (67, 68), IPV6: (547, 546)}
"""The ports that a client sends to and from."""
_DISCOVERY = range(133, 137)
"""ICMPv6 types of IPv6's neighbour discovery."""
_ALIASES = {
    "dl_type": "eth_type", "nw_proto": "ip_proto", "nw_dst": "ipv4_dst", "nw_src": "ipv4_src",
    "dl_src": "eth_src", "dl_dst": "eth_dst",
}  # fmt: skip
_NO_MATCH = frozenset({"cookie", "description", "acl_type"})
"""Fields of a rule that ask nothing of a frame."""
_PORTS = {"tcp_dst": TCP, "udp_dst": UDP, "tcp_src": TCP, "udp_src": UDP}
_VLAN_NAME = re.compile(r"(?![0-9]+$)[A-Za-z0-9_.-]{1,64}")
ELSE_MISSING = (
    "no rule of its ACLs is for everything else, so the port's other ACLs decide about the rest:"
    " end them with a rule without conditions"
)


class UnlikeError(ValueError):
    """No action of ours does what the ACLs do; the text says why, and what there is instead."""


class Effect(NamedTuple):
    """What ACLs do."""

    action: Action
    notes: tuple[str, ...] = ()
    """What is not quite the same."""


def effect_of(rules: Sequence[AclRule], meters: Mapping[str, Any]) -> Effect:
    """Find the action that does what a list of rules does.

    Args:
        rules: the first that matches decides.
        meters: of the same file, by name.

    Raises:
        UnlikeError: there is none.
    """
    asked = [_asked(rule) for rule in rules]
    last = next((n for n, one in enumerate(asked) if not one), None)
    if last is None:
        raise UnlikeError(ELSE_MISSING)
    head = list(zip(asked[:last], rules[:last], strict=True))
    if _allows(rules[last].actions):
        if any(not _allows(rule.actions) for _, rule in head):
            raise UnlikeError(
                "its ACLs stop only some of what a device sends; Halia isolates whole devices:"
                " leave them in Faucet, or quarantine it with allow:"
            )
        return _open(rules[last].actions, head, meters)
    return _closed(rules[last].actions, head)


Head = list[tuple[dict[str, Any], "AclRule"]]


def _asked(rule: AclRule) -> dict[str, Any]:
    """What a rule asks of a frame, by OpenFlow's names."""
    found: dict[str, Any] = {}
    for name, value in rule.match.items():
        if name not in _NO_MATCH:
            found[_ALIASES.get(name, name)] = value
    for alias in ("dst", "src"):
        proto = found.get("ip_proto")
        if f"tp_{alias}" in found and proto in {TCP, UDP}:
            found[f"{'tcp' if proto == TCP else 'udp'}_{alias}"] = found.pop(f"tp_{alias}")
    return found


def _allows(actions: Mapping[str, Any]) -> bool:
    return bool(actions.get("allow", 0))


def _extra(actions: Mapping[str, Any]) -> set[str]:
    return {name for name, value in actions.items() if name != "allow" and value is not None}


def _open(actions: Mapping[str, Any], head: Head, meters: Mapping[str, Any]) -> Effect:
    """Everything passes: then it is watched, limited or moved."""
    extra = _extra(actions)
    if not extra:
        raise UnlikeError("its ACLs let everything pass: there is nothing for Halia to do")
    if head:
        raise UnlikeError("its ACLs do that only to some of what a device sends")
    if extra == {"mirror"}:
        return Effect(
            Action(kind="watch"), ("Halia copies to its own collector port, not to mirror:",)
        )
    if extra == {"meter"}:
        return Effect(Action(kind="limit", rate=_rate(actions["meter"], meters)))
    if extra <= {"output", "force_port_vlan"} and isinstance(actions.get("output"), dict):
        return _moved(actions["output"])
    raise UnlikeError(f"no action of Halia's is {' with '.join(sorted(extra))}")


def _rate(name: Any, meters: Mapping[str, Any]) -> int:
    """The rate of a meter in kbit/s."""
    meter = meters.get(name) if isinstance(name, str) else None
    entry = meter.get("entry") if isinstance(meter, dict) else None
    bands = entry.get("bands") if isinstance(entry, dict) else None
    flags = entry.get("flags") if isinstance(entry, dict) else None
    band = bands[0] if isinstance(bands, list) and len(bands) == 1 else None
    rate = band.get("rate") if isinstance(band, dict) and band.get("type") == "DROP" else None
    if not isinstance(rate, int) or isinstance(rate, bool) or not 1 <= rate <= RATE_MAX:
        rate = None
    if rate is None or "KBPS" not in _listed(flags):
        raise UnlikeError(f"the meter {name} is not in the file as one band of DROP in KBPS")
    return rate


def _listed(flags: Any) -> list[Any]:
    return flags if isinstance(flags, list) else [flags]


def _moved(output: Mapping[str, Any]) -> Effect:
    vlan = output.get("vlan_vid", output.get("swap_vid"))
    if vlan is None or set(output) - {"vlan_vid", "swap_vid"}:
        raise UnlikeError("its ACLs send everything somewhere else; Halia redirects a quarantine")
    if not isinstance(vlan, str) or not _VLAN_NAME.fullmatch(vlan):
        raise UnlikeError(
            f"it moves a device to VLAN {vlan}; Halia needs that VLAN's name in faucet.yaml"
        )
    return Effect(
        parse_action(f"revlan:{vlan}"),
        ("Halia moves the whole port to the VLAN, where the device is alone at it",),
    )


def _closed(actions: Mapping[str, Any], head: Head) -> Effect:
    """Everything but some services is dropped: a quarantine, or a block."""
    if _extra(actions) - {"mirror"}:
        raise UnlikeError("its ACLs send everything somewhere else; Halia redirects a quarantine")
    services: dict[Service, None] = {}
    notes = []
    denied = False
    for asked, rule in head:
        if not _allows(rule.actions):
            denied = True
            continue
        if denied:
            raise UnlikeError("a rule that denies stands before one that allows")
        if _extra(rule.actions):
            raise UnlikeError(f"what it allows has {', '.join(sorted(_extra(rule.actions)))} too")
        service = _service(asked)
        if service is not None:
            services[service] = None
    if "mirror" in actions:
        notes.append("Halia copies to its own collector port, not to mirror:")
    passing = any(_allows(rule.actions) for _, rule in head)
    action = Action(kind="quarantine", allow=tuple(services)) if passing else Action(kind="block")
    return Effect(action, tuple(notes))


def _service(asked: Mapping[str, Any]) -> Service | None:
    """The service that a rule lets pass; None: what every quarantine lets pass, such as ARP."""
    kind, proto = _number(asked.get("eth_type")), _number(asked.get("ip_proto"))
    address = _host(asked.get("ipv4_dst") or asked.get("ipv6_dst"))
    ports = {name: _number(asked[name]) for name in _PORTS if name in asked}
    rest = set(asked) - {"eth_type", "ip_proto", "ipv4_dst", "ipv6_dst", *_PORTS}
    if _is_discovery(kind, proto, asked):
        return None
    if rest:
        raise UnlikeError(f"what it allows asks for {', '.join(sorted(rest))}")
    if address is None:
        if _is_dhcp(kind, proto, ports):
            return Service("dhcp")
        raise UnlikeError("what it allows is not to one address, nor DHCP, nor ARP")
    if not ports and proto is None:
        return Service("host", address)
    if set(ports) <= {"udp_dst", "tcp_dst"} and set(ports.values()) == {DNS_PORT}:
        return Service("dns", address)
    raise UnlikeError(f"it allows only some of what is sent to {address}; Halia: host, or dns")


def _is_discovery(kind: int | None, proto: int | None, asked: Mapping[str, Any]) -> bool:
    """Whether a rule is about finding neighbours, all of that kind."""
    if kind == ARP:
        return set(asked) == {"eth_type"}
    known = set(asked) <= {"eth_type", "ip_proto", "icmpv6_type"}
    return proto == ICMPV6 and known and _number(asked.get("icmpv6_type")) in _DISCOVERY


def _is_dhcp(kind: int | None, proto: int | None, ports: Mapping[str, int | None]) -> bool:
    server, client = _DHCP.get(kind or IPV4, (0, 0))
    return proto in {UDP, None} and ports in (
        {"udp_dst": server},
        {"udp_dst": server, "udp_src": client},
    )


def _host(text: Any) -> str | None:
    """One address; ``10.0.0.1/32`` and ``10.0.0.1/255.255.255.255`` are one."""
    if text is None:
        return None
    try:
        network = ip_network(str(text))
    except ValueError as error:
        raise UnlikeError(f"{str(text)[:80]!r} is no address") from error
    if network.num_addresses != 1:
        raise UnlikeError(f"it allows the whole network {network}; Halia allows single addresses")
    one = ip_address(network.network_address)
    if one.is_multicast or one.is_unspecified or one.is_loopback:
        raise UnlikeError(f"{one} is no host's address")
    return str(one)


def _number(value: Any) -> int | None:
    """A number as YAML has it: ``0x800`` may stand in quotes."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(str(value), 0)
    except ValueError:
        return -1

"""Rules that let a quarantined device reach a service, and nothing but that service. Pure.

Both directions, with what it takes to find the server: its ARP pair, or for IPv6 the neighbour
discovery about these two and nobody else. Every field has been accepted by Faucet's parser and seen
in a switch; the numbers of types and ports are those of RFC 826, 2131, 4861 and 8415.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

IPV4, ARP, IPV6 = 0x800, 0x806, 0x86DD
TCP, UDP, ICMPV6 = 6, 17, 58
DOMAIN = 53
SOLICITATION, ADVERTISEMENT = 135, 136
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Match = tuple[tuple[str, str | int], ...]


class Part(NamedTuple):
    """What of a service stands or falls together."""

    words: str
    matches: tuple[Match, ...]


def parts(mac: str, service: Service, addresses: Sequence[str]) -> tuple[Part, ...]:
    """Give the rules of a service.

    Args:
        mac: the quarantined device.
        service: what it may reach.
        addresses: the device's own addresses, for neighbour discovery.

    Raises:
        ValueError: the service's address is none of one host.
    """
    if service.kind == "dhcp":
        return _dhcp(mac, addresses)
    server = _address(service.address or "")
    four = isinstance(server, ipaddress.IPv4Address)
    found = _arp(mac, str(server)) if four else _discovery(mac, str(server))
    words = f"{service.kind} {server}"
    if service.kind == "host":
        return (Part(words, (*found, *_between(mac, server))),)
    udp, tcp = (_between(mac, server, protocol) for protocol in (UDP, TCP))
    return (Part(words, (*found, *udp)), Part(f"{words} over TCP", (*found, *tcp)))


def _dhcp(mac: str, addresses: Sequence[str]) -> tuple[Part, ...]:
    """Both DHCPs. A DHCPv6 server must find the client's link-local address first.

    It asks by multicast, which is flooded and needs no rule; the client's answer is limited to its
    own link-local addresses. One of which nobody has heard is taken to be made of the MAC.
    """
    own = [str(a) for a in own_addresses(addresses) if a.version == 6 and a.is_link_local]  # noqa: PLR2004  # IP's
    talk = (
        _from(mac, UDP, IPV6, ("udp_src", 546), ("udp_dst", 547)),
        _to(mac, UDP, IPV6, ("udp_src", 547), ("udp_dst", 546)),
    )
    found = [
        one
        for address in own or [str(link_local(mac))]
        for one in (
            _from(mac, ICMPV6, IPV6, ("icmpv6_type", ADVERTISEMENT), ("ipv6_nd_target", address)),
            _to(mac, ICMPV6, IPV6, ("icmpv6_type", SOLICITATION), ("ipv6_nd_target", address)),
        )
    ]
    four = (
        _from(mac, UDP, IPV4, ("udp_src", 68), ("udp_dst", 67)),
        _to(mac, UDP, IPV4, ("udp_src", 67), ("udp_dst", 68)),
    )
    return (Part("dhcp", four), Part("dhcp over IPv6", (*talk, *found)))


def link_local(mac: str) -> ipaddress.IPv6Address:
    """Give the link-local address that is made of a MAC (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    made = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + made)


def own_addresses(addresses: Iterable[str]) -> tuple[Address, ...]:
    """Give the addresses of a device that rules can be made of: what was heard may be anything."""
    found: dict[Address, None] = {}
    for text in addresses:
        with suppress(ValueError):
            found[_address(text)] = None
    return tuple(found)


def _address(text: str) -> Address:
    """Read one host's address; one with a zone (``fe80::1%eth0``) is of no frame.

    Raises:
        ValueError: it is none.
    """
    one = ipaddress.ip_address(text)
    if one.is_multicast or one.is_unspecified or getattr(one, "scope_id", None) is not None:
        raise ValueError(f"{text!r} is no host's address")
    return one


def question(one: Address) -> Match:
    """Give what is flooded to find the owner of an address: ARP, or a neighbour solicitation."""
    if isinstance(one, ipaddress.IPv4Address):
        return (("dl_dst", "ff:ff:ff:ff:ff:ff"), ("dl_type", ARP), ("arp_tpa", str(one)))
    group = "33:33:ff:" + one.packed[-3:].hex(":")
    return _to(group, ICMPV6, IPV6, ("icmpv6_type", SOLICITATION), ("ipv6_nd_target", str(one)))


def _arp(mac: str, server: str) -> tuple[Match, ...]:
    return (
        (("dl_src", mac), ("dl_type", ARP), ("arp_tpa", server)),
        (("dl_dst", mac), ("dl_type", ARP), ("arp_spa", server)),
    )


def _discovery(mac: str, server: str) -> tuple[Match, ...]:
    """Who asks for the server and its answer; the server asking for the device, and its answer."""
    asks, tells = ("icmpv6_type", SOLICITATION), ("icmpv6_type", ADVERTISEMENT)
    return (
        _from(mac, ICMPV6, IPV6, asks, ("ipv6_nd_target", server)),
        _to(mac, ICMPV6, IPV6, tells, ("ipv6_nd_target", server)),
        _to(mac, ICMPV6, IPV6, asks, ("ipv6_src", f"{server}/128")),
        _from(mac, ICMPV6, IPV6, tells, ("ipv6_dst", f"{server}/128")),
    )


def _between(mac: str, server: Address, protocol: int | None = None) -> tuple[Match, ...]:
    """IP between the device and one address: all of it, or one protocol's port 53."""
    four = isinstance(server, ipaddress.IPv4Address)
    ip, kind = ("ipv4", IPV4) if four else ("ipv6", IPV6)
    name = "udp" if protocol == UDP else "tcp"
    there = (f"{ip}_dst", f"{server}/{server.max_prefixlen}")
    back = (f"{ip}_src", f"{server}/{server.max_prefixlen}")
    if protocol is None:
        return (
            (("dl_src", mac), ("dl_type", kind), there),
            (("dl_dst", mac), ("dl_type", kind), back),
        )
    return (
        _from(mac, protocol, kind, there, (f"{name}_dst", DOMAIN)),
        _to(mac, protocol, kind, back, (f"{name}_src", DOMAIN)),
    )


def _from(mac: str, protocol: int, kind: int, *more: tuple[str, str | int]) -> Match:
    return (("dl_src", mac), ("dl_type", kind), ("nw_proto", protocol), *more)


def _to(mac: str, protocol: int, kind: int, *more: tuple[str, str | int]) -> Match:
    return (("dl_dst", mac), ("dl_type", kind), ("nw_proto", protocol), *more)


# The way back: which services a device's rules are of


def recognised(matches: Iterable[Match]) -> tuple[tuple[Service, ...], tuple[str, ...]]:
    """Give the services that rules may be of, each once, and the device's own addresses in them.

    Whether the rules are these services' and nothing else is for the caller to compare.
    """
    services: dict[Service, None] = {}
    addresses: dict[str, None] = {}
    for match in matches:
        fields = dict(match)
        if "dl_src" not in fields:
            continue
        for service in _of(fields):
            services[service] = None
        if fields.get("icmpv6_type") == ADVERTISEMENT and "ipv6_nd_target" in fields:
            addresses[str(fields["ipv6_nd_target"])] = None
    return tuple(services), tuple(addresses)


def _of(fields: dict[str, str | int]) -> Iterator[Service]:
    if fields.get("udp_dst") in {67, 547}:
        yield Service("dhcp")
        return
    server = fields.get("ipv4_dst") or fields.get("ipv6_dst")
    if server is None or "icmpv6_type" in fields:
        return
    address = str(server).partition("/")[0]
    if DOMAIN in {fields.get("udp_dst"), fields.get("tcp_dst")}:
        yield Service("dns", address)
    elif set(fields) <= {"dl_src", "dl_type", "ipv4_dst", "ipv6_dst"}:
        yield Service("host", address)

"""The rules of services: both directions, and nobody else's frames."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from plugin.actions import Service
from plugin.faucet.services import link_local, own_addresses, parts, question, recognised
from tests.grounds import DHCP, DNS, DNS6, HOST, HOST6, SERVICES, mac

MAC = mac(1)
UDP4 = (("dl_type", 0x800), ("nw_proto", 17))
TCP4 = (("dl_type", 0x800), ("nw_proto", 6))
UDP6 = (("dl_type", 0x86DD), ("nw_proto", 17))
ICMP6 = (("dl_type", 0x86DD), ("nw_proto", 58))
ARP = ("dl_type", 0x806)
FROM, TO = ("dl_src", MAC), ("dl_dst", MAC)


def discovery(server: str) -> tuple[object, ...]:
    return (
        (FROM, *ICMP6, ("icmpv6_type", 135), ("ipv6_nd_target", server)),
        (TO, *ICMP6, ("icmpv6_type", 136), ("ipv6_nd_target", server)),
        (TO, *ICMP6, ("icmpv6_type", 135), ("ipv6_src", f"{server}/128")),
        (FROM, *ICMP6, ("icmpv6_type", 136), ("ipv6_dst", f"{server}/128")),
    )


def test_dhcp() -> None:
    four, six = parts(MAC, DHCP, ())
    assert four == (
        "dhcp",
        (
            (FROM, *UDP4, ("udp_src", 68), ("udp_dst", 67)),
            (TO, *UDP4, ("udp_src", 67), ("udp_dst", 68)),
        ),
    )
    own = ("ipv6_nd_target", "fe80::c00:ff:fe00:1")
    assert six == (
        "dhcp over IPv6",
        (
            (FROM, *UDP6, ("udp_src", 546), ("udp_dst", 547)),
            (TO, *UDP6, ("udp_src", 547), ("udp_dst", 546)),
            (FROM, *ICMP6, ("icmpv6_type", 136), own),
            (TO, *ICMP6, ("icmpv6_type", 135), own),
        ),
    )


def test_dhcp_over_ipv6_finds_the_device_by_each_link_local_address_it_has() -> None:
    addresses = ("10.0.0.1", "2001:db8::1", "fe80::1", "fe80::2")
    _, six = parts(MAC, DHCP, addresses)
    targets = [dict(m).get("ipv6_nd_target") for m in six.matches]
    assert targets == [None, None, "fe80::1", "fe80::1", "fe80::2", "fe80::2"]


def test_a_link_local_address_made_of_a_mac() -> None:
    assert str(link_local("00:00:5e:ef:10:01")) == "fe80::200:5eff:feef:1001"
    assert str(link_local("02:00:00:00:00:01")) == "fe80::ff:fe00:1"


def test_dns() -> None:
    udp, tcp = parts(MAC, DNS, ("fe80::1",))
    found = (
        (FROM, ARP, ("arp_tpa", "10.0.0.53")),
        (TO, ARP, ("arp_spa", "10.0.0.53")),
    )
    there, back = ("ipv4_dst", "10.0.0.53/32"), ("ipv4_src", "10.0.0.53/32")
    assert udp == (
        "dns 10.0.0.53",
        (*found, (FROM, *UDP4, there, ("udp_dst", 53)), (TO, *UDP4, back, ("udp_src", 53))),
    )
    assert tcp == (
        "dns 10.0.0.53 over TCP",
        (*found, (FROM, *TCP4, there, ("tcp_dst", 53)), (TO, *TCP4, back, ("tcp_src", 53))),
    )


def test_dns_over_ipv6() -> None:
    server = "2001:db8::53"
    udp, tcp = parts(MAC, DNS6, ())
    there, back = ("ipv6_dst", f"{server}/128"), ("ipv6_src", f"{server}/128")
    assert udp.matches == (
        *discovery(server),
        (FROM, *UDP6, there, ("udp_dst", 53)),
        (TO, *UDP6, back, ("udp_src", 53)),
    )
    assert tcp.matches[4][2:] == (("nw_proto", 6), there, ("tcp_dst", 53))
    assert tcp.matches[5][2:] == (("nw_proto", 6), back, ("tcp_src", 53))


def test_all_of_one_host() -> None:
    ((words, matches),) = parts(MAC, HOST, ())
    assert words == "host 10.0.0.254"
    assert matches[2:] == (
        (FROM, ("dl_type", 0x800), ("ipv4_dst", "10.0.0.254/32")),
        (TO, ("dl_type", 0x800), ("ipv4_src", "10.0.0.254/32")),
    )
    ((_, six),) = parts(MAC, HOST6, ())
    assert six == (
        *discovery("2001:db8::254"),
        (FROM, ("dl_type", 0x86DD), ("ipv6_dst", "2001:db8::254/128")),
        (TO, ("dl_type", 0x86DD), ("ipv6_src", "2001:db8::254/128")),
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_rule_is_of_the_device_and_of_something_besides(service: Service) -> None:
    for part in parts(MAC, service, ("fe80::1",)):
        ends = [match[0] for match in part.matches]
        assert ends.count(FROM) == ends.count(TO) == len(ends) / 2
        assert all(len(match) >= 3 for match in part.matches)


def test_what_is_flooded_to_find_an_address() -> None:
    assert question(ip_address("10.0.0.11")) == (
        ("dl_dst", "ff:ff:ff:ff:ff:ff"),
        ARP,
        ("arp_tpa", "10.0.0.11"),
    )
    assert question(ip_address("2001:db8::12:3456")) == (
        ("dl_dst", "33:33:ff:12:34:56"),
        *ICMP6,
        ("icmpv6_type", 135),
        ("ipv6_nd_target", "2001:db8::12:3456"),
    )


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("which", [0, -1])
def test_a_service_is_known_by_any_whole_part_of_it(service: Service, which: int) -> None:
    part = parts(MAC, service, ("fe80::7",))[which]
    services, addresses = recognised(part.matches)
    assert services == (service,)
    assert addresses == (("fe80::7",) if part.words == "dhcp over IPv6" else ())


def test_what_is_no_service_is_recognised_as_none() -> None:
    assert recognised(()) == ((), ())
    assert recognised([(FROM,)]) == ((), ())
    assert recognised([(TO, *UDP4, ("udp_dst", 67))]) == ((), ())
    assert recognised([(FROM, *TCP4, ("ipv4_dst", "10.0.0.9/32"), ("tcp_dst", 22))]) == ((), ())
    assert recognised([(FROM, *ICMP6, ("ipv6_dst", "fe80::1/128"), ("icmpv6_type", 136))]) == (
        (),
        (),
    )


NO_ADDRESSES = (
    "",
    "x",
    "fe80::1%eth0",
    '10.0.0.1", actions: {',
    str(ip_address(0)),
    "::",
    "224.0.0.1",
    "ff02::1",
)


@pytest.mark.parametrize("text", [*NO_ADDRESSES, None])
def test_what_is_no_hosts_address_makes_no_rule(text: str | None) -> None:
    for kind in ("dns", "host"):
        with pytest.raises(ValueError, match="address"):
            parts(MAC, Service(kind, text), ())


def test_of_what_was_heard_only_addresses_are_taken() -> None:
    found = own_addresses(("10.0.0.1", *NO_ADDRESSES, "fe80::0:1", "10.0.0.1", "fe80::1"))
    assert found == (ip_address("10.0.0.1"), ip_address("fe80::1"))
    dirty = parts(MAC, DHCP, (*NO_ADDRESSES, "fe80::0:7", "169.254.0.1"))
    assert dirty == parts(MAC, DHCP, ("fe80::7",))

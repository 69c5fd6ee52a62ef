from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.ml.features.addresses import classic_private, groups, link_local, local
from tests.build import address, addresses

INSIDE = (
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.0",
    "192.168.255.255", "169.254.1.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.251",  # noqa: S104 - an address to classify, none to bind
    "239.255.255.250", "fe80::1", "febf::1", "fc00::1", "fdff::1", "::1", "::", "ff02::fb",
)  # fmt: skip
OUTSIDE = (
    "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
    "8.8.8.8", "100.64.0.1", "128.0.0.1", "169.253.0.1", "223.255.255.255", "255.255.255.254",
    "2001:db8::1", "fec0::1", "fbff::1", "fe00::1", "::2",
)  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_inside(text: str) -> None:
    assert local(addresses(text)).tolist() == [True]


@pytest.mark.parametrize("text", OUTSIDE)
def test_outside(text: str) -> None:
    assert local(addresses(text)).tolist() == [False]


def test_groups() -> None:
    texts = ("224.0.0.1", "239.1.1.1", "255.255.255.255", "ff05::1")
    assert groups(addresses(*texts)).all()
    assert not groups(addresses("240.0.0.1", "223.1.1.1", "10.0.0.255", "fe80::1", "::")).any()


def test_link_local() -> None:
    assert link_local(addresses("169.254.0.0", "169.254.255.255", "fe80::1", "febf::1")).all()
    texts = ("169.253.255.255", "169.255.0.0", "10.0.0.1", "fec0::1", "fe7f::1", "fd00::1", "::1")
    assert not link_local(addresses(*texts)).any()


@given(st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), min_size=1))
def test_local_agrees_with_the_standard_library_where_both_speak(
    ips: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    nets = [
        ipaddress.ip_network(net)
        for net in (
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8",
            "224.0.0.0/4", "255.255.255.255/32", "0.0.0.0/32", "fc00::/7", "fe80::/10", "ff00::/8",
            "::/127",
        )
    ]  # fmt: skip
    found = local(np.stack([address(str(ip)) for ip in ips]))
    for ip, inside in zip(ips, found, strict=True):
        if ip.version == 6 and ip.ipv4_mapped is not None:
            continue  # the same 16 bytes as that IPv4 address
        assert inside == any(ip in net for net in nets if net.version == ip.version), ip


def classic_by_strings(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """The rule as NetworkML's code wrote it, on the printed address."""
    if ip.version == 4:
        labels = str(ip).split(".")
        return (
            labels[0] == "10"
            or labels[:2] == ["192", "168"]
            or (labels[0] == "172" and 16 <= int(labels[1]) <= 31)
        )
    first = str(ip).split(":", 1)[0]
    return first == "fe80" or first.startswith("fd")


@given(
    st.one_of(
        st.ip_addresses(v=4),
        st.ip_addresses(v=6),
        st.ip_addresses(network="fd00::/8"),
        st.ip_addresses(network="f00::/8"),
        st.ip_addresses(network="fe80::/10"),
        st.ip_addresses(network="172.0.0.0/8"),
    )
)
def test_classic_private_is_the_string_rule(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if ip.version == 6 and ip.ipv4_mapped is not None:
        return
    assert bool(classic_private(addresses(str(ip)))[0]) == classic_by_strings(ip)


def test_classic_private_leaves_out_what_it_left_out() -> None:
    assert not classic_private(
        addresses("127.0.0.1", "169.254.0.1", "fc00::1", "224.0.0.1", "febf::1")
    ).any()
    assert classic_private(addresses("fd::1", "fd1::1", "fd12::1", "fe80::1")).all()

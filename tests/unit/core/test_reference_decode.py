"""One frame to its fields; each test runs on each core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.core import layout as lay
from plugin.core import new_engine
from tests import frames as f
from tests.engines import decode, make, run

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.usefixtures("core")


UDP = f.ipv4(f.udp(5000, 53), 17)


def test_tcp_fields_and_options() -> None:
    options = b"\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x08\x0a\x00\x00\x00\x09\x00\x00\x00\x00"
    row = decode(f.ethernet(f.ipv4(f.tcp(1, 2, f.SYN, b"abc", options=options, seq=77), 6)))
    assert (row["tcp_mss"], row["tcp_wscale"], row["tcp_tsval"]) == (1460, 7, 9)
    assert (row["tcp_seq"], row["tcp_ack"], row["tcp_window"], row["tcp_flags"]) == (77, 2, 8192, 2)
    assert (row["l4_header_len"], row["payload_len"]) == (40, 3)
    known = lay.OPT_MSS | lay.OPT_WSCALE | lay.OPT_SACK_OK | lay.OPT_TIMESTAMP | lay.OPT_NOP
    assert row["tcp_options"] == known


def test_broadcast_and_multicast() -> None:
    broadcast = decode(f.ethernet(f.ipv4(f.udp(68, 67), 17, dst=b"\xff" * 4), dst=b"\xff" * 6))
    assert broadcast["marks"] == lay.MARK_BROADCAST | lay.MARK_IP_MULTICAST
    multicast = decode(
        f.ethernet(f.ipv4(f.udp(1, 2), 17, dst=b"\xe0\0\0\1"), dst=b"\x01" + bytes(5))
    )
    assert multicast["marks"] == lay.MARK_MULTICAST | lay.MARK_IP_MULTICAST


def test_arp() -> None:
    row = decode(f.ethernet(f.arp(1), 0x0806))
    assert (row["arp_op"], row["ip_version"], row["session"]) == (1, 0, -1)
    assert (row["arp_sha"], row["src_mac"]) == (1, 1)
    assert row["arp_tha"] == 2
    assert row["src_ip"].tobytes()[12:] == f.IP_A
    assert row["dst_ip"].tobytes()[12:] == f.IP_B
    assert row["header_len"] == 42


def test_ipv6_extension_headers_are_passed_over() -> None:
    chain = bytes((60, 0)) + bytes(6) + bytes((51, 0)) + bytes(6)
    chain += bytes((6, 1)) + bytes(10)  # AH counts in 4 bytes, less 2
    row = decode(f.ethernet(f.ipv6(chain + f.tcp(8, 9), 0), 0x86DD))
    assert (row["proto"], row["src_port"], row["layers"]) == (6, 8, lay.LAYER_IPV6_EXT)
    assert row["payload_len"] == 0


def test_ipv6_fragments() -> None:
    first = bytes((17, 0, 0, 1, 0, 1, 2, 3)) + f.udp(5, 6, bytes(8))
    later = bytes((17, 0, 0, 16, 0, 1, 2, 3)) + f.udp(5, 6, bytes(8))
    a = decode(f.ethernet(f.ipv6(first, 44), 0x86DD))
    b = decode(f.ethernet(f.ipv6(later, 44), 0x86DD))
    assert (a["src_port"], a["marks"], a["frag"]) == (5, lay.MARK_FRAGMENT, 0x2000)
    assert (b["src_port"], b["frag"]) == (0, 2)
    assert b["marks"] == lay.MARK_FRAGMENT | lay.MARK_LATER_FRAGMENT


def test_the_links_padding_is_no_header() -> None:
    """An IP length that ends inside the TCP header must not make padding into ports."""
    row = decode(f.ethernet(f.ipv4(f.tcp(7, 8), 6, total=22)))
    assert (row["src_port"], row["payload_len"]) == (0, 0)
    assert row["marks"] & lay.MARK_TRUNCATED


def test_offload_leaves_no_length() -> None:
    row = decode(f.ethernet(f.ipv4(f.tcp(7, 8, payload=b"abcd"), 6, total=0)), wire=30_014)
    assert (row["ip_len"], row["payload_len"]) == (30_000, 29_960)


@pytest.mark.parametrize("size", range(len(f.ethernet(f.ipv4(f.tcp(7, 8), 6)))))
def test_any_cut_is_marked_and_invents_nothing(size: int) -> None:
    data = f.ethernet(f.ipv4(f.tcp(7, 8), 6))
    row = decode(data[:size], wire=len(data))
    assert row["marks"] & lay.MARK_TRUNCATED
    assert row["header_len"] <= size
    assert row["src_port"] in {0, 7}


def test_tunnels_are_not_entered() -> None:
    gre = b"\x00\x00\x08\x00" + f.ipv4(f.tcp(1, 2), 6)
    row = decode(f.ethernet(f.ipv4(gre, 47)))
    assert (row["proto"], row["src_port"]) == (47, 0)


SHORT_WAY = (
    f.ethernet(f.ipv4(f.udp(5, 6), 17)),
    f.ethernet(f.ipv4(f.tcp(5, 6, f.SYN), 6)),
    f.ethernet(f.ipv4(f.tcp(5, 6, f.FIN | f.ACK), 6, options=bytes(4))),
    f.ethernet(f.ipv4(f.tcp(5, 6, f.RST), 6, frag=0x2000)),
    f.ethernet(f.ipv6(f.udp(5, 6, bytes(16)), 17), 0x86DD),
    f.ethernet(f.ipv6(f.tcp(5, 6, f.ACK), 6), 0x86DD),
    f.ethernet(f.vlan(f.ipv4(f.udp(5, 6), 17), 9), 0x8100),
)


@pytest.mark.parametrize("cut", range(80))
def test_counting_sees_what_listing_sees(cut: int) -> None:
    """Counting takes a shorter way through a frame: it must come to the same."""
    frames = [f.Frame(0, f.ethernet(f.arp(1, tha=f.B), 0x0806))] * 2
    for time, data in enumerate(SHORT_WAY * 3):
        frames.append(f.Frame(time * 30 * f.SECOND, data[:cut] if time % 2 else data, len(data)))
        frames.append(f.Frame(time * 30 * f.SECOND + 5, data))
    capture = f.pcap(*frames)
    kind = type(new_engine())
    listed, counted = run(make(kind), capture), run(make(kind, stats=False), capture, stats=False)
    assert counted.totals == listed.totals
    assert counted.macs == listed.macs

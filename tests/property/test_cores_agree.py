"""Any bytes: both cores say the same, and neither raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core._reference import Engine as Reference
from tests import frames as f
from tests.engines import make, run

BARE = ["time", "wire_len", "src_mac", "dst_mac", "src_ip", "dst_ip", "src_port", "dst_port"]
BARE += ["proto", "ip_version", "tcp_flags", "ttl", "marks"]
"""What bare packet records tell as full ones do."""
TALK = [
    f.tcp_frame(i / 3, flags, b"x" * i, back=i % 2 == 1)
    for i, flags in enumerate((2, 18, 16, 24, 17, 17))
]
LAYERS = (
    f.ethernet(f.vlan(f.ipv6(bytes((6, 0)) + bytes(6) + f.tcp(1, 2), 0), 9, 0x86DD), 0x8100),
    f.ethernet(f.arp(2), 0x0806),
    f.ethernet(b"\0\1\0\1" + f.ipv4(f.icmp(8), 1), 0x8847),
    f.ethernet(f.ipv4(f.tcp(3, 4, f.SYN, options=b"\2\4\5\xb4\3\3\7"), 6)),
)
PLAIN = (
    f.ethernet(f.arp(1), 0x0806),
    f.ethernet(f.ipv4(f.udp(5, 6), 17)),
    f.ethernet(f.ipv4(f.udp(6, 5), 17, f.IP_B, f.IP_A), src=f.B, dst=f.A),
    f.ethernet(f.ipv4(f.tcp(7, 8, f.SYN), 6)),
    f.ethernet(f.ipv4(f.tcp(7, 8, f.FIN | f.ACK, b"abc"), 6)),
    f.ethernet(f.ipv6(f.udp(5, 6, bytes(20)), 17), 0x86DD),
    f.ethernet(f.ipv6(f.tcp(7, 8, f.RST), 6), 0x86DD),
)
BASES = (
    f.pcap(*TALK),
    f.pcap(*(f.udp_frame(i * 20, dport=50 + i % 3) for i in range(9)), big=True, nano=False),
    f.section()
    + f.described()
    + b"".join(f.enhanced(f.udp_frame(1).data, i * 10**6) for i in range(5)),
    f.pcap(*(f.Frame(i, data) for i, data in enumerate(LAYERS))),
    f.section()
    + f.described()
    + b"".join(f.block(3, len(data).to_bytes(4, "little") + data) for data in PLAIN * 2),
    f.pcap(*(f.Frame(i * 10**8, data) for i, data in enumerate(PLAIN * 3))),
)


@settings(max_examples=300, deadline=None)
@given(
    base=st.sampled_from(BASES),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, 2000),
    end=st.integers(0, 2000),
)
def test_mutated_captures(base: bytes, changes: list[tuple[int, int]], cut: int, end: int) -> None:
    module = pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    data = bytearray(base)
    for at, value in changes:
        data[at % len(data)] = value
    taken = bytes(data[: end or None])
    cuts = [cut % (len(taken) + 1)]
    listed = run(make(Reference), taken, cuts=cuts)
    assert run(make(module.Engine), taken, cuts=cuts) == listed
    counted = run(make(Reference, stats=False), taken, cuts=cuts, stats=False)
    assert run(make(module.Engine, stats=False), taken, cuts=cuts, stats=False) == counted
    assert (counted.totals, counted.macs) == (listed.totals, listed.macs)
    if cut % 3:  # it takes as long as the others together
        return
    bare = run(make(Reference, stats=False, bare=True), taken, cuts=cuts, stats=None)
    assert run(make(module.Engine, stats=False, bare=True), taken, cuts=cuts, stats=None) == bare
    assert bare.macs == listed.macs
    assert (bare.packet_rows()[BARE] == listed.packet_rows()[BARE]).all()
    assert (bare.packet_rows()["session"] == -1).all()


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=300), link=st.sampled_from([0, 1, 9, 50, 101, 104, 113, 276, 229]))
def test_any_frame_of_any_link_type(body: bytes, link: int) -> None:
    module = pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    data = f.pcap(f.Frame(1, body), f.Frame(2, body[::-1]), link=link)
    result = run(make(Reference), data)
    assert run(make(module.Engine), data) == result
    bare = run(make(Reference, stats=False, bare=True), data, stats=None)
    assert run(make(module.Engine, stats=False, bare=True), data, stats=None) == bare
    assert (bare.packet_rows()[BARE] == result.packet_rows()[BARE]).all()
    rows = result.packet_rows()
    assert (rows["header_len"] <= len(body)).all()

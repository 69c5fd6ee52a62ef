"""pcap and pcapng as files write them; each test runs on each core."""

from __future__ import annotations

import struct

import pytest

from plugin.core import new_engine
from plugin.core._reference_container import TIME_MAX, to_ns
from plugin.core.layout import ERRORS, FAILED
from tests import frames as f
from tests.engines import Result, make, run

pytestmark = pytest.mark.usefixtures("core")


PACKET = f.udp_frame(1_234_567_890.123456789)


def read(data: bytes) -> Result:
    return run(make(type(new_engine())), data)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_of_both_byte_orders_and_resolutions(big: bool, nano: bool) -> None:
    (row,) = read(f.pcap(PACKET, big=big, nano=nano)).packet_rows()
    assert row["time"] == PACKET.time if nano else row["time"] == PACKET.time // 1000 * 1000


def test_modified_pcap_has_longer_record_headers() -> None:
    assert len(read(f.pcap(PACKET, PACKET, modified=True)).packet_rows()) == 2


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_both_byte_orders(order: str) -> None:
    data = (
        f.section(order)
        + f.described(order=order)
        + f.enhanced(PACKET.data, 1_500_000, order=order)
    )
    result = read(data)
    assert result.packet_rows()["time"][0] == 1_500_000_000
    assert result.links == [1]


def test_every_interface_has_its_link_type_resolution_and_offset() -> None:
    ip = PACKET.data[14:]
    options = f.option(9, b"\x83") + f.option(14, struct.pack("<q", 10)) + f.option(0, b"")
    data = (
        f.section()
        + f.described()
        + f.described(link=101, options=options)
        + f.enhanced(PACKET.data, 7)
        + f.enhanced(ip, 12, interface=1)
    )
    rows = read(data).packet_rows()
    assert list(rows["time"]) == [7_000, 11_500_000_000]  # 12 / 2**3 s + 10 s
    assert list(rows["interface"]) == [0, 1]
    assert list(rows["session"]) == [0, 0]
    assert list(rows["src_mac"]) == [1, -1]


def test_simple_packets_take_the_time_of_the_one_before() -> None:
    simple = f.block(3, struct.pack("<I", len(PACKET.data)) + PACKET.data)
    data = f.section() + f.described() + simple + f.enhanced(PACKET.data, 9_000_000) + simple
    result = read(data)
    assert list(result.packet_rows()["time"]) == [0, 9_000_000_000, 9_000_000_000]
    assert list(result.packet_rows()["marks"] & 32) == [32, 0, 32]


def test_simple_packets_are_cut_at_the_interfaces_snaplen() -> None:
    simple = f.block(3, struct.pack("<I", 500) + PACKET.data[:20])
    result = read(f.section() + f.described(snaplen=20) + simple)
    assert result.packet_rows()["wire_len"][0] == 500
    assert result.packet_rows()["ip_version"][0] == 0


def test_obsolete_packet_blocks_count() -> None:
    n = len(PACKET.data)
    old = f.block(2, struct.pack("<HHIIII", 0, 3, 0, 5_000_000, n, n) + PACKET.data)
    assert read(f.section() + f.described() + old).packet_rows()["time"][0] == 5_000_000_000


def test_unknown_blocks_are_passed_over_in_any_pieces() -> None:
    data = f.section() + f.described() + f.block(0xBAD, bytes(1000)) + f.enhanced(PACKET.data, 1)
    for cut in range(60, len(data), 61):
        result = run(make(type(new_engine())), data, cuts=[cut])
        assert len(result.packet_rows()) == 1


def test_a_new_section_forgets_interfaces_and_byte_order() -> None:
    data = f.section("<") + f.described() + f.section(">") + f.enhanced(PACKET.data, 1, order=">")
    assert read(data).error[0] == ERRORS.index(
        "damaged: a packet names interface {value}, which was not described"
    )


HEAD = f.section() + f.described()


@pytest.mark.parametrize(
    ("data", "reason", "offset", "value"),
    [
        (b"GIF89a..", "not a pcap or pcapng file", 0, 0x47494638),
        (
            f.pcap() + struct.pack("<IIII", 0, 0, 262_145, 9),
            "captured bytes, the limit",
            24,
            262_145,
        ),
        (HEAD + struct.pack("<II", 6, 33), "claims a length", len(HEAD), 33),
        (HEAD + struct.pack("<II", 5, 8), "claims a length", len(HEAD), 8),
        (HEAD + f.block(6, bytes(20))[:-4] + b"\0\0\0\0", "two lengths differ", len(HEAD), 32),
        (b"\n\r\r\n" + bytes(24), "byte-order mark", 0, 0),
        (f.section()[:12] + b"\x02" + f.section()[13:], "version", 0, 2),
        (HEAD + f.enhanced(b"x", 1, interface=1), "names interface", len(HEAD), 1),
        (
            HEAD + f.block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99) + bytes(4)),
            "shorter than its",
            len(HEAD),
            99,
        ),
    ],
)
def test_what_is_damaged_is_told_with_its_place(
    data: bytes, reason: str, offset: int, value: int
) -> None:
    result = read(data)
    number, at, told, *_ = result.error
    assert reason in ERRORS[number]
    assert (at, told) == (offset, value)
    assert result.steps[-1][3] == FAILED


def test_what_came_before_the_damage_is_kept() -> None:
    result = read(f.pcap(PACKET, PACKET) + struct.pack("<IIII", 0, 0, 1 << 30, 9))
    assert len(result.packet_rows()) == 2


@pytest.mark.parametrize(
    ("units", "resolution", "offset", "ns"),
    [
        (1_500, 3, 0, 1_500_000_000),
        (1, 9, 0, 1),
        (1_999, 12, 0, 1),
        (1, 127, 0, 0),
        (3, 0x81, 0, 1_500_000_000),
        (5, 0xFF, 0, 0),
        (1, 0, -3, -2_000_000_000),
        (1 << 63, 0, 0, TIME_MAX),
        (0, 6, -(1 << 62), -TIME_MAX),
        (1 << 63, 0, 5, TIME_MAX),
    ],
)
def test_time_units(units: int, resolution: int, offset: int, ns: int) -> None:
    assert to_ns(units, resolution, offset) == ns

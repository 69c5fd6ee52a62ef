"""Link headers, tags and shims; each test runs on each core."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from plugin.core import layout as lay
from tests import frames as f
from tests.engines import decode

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.usefixtures("core")


UDP = f.ipv4(f.udp(5000, 53), 17)


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (1, f.ethernet(UDP)),
        (12, UDP),
        (14, UDP),
        (101, UDP),
        (228, UDP),
        (0, struct.pack("<I", 2) + UDP),
        (108, struct.pack(">I", 2) + UDP),
        (9, b"\x00\x21" + UDP),
        (9, b"\x21" + UDP),
        (50, b"\xff\x03\x00\x21" + UDP),
        (9, b"\x0f\x00\x08\x00" + UDP),
        (50, b"\x8f\x00\x08\x00" + UDP),
        (104, b"\x0f\x00\x08\x00" + UDP),
        (113, struct.pack(">HHH", 0, 1, 6) + f.A + b"\0\0\x08\x00" + UDP),
        (276, b"\x08\x00" + bytes(6) + b"\0\x01\0\x06" + f.A + b"\0\0" + UDP),
        (1, f.ethernet(f.vlan(UDP, 100), 0x8100)),
        (1, f.ethernet(f.vlan(f.vlan(UDP, 7), 100, 0x8100), 0x88A8)),
        (1, f.ethernet(b"\x00\x01\x00\xff\x00\x02\x01\xff" + UDP, 0x8847)),
        (1, f.ethernet(b"\x11\x00\x00\x01\x00\x20\x00\x21" + UDP, 0x8864)),
        (1, f.ethernet(b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + UDP, len(UDP) + 8)),
        (1, f.ethernet(b"\x06\x06\x03" + UDP, len(UDP) + 3)),
        (1, f.ethernet(bytes(4) + f.B + f.A + b"\x08\x00" + UDP, 0x88E7)),
    ],
)
def test_every_link_layer_leads_to_the_same_packet(link: int, data: bytes) -> None:
    row = decode(data, link)
    assert (row["ip_version"], row["proto"], row["src_port"], row["dst_port"]) == (4, 17, 5000, 53)
    assert row["src_ip"].tobytes()[12:] == f.IP_A
    assert row["payload_len"] == 1
    assert row["header_len"] == len(data) - 1
    assert not row["marks"] & lay.MARK_TRUNCATED


def test_tags() -> None:
    row = decode(f.ethernet(f.vlan(f.vlan(UDP, 7), 100, 0x8100), 0x88A8))
    assert (row["vlan"], row["inner_vlan"]) == (100, 7)
    assert row["layers"] == lay.LAYER_VLAN | lay.LAYER_QINQ
    assert decode(f.ethernet(UDP))["vlan"] == lay.NO_VLAN


def test_link_types_that_are_not_decoded_are_counted() -> None:
    row = decode(UDP, link=127)
    assert (row["ip_version"], row["wire_len"]) == (0, len(UDP))


def test_cisco_keep_alive_is_no_arp() -> None:
    assert decode(b"\x8f\x00\x80\x35" + f.arp(1), link=104)["arp_op"] == 0

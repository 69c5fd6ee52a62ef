"""What both demuxes do, told on hand-made frames; each test runs on each core."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from plugin.core import new_demux
from plugin.core.layout import (
    DEMUX_DAMAGED,
    DEMUX_DEVICE_FULL,
    DEMUX_MEMORY_FULL,
    DEMUX_MORE,
    MAC,
    PCAP_HEADER,
)
from tests import frames as f
from tests.demuxes import Arrived, Driver, Outcome, block, demuxed, make, records

pytestmark = pytest.mark.usefixtures("core")
C = bytes.fromhex("0e0000000003")
ALL = b"\xff" * 6


def kind() -> type:
    return type(new_demux(max_devices=1))


def demux(*packets: Arrived, by: int = 7, **changed: Any) -> Outcome:
    return demuxed(make(kind(), **changed), packets, by=by)


def tcp(src: bytes = f.A, dst: bytes = f.B, payload: bytes = b"secret", time: int = 5) -> Arrived:
    return Arrived(time, f.ethernet(f.ipv4(f.tcp(1, 2, f.ACK, payload), 6), src=src, dst=dst))


@pytest.mark.parametrize("by", [0, 7])
def test_a_frame_goes_to_both_its_devices_and_ends_with_its_header(by: int) -> None:
    out = demux(tcp(), tcp(f.B, f.A, b"", 6), by=by)
    assert out.files[0] == out.files[1]
    first, second = records(out.files[0])
    assert first == Arrived(5, tcp().data[:54], 60)
    assert second.data == tcp(f.B, f.A, b"").data
    assert out.stream == PCAP_HEADER + out.files[0]
    assert out.fresh == [0, 1]
    assert out.taken == [(0, 2, 5, 6), (1, 2, 5, 6)]
    assert b"secret" not in out.stream


def test_what_a_group_is_sent_goes_to_its_sender_alone() -> None:
    arp = Arrived(1, f.ethernet(f.arp(1), 0x0806, dst=ALL))
    group = Arrived(2, f.ethernet(f.ipv4(f.udp(1, 2), 17), dst=bytes.fromhex("01005e0000fb")))
    out = demux(arp, group)
    assert [len(records(d)) for d in out.files.values()] == [2]
    assert records(out.files[0])[0].data == arp.data, "ARP is all header"
    assert out.counted()["devices"] == 1


def test_frames_that_name_nobody_are_in_the_stream_only() -> None:
    nobody = Arrived(1, f.ethernet(f.ipv4(f.udp(1, 2), 17), src=bytes(6), dst=ALL))
    out = demux(nobody, Arrived(2, b"short"), tcp(f.A, f.A))
    assert len(records(out.stream[24:])) == 3
    assert out.counted()["nameless"] == 2
    assert len(records(out.files[0])) == 1, "a frame to oneself is there once"


def test_the_tag_is_put_back() -> None:
    plain = tcp()
    for by in (0, 7):
        out = demux(plain._replace(tci=0x2064, tpid=0x88A8), by=by)
        (record,) = records(out.files[0])
        tag = struct.pack(">HH", 0x88A8, 0x2064)
        assert record.data == plain.data[:12] + tag + plain.data[12:54]
        assert record.wire == len(plain.data) + 4
        assert out.counted()["tagged"] == 1


def test_a_tag_without_its_kind_is_that_of_802_1q() -> None:
    data = bytearray(block([tcp()._replace(tci=7, tpid=0x88A8)]))
    data[48 + 20] &= ~64  # status of the first packet: VLAN_TPID_VALID
    driver = Driver(make(kind()))
    driver.block(bytes(data))
    assert records(driver.finish().files[0])[0].data[12:16] == b"\x81\x00\x00\x07"


@pytest.mark.parametrize("ports", [(68, 67), (5353, 5353), (546, 547)])
def test_names_are_kept_when_asked_for(ports: tuple[int, int]) -> None:
    body = f.ethernet(f.ipv4(f.udp(*ports, b"printer.local"), 17)) + b"padding"
    assert records(demux(Arrived(1, body)).files[0])[0].data == body[:42]
    kept = records(demux(Arrived(1, body), names=True).files[0])[0].data
    assert kept == body.removesuffix(b"padding")
    other = f.ethernet(f.ipv4(f.udp(53, 53, b"printer.local"), 17))
    assert records(demux(Arrived(1, other), names=True).files[0])[0].data == other[:42]


def test_a_header_that_was_cut_is_counted() -> None:
    out = demux(Arrived(1, tcp().data[:40], 60), Arrived(2, tcp().data[:54], 60))
    assert out.counted()["cut"] == 1
    assert len(records(out.files[0])[0].data) == 40


def test_too_many_devices_are_refused_and_counted() -> None:
    out = demux(tcp(), tcp(C, f.A), tcp(C, ALL), max_devices=2)
    assert out.counted()["refused"] == 2
    assert [len(records(d)) for d in out.files.values()] == [2, 1]


def test_a_full_buffer_stops_it_until_it_is_taken() -> None:
    one = make(kind(), buffer=256)
    data = block([tcp()] * 5)
    at, done, status, device = one.block(data)
    assert (done, status, device) == (3, DEMUX_DEVICE_FULL, 0)
    assert one.block(data, at, done) == (at, done, status, device), "nothing was taken meanwhile"
    for who in one.pending():
        assert one.take(who)[1] == 3
    assert one.block(data, at, done)[1:3] == (5, DEMUX_MORE)


def test_memory_is_bounded() -> None:
    out = demux(*(tcp(bytes((2, 0, 0, 0, 0, i)), ALL) for i in range(90)), memory=16 << 10)
    assert any(step[2] == DEMUX_MEMORY_FULL for step in out.steps)
    assert len(out.files) == 90
    assert out.counted()["held"] == 0


def test_a_device_that_was_forgotten_leaves_its_place() -> None:
    one = make(kind())
    driver = Driver(one)
    driver.block(block([tcp(), tcp(C, ALL)]))
    assert one.fresh() == [0, 1, 2]
    with pytest.raises(ValueError, match="take"):
        one.forget(0)
    driver.take(one.pending())
    one.forget(0)
    assert one.devices()[:6] == bytes(6)
    with pytest.raises(ValueError, match="no such"):
        one.take(0)
    new = bytes.fromhex("0e0000000009")
    driver.block(block([tcp(new, f.B), tcp(C, f.B), tcp(f.A, f.B)]))
    assert one.fresh() == [0, 3]
    rows = [one.devices(i, 1)[:6] for i in range(4)]
    assert rows == [new, f.B, C, f.A]
    assert one.totals()[10] == 4


def test_counters_of_a_device() -> None:
    out = demux(tcp(time=7), tcp(f.B, f.A, time=3))
    mac, _, tx, rx, tx_bytes, rx_bytes, first, last = MAC.struct.unpack_from(out.devices)
    assert (mac, tx, rx, tx_bytes, rx_bytes, first, last) == (f.A, 1, 1, 60, 60, 3, 7)


@pytest.mark.parametrize(
    ("at", "value"),
    [(12, 200), (16, 1 << 20), (48, 40), (48, 1 << 20), (60, 1 << 30), (72, 60000)],
)
def test_a_block_that_contradicts_itself_is_left(at: int, value: int) -> None:
    data = bytearray(block([tcp()] * 3))
    data[at : at + (2 if at == 72 else 4)] = value.to_bytes(2 if at == 72 else 4, "little")
    one = make(kind())
    assert one.block(bytes(data))[2] == DEMUX_DAMAGED
    assert one.totals()[9] == 1


@pytest.mark.parametrize("data", [b"", bytes(47)])
def test_a_block_shorter_than_its_header_is_left(data: bytes) -> None:
    assert make(kind()).block(data)[2] == DEMUX_DAMAGED


@pytest.mark.parametrize(
    "changed",
    [
        {"max_devices": 0},
        {"buffer": 255},
        {"memory": 5000},
        {"stream": 1},
        {"seed": b"1"},
        {"repeat": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Demux"):
        make(kind(), **changed)


@pytest.mark.parametrize(
    ("time", "tci", "tpid"), [(-1, 0, 0), (1 << 62, 0, 0), (0, -2, 0), (0, 0, 1 << 16)]
)
def test_a_frame_that_cannot_be_is_refused(time: int, tci: int, tpid: int) -> None:
    with pytest.raises(ValueError, match="frame"):
        make(kind()).frame(time, 60, b"x" * 60, tci, tpid)


def test_the_second_copy_of_a_frame_is_left_out_once() -> None:
    copies = [tcp(time=t) for t in (1000, 1500, 1600, 1700, 5000)]
    other = tcp(payload=b"other!", time=1550)
    out = demux(*copies, other, repeat=1000)
    assert [r.time for r in records(out.files[0])] == [1000, 1600, 5000, 1550]
    assert out.counted()["repeated"] == 2
    assert out.counted()["frames"] == 4
    assert demux(*copies).counted()["frames"] == 5, "not unless asked for"


def test_a_frame_that_has_to_wait_is_not_its_own_copy() -> None:
    out = demux(*(tcp(time=i, payload=bytes([i])) for i in range(9)), buffer=256, repeat=1000)
    assert out.counted()["repeated"] == 0
    assert len(records(out.files[0])) == 9


def test_a_tag_tells_frames_apart() -> None:
    out = demux(tcp()._replace(tci=100), tcp()._replace(tci=200), repeat=1000)
    assert out.counted()["repeated"] == 0


@pytest.mark.parametrize("tags", [(-1, 100), (100, -1)])
def test_one_of_two_copies_may_lack_the_tag(tags: tuple[int, int]) -> None:
    """The frame was mirrored at an access port and at a trunk."""
    copies = [tcp()._replace(tci=tci) for tci in tags]
    out = demux(*copies, repeat=1000)
    assert (out.counted()["repeated"], out.counted()["tagged"]) == (1, int(tags[0] >= 0))


def test_without_a_stream_there_is_none() -> None:
    assert demux(tcp(), stream=0).stream == b""


def test_the_variable_chooses_the_demux(core: str) -> None:
    assert ("_core" in kind().__module__) == (core == "c")

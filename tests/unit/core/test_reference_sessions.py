"""The reference's own parts that no record shows; what sessions do is in test_init.py."""

from __future__ import annotations

from plugin.core._reference_link import Packet
from plugin.core._reference_sessions import Half, Sessions
from plugin.core.layout import END_OPEN, SESSION


def packet(dport: int, time: int = 0) -> Packet:
    k = Packet()
    k.ip_version, k.proto, k.src_port, k.dst_port = 4, 17, 5, dport
    k.src_ip, k.dst_ip = bytes(15) + b"\1", bytes(15) + b"\2"
    k.time = time
    return k


def table(**changed: int) -> Sessions:
    return Sessions((10, 10, 10, 10), (99, 99, 99, 99), changed.get("max_open", 9), stats=True)


def test_a_full_buffer_loses_no_session() -> None:
    s = table()
    for port in range(5):
        s.add(packet(port))
    s.clock = 11
    rows = 0
    while not s.sweep(2):
        rows += len(s.closed)
        s.closed.clear()
    rows += len(s.closed)
    assert rows == 5
    assert len(s) == 0


def test_draining_is_in_order_of_id() -> None:
    s = table()
    for port in (9, 3, 7):
        s.add(packet(port))
    assert s.drain(END_OPEN, 10)
    assert [SESSION.struct.unpack(row)[0] for row in s.closed] == [0, 1, 2]


def test_the_queue_looks_again_at_a_session_that_lives() -> None:
    s = table()
    s.add(packet(1))
    s.clock = 8
    s.add(packet(1))
    s.clock = 11
    assert s.sweep(9)
    assert len(s) == 1
    s.clock = 19
    assert s.sweep(9)
    assert len(s) == 0


def test_half_orders_values_as_the_record_does() -> None:
    half = Half()
    k = packet(1, time=5)
    k.wire_len, k.ip_len, k.payload_len, k.ttl, k.tcp_mss = 60, 46, 18, 64, 1460
    half.count(k)
    k.time, k.ttl = 9, 32
    half.count(k)
    names = [f.name.removeprefix("orig_") for f in SESSION.fields if f.name.startswith("orig_")]
    values = dict(zip(names[-18:], half.values(), strict=True))
    assert values["packets"] == 2
    assert values["payload_bytes"] == 36
    assert (values["first"], values["last"], values["iat_min"]) == (5, 9, 4)
    assert (values["ttl_min"], values["ttl_max"], values["mss"]) == (32, 64, 1460)
    assert values["len_sumsq"] == 7200.0

"""What both cores do, told on hand-made bytes; each test runs on each core."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from plugin import core as cores
from plugin.core import Timeouts, implementation, new_engine
from plugin.core.layout import (
    END_ACTIVE,
    END_CLOCK,
    END_CLOSED,
    END_EVICTED,
    END_IDLE,
    END_OPEN,
    MAC,
    PACKET,
    SESSION,
    SESSIONS_FULL,
    TOTALS,
)
from plugin.errors import SettingsError
from tests import frames as f
from tests.engines import Result, make, run

pytestmark = pytest.mark.usefixtures("core")


def kind() -> type:
    return type(new_engine())


def read(*packets: f.Frame, **changed: Any) -> Result:
    return run(make(kind(), **changed), f.pcap(*packets))


def totals(result: Result) -> dict[str, int]:
    return dict(zip(TOTALS, result.totals, strict=True))


def test_the_variable_chooses_the_core(core: str) -> None:
    assert implementation() == core
    assert ("_core" in type(new_engine()).__module__) == (core == "c")


def test_an_unknown_core_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALIA_CORE", "rust")
    with pytest.raises(SettingsError, match="rust"):
        new_engine()


def test_without_the_extension_the_reference_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plugin.core._core", None)
    monkeypatch.delattr(cores, "_core", raising=False)
    monkeypatch.delenv("HALIA_CORE", raising=False)
    assert implementation() == "reference"
    monkeypatch.setenv("HALIA_CORE", "c")
    with pytest.raises(SettingsError, match="compiled core"):
        implementation()


def test_a_tcp_session_both_ways() -> None:
    result = read(
        f.tcp_frame(1, f.SYN),
        f.tcp_frame(1.1, f.SYN | f.ACK, back=True),
        f.tcp_frame(1.2),
        f.tcp_frame(1.3, f.ACK | f.PSH, b"GET"),
        f.tcp_frame(1.5, f.ACK, b"200 OK", back=True),
        f.tcp_frame(1.6, f.FIN | f.ACK),
        f.tcp_frame(1.7, f.FIN | f.ACK, back=True),
    )
    (s,) = result.session_rows()
    assert s["history"][: s["history_len"]].tobytes() == b"ShADdFf"
    assert (s["orig_packets"], s["resp_packets"]) == (4, 3)
    assert (s["orig_payload_bytes"], s["resp_payload_bytes"]) == (3, 6)
    assert (s["orig_ip_bytes"], s["resp_ip_bytes"]) == (163, 126)
    assert (s["orig_port"], s["resp_port"], s["proto"]) == (40000, 80, 6)
    assert (s["start"], s["end"]) == (1_000_000_000, 1_700_000_000)
    assert (s["orig_iat_min"], s["orig_iat_max"]) == (100_000_000, 300_000_000)
    assert s["orig_iat_sumsq"] == pytest.approx(0.2**2 + 0.1**2 + 0.3**2)
    assert (s["orig_len_min"], s["orig_len_max"]) == (54, 57)
    assert s["end_reason"] == END_OPEN
    assert list(result.packet_rows()["direction"]) == [0, 1, 0, 0, 1, 0, 1]
    assert (result.mac_rows()["tx_packets"] == [3, 4]).all()  # receiver first: it stands first
    assert totals(result)["devices"] == 2


def test_a_capture_that_begins_with_the_answer_keeps_its_originator() -> None:
    result = read(f.tcp_frame(1, f.SYN | f.ACK, back=True), f.tcp_frame(1.1))
    (s,) = result.session_rows()
    assert (s["orig_port"], s["resp_port"]) == (40000, 80)
    assert s["history"][: s["history_len"]].tobytes() == b"^hA"
    assert list(result.packet_rows()["direction"]) == [1, 0]


def test_idle_udp_is_over_after_sixty_seconds() -> None:
    result = read(f.udp_frame(0), f.udp_frame(60), f.udp_frame(120.1))
    assert list(result.session_rows()["end_reason"]) == [END_IDLE, END_OPEN]
    assert list(result.packet_rows()["session"]) == [0, 0, 1]


def test_another_sessions_packet_sweeps_the_idle_one() -> None:
    engine = make(kind())
    data = f.pcap(f.udp_frame(0), f.udp_frame(61, dport=54))
    sessions = bytearray(4 * SESSION.size)
    assert engine.feed(data, 0, len(data), None, sessions)[2] == 1
    assert dict(zip(TOTALS, engine.totals(), strict=True))["open"] == 1


def test_a_long_session_is_cut_at_the_active_time_out() -> None:
    times = [t * 50.0 for t in range(75)]
    result = read(*(f.udp_frame(t) for t in times))
    rows = result.session_rows()
    assert list(rows["end_reason"]) == [END_ACTIVE, END_OPEN]
    assert list(rows["orig_packets"]) == [73, 2]  # 0 to 3,600 s, then 3,650 s


@pytest.mark.parametrize("ending", [f.RST, f.FIN])
def test_a_syn_after_the_end_begins_anew(ending: int) -> None:
    result = read(
        f.tcp_frame(1, f.SYN),
        f.tcp_frame(1.1, ending | f.ACK),
        f.tcp_frame(1.2, ending | f.ACK, back=True),
        f.tcp_frame(1.3),
        f.tcp_frame(2, f.SYN),
    )
    assert list(result.session_rows()["end_reason"]) == [END_CLOSED, END_OPEN]
    assert list(result.packet_rows()["session"]) == [0, 0, 0, 0, 1]


def test_one_fin_is_not_the_end() -> None:
    result = read(f.tcp_frame(1, f.FIN | f.ACK), f.tcp_frame(2, f.SYN))
    assert len(result.session_rows()) == 1


def test_a_clock_that_steps_back_closes_all() -> None:
    result = read(f.udp_frame(1000), f.udp_frame(939.9, dport=54), f.udp_frame(940))
    assert list(result.session_rows()["end_reason"]) == [END_CLOCK, END_OPEN, END_OPEN]


def test_a_small_step_back_changes_nothing() -> None:
    result = read(f.udp_frame(1000), f.udp_frame(940), f.udp_frame(1000.5))
    (s,) = result.session_rows()
    assert s["orig_packets"] == 3
    assert s["orig_iat_min"] == 0  # out of order counts as no gap


def test_one_packet_from_the_future_costs_a_cut_not_the_capture() -> None:
    """A damaged time must not make every later packet a session of its own."""
    result = read(
        f.udp_frame(0), f.udp_frame(4e9, dport=54), *(f.udp_frame(1 + i) for i in range(9))
    )
    assert list(result.session_rows()["orig_packets"]) == [1, 1, 9]


def test_beyond_the_limit_the_oldest_are_evicted() -> None:
    result = read(*(f.udp_frame(i, dport=100 + i) for i in range(5)), max_open=3)
    rows = result.session_rows()
    assert list(rows["end_reason"]) == [END_EVICTED] * 2 + [END_OPEN] * 3
    assert totals(result)["evicted"] == 2


def test_new_link_addresses_beyond_the_limit_are_dropped_not_followed() -> None:
    flood = [
        f.Frame(i, f.ethernet(f.ipv4(f.udp(1, 2), 17), src=b"\x02\0\0\0\0" + bytes((i,))))
        for i in range(5)
    ]
    result = read(*flood, max_macs=3)
    assert list(result.packet_rows()["src_mac"]) == [1, 2, -1, -1, -1]
    assert totals(result)["macs_dropped"] == 3


def test_later_fragments_are_a_session_without_ports() -> None:
    first = f.ethernet(f.ipv4(f.udp(5, 53, bytes(16)), 17, frag=0x2000, total=44))
    later = f.ethernet(f.ipv4(bytes(24), 17, frag=3))
    result = read(f.Frame(1, first), f.Frame(2, later))
    assert [tuple(s) for s in result.session_rows()[["orig_port", "resp_port"]]] == [
        (5, 53),
        (0, 0),
    ]
    assert totals(result)["later_fragments"] == 1


def test_wire_length_counts_and_is_clipped() -> None:
    frame = f.udp_frame(1)._replace(wire=677_000_000)
    result = read(frame)
    assert result.packet_rows()["wire_len"][0] == 65_550
    assert totals(result)["wire_bytes"] == 65_550
    assert totals(result)["cut_packets"] == 1


def test_small_buffers_and_any_cuts_give_the_same() -> None:
    packets = [f.udp_frame(i * 2, dport=100 + i % 40) for i in range(200)]
    data = f.pcap(*packets)
    whole = run(make(kind()), data, packet_room=500, session_room=500)
    pieces = run(make(kind()), data, cuts=range(0, len(data), 37), packet_room=1, session_room=1)
    assert pieces[:5] == whole[:5]
    assert SESSIONS_FULL in {step[3] for step in pieces.steps}


def test_counting_finds_the_same_sessions() -> None:
    packets = [f.udp_frame(i * 7, dport=100 + i % 40) for i in range(200)]
    counted = run(make(kind(), stats=False), f.pcap(*packets), stats=False)
    listed = run(make(kind()), f.pcap(*packets))
    assert counted.totals == listed.totals
    assert not counted.sessions
    assert counted.macs == listed.macs


def test_sessions_go_on_in_the_next_input() -> None:
    engine = make(kind())
    room = bytearray(4 * SESSION.size)
    first, second = f.pcap(f.udp_frame(1)), f.pcap(f.udp_frame(2), big=True, nano=False)
    engine.feed(first, 0, len(first), None, room)
    engine.next_input()
    engine.feed(second, 0, len(second), None, room)
    assert dict(zip(TOTALS, engine.totals(), strict=True))["sessions"] == 1


def test_other_time_outs() -> None:
    quick = Timeouts(udp_idle=1)
    result = read(f.udp_frame(0), f.udp_frame(1.1), timeouts=quick)
    assert len(result.session_rows()) == 2


def test_wrong_calls_are_refused() -> None:
    engine = make(kind())
    room = bytearray(SESSION.size)
    for call in (
        lambda: engine.feed(b"abc", 0, 4, None, room),
        lambda: engine.feed(b"abc", 2, 1, None, room),
        lambda: engine.feed(b"abc", 0, 3, None, None),
        lambda: engine.finish(None),
        lambda: make(kind(), seed=b"short"),
        lambda: make(kind(), max_open=0),
        lambda: make(kind(), stats=False).feed(b"", 0, 0, bytearray(PACKET.size), None),
    ):
        with pytest.raises(ValueError, match=r"feed|finish|Engine"):
            call()


def test_one_engine_is_not_for_two_threads() -> None:
    """The compiled core releases the GIL: a second thread must be turned away, not let in."""
    pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    from plugin.core._core import Engine

    data = f.pcap(*(f.udp_frame(i / 1000, dport=i % 60000) for i in range(60_000)))
    engine = make(Engine, stats=False)
    refused: list[BaseException] = []

    def feed() -> None:
        for _ in range(20):
            try:
                engine.feed(data, 24, len(data), None, None)
            except RuntimeError as error:
                refused.append(error)

    engine.feed(data, 0, 24, None, None)
    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = dict(zip(TOTALS, engine.totals(), strict=True))["packets"]
    assert counted == 60_000 * (80 - len(refused))


def test_macs_are_given_from_an_index_on() -> None:
    engine = make(kind())
    run(engine, f.pcap(f.Frame(f.SECOND, f.ethernet(f.ipv4(f.udp(1, 2), 17)))))
    whole = engine.macs()
    assert len(whole) == 2 * MAC.size
    assert engine.macs(1) == whole[MAC.size :]
    assert engine.macs(2) == engine.macs(3) == engine.macs(1 << 31) == b""


def test_packets_are_watched_by_the_compiled_core_only() -> None:
    watch = cores.new_watch(bytes(1 << 16), 9)
    assert (watch is None) == (implementation() == "reference")
    if watch is not None:
        assert watch.feed(bytes(3 * PACKET.size)) == (b"", b"", b"")


def test_flows_are_gathered_by_the_compiled_core_only() -> None:
    table, loops = cores.new_flow_table(), cores.flow_loops()
    assert (table is None) == (loops is None) == (implementation() == "reference")
    if table is not None:
        table.feed(bytes(3 * PACKET.size))  # of no protocol
        keys, starts, *others = table.columns(1)
        assert (keys, starts, others) == (b"", bytes(8), [b""] * 4)


def test_a_forced_reference_gathers_no_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALIA_CORE", "reference")
    assert cores.new_flow_table() is None
    assert cores.flow_loops() is None


def test_one_table_of_flows_is_not_for_two_threads() -> None:
    pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    from plugin.core._core import FlowTable

    rows, table = np.zeros(20_000, PACKET.dtype()), FlowTable(bytes(16))
    rows["proto"] = 6
    records = rows.tobytes()
    refused: list[BaseException] = []

    def feed() -> None:
        for _ in range(20):
            try:
                table.feed(records)
            except RuntimeError as error:
                refused.append(error)

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(table.columns(1)[2]) == 8 * 20_000 * (80 - len(refused))

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.capture import scan as scanning
from plugin.capture.scan import Scan
from plugin.capture.source import open_source
from plugin.core.layout import END_EVICTED, PACKET, SESSION
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.records import Problem

pytestmark = pytest.mark.usefixtures("core")


def scan(path: Path, data: bytes, *, packets: bool = True) -> tuple[Scan, int, int]:
    path.write_bytes(data)
    made = Scan(packets=packets)
    n_packets = n_sessions = 0
    with open_source(path) as source:
        for chunk in made.read(source):
            n_packets += len(chunk.packets) // PACKET.size
            n_sessions += len(chunk.sessions) // SESSION.size
    n_sessions += sum(len(chunk.sessions) // SESSION.size for chunk in made.finish())
    return made, n_packets, n_sessions


def problem(path: Path, data: bytes) -> Problem | None:
    return scan(path, data)[0].problem


MANY = f.pcap(*(f.udp_frame(i / 100, dport=i % 5000) for i in range(20_000)))


def test_more_than_a_block_and_more_than_a_buffer(tmp_path: Path) -> None:
    assert len(MANY) > scanning.BLOCK
    made, packets, sessions = scan(tmp_path / "x", MANY)
    assert (packets, sessions) == (20_000, 5_000)
    totals = made.totals()
    assert (totals.packets, totals.sessions, totals.linktypes) == (20_000, 5_000, ("ethernet",))
    assert (totals.first_ns, totals.last_ns) == (0, 199_990_000_000)
    assert made.problem is None


def test_an_empty_file_is_an_empty_capture(tmp_path: Path) -> None:
    made, packets, _ = scan(tmp_path / "x", b"")
    assert (packets, made.problem) == (0, None)
    assert made.totals().first_ns is None


@pytest.mark.parametrize("cut", [1, 3, 4, 23, 30, 60, 100])
def test_what_is_cut_short_says_where_and_keeps_the_rest(tmp_path: Path, cut: int) -> None:
    data = f.pcap(f.udp_frame(1), f.udp_frame(2))
    made, packets, _ = scan(tmp_path / "x", data[:cut])
    told = made.problem
    assert told is not None
    if cut < 4:
        assert "not a pcap" in told.reason
        return
    assert told.cut_short
    record = 16 + len(f.udp_frame(1).data)
    assert packets == max(0, cut - 24) // record
    assert told.offset == (24 + packets * record if cut >= 24 else 0)


def test_a_block_that_is_cut_short_while_passed_over(tmp_path: Path) -> None:
    data = f.section() + f.block(0xBAD, bytes(100))[:50]
    told = problem(tmp_path / "x", data)
    assert told is not None
    assert told.cut_short


def test_a_torn_packed_capture(tmp_path: Path) -> None:
    packed = gzip.compress(MANY)
    made, packets, _ = scan(tmp_path / "x", packed[: len(packed) // 2])
    assert made.problem is not None
    assert "packed" in made.problem.reason
    assert 0 < packets < 20_000


def test_a_record_larger_than_a_block_is_read_whole(tmp_path: Path) -> None:
    data = f.section() + f.described(options=f.option(1, b"x" * 60_000) * 40)
    data += f.enhanced(f.udp_frame(1).data, 1)
    made, packets, _ = scan(tmp_path / "x", data)
    assert len(data) > scanning.BLOCK
    assert (packets, made.problem) == (1, None)


def test_damage_stops_the_pass_and_is_told(tmp_path: Path) -> None:
    told = problem(tmp_path / "x", f.pcap(f.udp_frame(1)) + struct.pack("<IIII", 0, 0, 1 << 30, 1))
    assert told is not None
    assert not told.cut_short
    assert "1,073,741,824" in told.reason


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_where_a_packed_file_is_damaged_is_told_as_a_place_after_unpacking(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(pack(f.pcap(f.udp_frame(1), f.udp_frame(2))[:-3]))
    scan = Scan(stats=False)
    with open_source(path) as source:
        list(scan.read(source))
    assert scan.problem is not None
    assert scan.problem.offset == 24 + 16 + 43
    assert ("counted after unpacking" in scan.problem.reason) == (pack is not bytes)


def test_two_inputs_are_one_pass(tmp_path: Path) -> None:
    made = Scan()
    for i in (1, 2):
        path = tmp_path / str(i)
        path.write_bytes(f.pcap(f.udp_frame(i), link=1))
        with open_source(path) as source:
            list(made.read(source))
    assert made.totals().sessions == 1
    assert made.totals().packets == 2


def test_of_too_many_open_sessions_the_oldest_are_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*(attacks.asked(i, attacks.host(i), 5, 80) for i in range(9))))
    for most, evicted in ((4, 5), (9, 0)):
        one, reasons = Scan(max_open=most), []
        with open_source(path) as source:
            parts = [bytes(chunk.sessions) for chunk in one.read(source)]
        for part in (*parts, *(bytes(chunk.sessions) for chunk in one.finish())):
            reasons += np.frombuffer(part, SESSION.dtype())["end_reason"].tolist()
        assert reasons.count(END_EVICTED) == evicted
        assert len(reasons) == 9


def test_progress_tells_the_bytes_taken(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(MANY)
    seen: list[int] = []
    with open_source(path) as source:
        list(Scan(stats=False).read(source, seen.append))
    assert seen[-1] == len(MANY)
    assert seen == sorted(seen)


def test_a_live_stream_gives_what_the_whole_capture_gives(tmp_path: Path) -> None:
    whole = f.pcap(*(f.tcp_frame(i, f.SYN if i == 0 else f.ACK) for i in range(9)))
    live, size = Scan(), 16 + 54
    for start, end in ((0, 24 + size), (24 + size, 24 + size), (24 + size, len(whole))):
        assert not list(live.feed(whole[start:end])), "no session is over yet"
    rows = b"".join(bytes(c.sessions) for c in live.finish())
    path = tmp_path / "whole.pcap"
    path.write_bytes(whole)
    once = Scan()
    with open_source(path) as source:
        assert not list(once.read(source))
    assert rows == b"".join(bytes(c.sessions) for c in once.finish())
    assert live.totals().packets == 9


@pytest.mark.parametrize("data", [b"\x4d\x3c\xb2\xa1" + bytes(30), b"no capture at all...."])
def test_what_is_no_live_stream_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="whole records"):
        list(Scan().feed(data))

"""A recorded capture feeds a live one."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from plugin.capture.live import LiveCapture, Settings
from plugin.capture.packet_socket import Opening
from plugin.capture.recorded import Recorded, frames
from plugin.errors import CaptureError
from plugin.offline.read import read_capture
from tests import frames as f

SECOND = 1_000_000_000
CAPTURES = Path(__file__).resolve().parents[2] / "data" / "captures"


def recording(folder: Path, *seconds: float) -> Path:
    frame = f.ethernet(f.ipv4(f.tcp(1, 2, f.ACK, b"payload"), 6), src=f.A, dst=f.B)
    path = folder / "mirror.pcap"
    path.write_bytes(f.pcap(*(f.Frame(int(s * SECOND), frame) for s in seconds)))
    return path


def over(feed: Recorded) -> bool:
    return feed.next_ns is None


def test_frames_come_when_their_time_has_come(tmp_path: Path) -> None:
    feed = Recorded(recording(tmp_path, 10, 11, 15))
    live = LiveCapture(Settings(opening=Opening("nic"), stream=True), None, feed)
    assert feed.next_ns == 10 * SECOND
    assert live.poll(9, 0).devices == []
    feed.until(11 * SECOND)
    batch = live.poll(11, 0)
    assert [d.first_ns for d in batch.devices] == [10 * SECOND, 10 * SECOND]
    assert live.counters().frames == 2
    feed.until(99 * SECOND)
    live.poll(20, 0)
    assert live.counters().frames == 3
    assert over(feed)
    live.stop(21, lambda _: None)
    assert live.counters().unread == 0


def test_what_comes_after_the_stop_is_not_taken(tmp_path: Path) -> None:
    feed = Recorded(recording(tmp_path, 10, 11))
    live = LiveCapture(Settings(opening=Opening("nic")), None, feed)
    live.stop(21, lambda _: None)
    assert live.counters().frames == 0


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.pcap*")), ids=lambda p: p.name)
def test_all_frames_of_a_capture_are_given_whatever_its_format(path: Path) -> None:
    totals = read_capture(path).totals
    found = list(frames(path))
    if totals.linktypes == ("ethernet",):
        assert len(found) == totals.packets
        assert sum(len(data) for _, _, data in found) == totals.captured_bytes
    else:
        assert len(found) < totals.packets


def test_a_torn_end_is_passed_over_and_a_broken_middle_is_told(tmp_path: Path) -> None:
    path = recording(tmp_path, 10, 11)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert len(list(frames(path))) == 1
    path.write_bytes(whole[:24] + struct.pack("<IIII", 1, 2, 1 << 30, 1 << 30) + whole[24:])
    with pytest.raises(CaptureError, match=r"mirror\.pcap"):
        list(frames(path))

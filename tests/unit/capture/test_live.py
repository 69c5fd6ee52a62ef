from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin.capture.live import LiveCapture, Settings
from plugin.capture.packet_socket import Link, Opening, Statistics
from plugin.capture.rotate import Limits
from plugin.capture.trace_files import TraceFiles
from plugin.core import Demux
from plugin.core.layout import DEMUX_DAMAGED, DEMUX_MORE
from plugin.errors import PeerError
from tests import frames as f
from tests.demuxes import Arrived, block, records

pytestmark = pytest.mark.usefixtures("core")
NOW = 1_700_000_000.0


class FakeFeed:
    """Blocks from a list; what is added after quiesce() is the kernel's open block."""

    kind = "fake"

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.blocks: list[bytes] = []
        self.late: list[bytes] = []
        self.counters = Statistics()
        self.gone = False
        self.link: Link | None = Link.UP

    def fileno(self) -> int:
        return self._read

    def add(self, *frames: Arrived) -> None:
        self.blocks.append(block(frames))
        c = self.counters
        self.counters = c._replace(packets=c.packets + len(frames))

    def take(self, demux: Demux, relieve: Callable[[int, int], None]) -> bool:
        if not self.blocks:
            return False
        data = self.blocks.pop(0)
        at, done, status, device = demux.block(data)
        while status not in {DEMUX_MORE, DEMUX_DAMAGED}:
            relieve(status, device)
            at, done, status, device = demux.block(data, at, done)
        return True

    def statistics(self) -> Statistics:
        return self.counters

    def quiesce(self) -> None:
        self.gone = True

    def check(self) -> Link:
        if self.link is None:
            raise PeerError("the interface has gone", where="nic")
        return self.link

    def hang_up(self) -> None:
        self.link = None
        os.close(self._write)

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def feed() -> Iterator[FakeFeed]:
    feed = FakeFeed()
    yield feed
    for descriptor in (feed._read, feed._write):
        try:
            os.close(descriptor)
        except OSError:
            continue


def tcp(src: bytes = f.A, dst: bytes = f.B, time: float = NOW) -> Arrived:
    frame = f.ethernet(f.ipv4(f.tcp(1, 2, f.ACK, b"payload"), 6), src=src, dst=dst)
    return Arrived(int(time * 1e9), frame)


def settings(**changed: object) -> Settings:
    return Settings(opening=Opening("nic"), **changed)  # type: ignore[arg-type] # any field


def capture(
    tmp_path: Path, feed: FakeFeed, *, limits: Limits | None = None, **changed: object
) -> LiveCapture:
    files = TraceFiles(tmp_path / "out", limits or Limits(min_free=0))
    files.start(NOW)
    return LiveCapture(settings(**changed), files, feed)


def test_frames_come_to_files_devices_and_the_stream(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed, stream=True)
    feed.add(tcp(), tcp(f.B, f.A))
    batch = live.poll(NOW, 0)
    assert [d.mac for d in batch.devices] == ["0e:00:00:00:00:01", "0e:00:00:00:00:02"]
    assert batch.devices[0].first_ns == int(NOW * 1e9)
    assert len(records(batch.stream[24:])) == 2
    parts = list((tmp_path / "out").glob("*.part"))
    assert [len(records(p.read_bytes()[24:])) for p in parts] == [2, 2], "at the first tick"
    feed.add(tcp())
    assert live.poll(NOW + 0.5, 0).devices == []
    done = live.stop(NOW + 1, lambda _: None)
    assert [x.packets for x in done.finished] == [3, 3]
    assert len(records(done.stream)) == 0
    c = live.counters()
    assert (c.frames, c.records, c.written_packets, c.unread) == (3, 6, 6, 0)


def test_the_open_block_is_waited_for_at_the_stop(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        assert feed.gone, "no more frames are let in"
        pauses.append(seconds)
        if len(pauses) == 2:
            feed.add(tcp())

    done = live.stop(NOW, pause)
    assert [x.packets for x in done.finished] == [1, 1]
    assert len(pauses) == 5
    assert live.counters().unread == 0


def test_what_was_never_seen_is_counted(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed)
    feed.add(tcp())
    feed.counters = Statistics(10, 4, 1)
    live.poll(NOW, 0)
    done = live.stop(NOW + 1, lambda _: None)
    c = live.counters()
    assert (c.kernel_packets, c.kernel_drops, c.kernel_freezes, c.unread) == (10, 4, 1, 5)
    assert [x.missed for x in done.finished] == [4, 4]


def test_more_than_the_buffers_hold(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed, stream=True)
    for _ in range(30):
        feed.add(*[tcp()] * 600)
    stream = live.poll(NOW, 0).stream + live.poll(NOW + 0.1, 0).stream
    assert len(records(stream[24:])) == 18_000
    done = live.stop(NOW + 0.2, lambda _: None)
    assert [x.packets for x in done.finished] == [18_000, 18_000]


def test_without_files_it_only_streams(feed: FakeFeed) -> None:
    live = LiveCapture(settings(stream=True), None, feed)
    feed.add(tcp())
    assert len(records(live.poll(NOW, 0).stream[24:])) == 1
    assert live.stop(NOW, lambda _: None).finished == []
    assert live.counters().written_packets == 0


def test_silent_devices_make_room_for_others(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed, max_devices=2, idle=100.0)
    feed.add(tcp())
    live.poll(NOW, 0)
    feed.add(tcp(bytes.fromhex("0e0000000007"), b"\xff" * 6, NOW + 50))
    live.poll(NOW + 50, 0)
    assert (live.counters().devices, live.counters().refused) == (2, 1)
    live.poll(NOW + 150, 0)
    feed.add(tcp(bytes.fromhex("0e0000000007"), b"\xff" * 6, NOW + 150))
    assert [d.mac for d in live.poll(NOW + 151, 0).devices] == ["0e:00:00:00:00:07"]
    assert len(live.stop(NOW + 152, lambda _: None).finished) == 3


def test_a_devices_file_is_finished_when_asked_for(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed)
    feed.add(tcp())
    live.poll(NOW, 0)
    feed.add(tcp())
    live.poll(NOW + 0.1, 0)
    done = live.finish("0e:00:00:00:00:01", NOW + 0.2)
    assert done is not None
    assert (done.packets, done.why) == (2, "asked")
    assert live.finish("0e:00:00:00:00:01", NOW + 0.3) is None
    assert [x.packets for x in live.stop(NOW + 1, lambda _: None).finished] == [2]


def test_copies_are_left_out_and_accounted_for(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed, repeat_ns=2_000_000)
    feed.add(tcp(), tcp())
    live.poll(NOW, 0)
    live.stop(NOW + 1, lambda _: None)
    c = live.counters()
    assert (c.frames, c.repeated, c.unread) == (1, 1, 0)


def test_rotated_files_and_alarms_come_with_a_poll(tmp_path: Path, feed: FakeFeed) -> None:
    limits = Limits(min_free=0, rotate_time=10.0, max_age=20.0)
    live = capture(tmp_path, feed, limits=limits)
    feed.add(tcp())
    live.poll(NOW, 0)
    assert [x.why for x in live.poll(NOW + 10, 0).finished] == ["time", "time"]
    assert [a.kind for a in live.poll(NOW + 31, 0).alarms] == ["removed", "removed"]


def test_an_interface_that_has_gone_is_told(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed)
    feed.hang_up()
    with pytest.raises(PeerError, match="gone"):
        live.poll(NOW, 0)


def test_files_begun_and_devices_heard_are_told(tmp_path: Path, feed: FakeFeed) -> None:
    live = capture(tmp_path, feed)
    feed.add(tcp())
    batch = live.poll(NOW, 0)
    assert [mac for mac, _ in batch.opened] == ["0e:00:00:00:00:01", "0e:00:00:00:00:02"]
    assert all(name.startswith("trace_0e") for _, name in batch.opened)
    at = int(NOW * 1e9)
    assert live.latest() == (("0e:00:00:00:00:01", at), ("0e:00:00:00:00:02", at))
    assert live.latest() == ()
    feed.add(tcp(f.A, b"\xff" * 6, NOW + 2))
    live.poll(NOW + 2, 0)
    assert live.latest() == (("0e:00:00:00:00:01", int((NOW + 2) * 1e9)),)


def test_a_link_that_is_down_is_told_once_and_one_that_has_gone_without_a_word_is_seen(
    tmp_path: Path, feed: FakeFeed
) -> None:
    live = capture(tmp_path, feed)
    told = []
    for second, link in enumerate((Link.UP, Link.DOWN, Link.DOWN, Link.NO_CARRIER, Link.UP)):
        feed.link = link
        told.append([(one.kind, one.text[:12]) for one in live.poll(NOW + second, 0).alarms])
    assert told == [
        [],
        [("capture_down", "nic is down:")],
        [],
        [("capture_down", "nic has no c")],
        [("capture_up", "nic is up: f")],
    ]
    feed.link = None
    live.poll(NOW + 4.5, 0)  # not yet looked at
    with pytest.raises(PeerError, match="gone"):
        live.poll(NOW + 6, 0)

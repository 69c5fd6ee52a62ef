from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin.capture import trace_files
from plugin.capture.rotate import Limits
from plugin.capture.trace_files import TraceFiles
from plugin.errors import OutputError
from tests import frames as f
from tests.demuxes import records

NOW = 1_700_000_000.0
RECORD = f.pcap(f.Frame(7, b"x" * 60))[24:]
FREE = Limits(min_free=0, quota=0)


def one(n: int = 1, at: int = 7) -> tuple[bytes, int, int, int]:
    return RECORD * n, n, at, at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def made() -> Iterator[list[TraceFiles]]:
    """Those that a test made, closed at its end as a killed process would leave them."""
    found: list[TraceFiles] = []
    yield found
    for files in found:
        for trace in files._open.values():
            if trace.descriptor >= 0:
                os.close(trace.descriptor)
        for descriptor in (files._lock, files._folder):
            if descriptor >= 0:
                os.close(descriptor)


def started(made: list[TraceFiles], folder: Path, **limits: Any) -> TraceFiles:
    files = TraceFiles(folder, FREE._replace(**limits))
    made.append(files)
    files.start(NOW)
    return files


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != trace_files.LOCK)


def test_a_file_is_a_part_until_it_is_finished(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder)
    files.write(f.A, one(2), NOW)
    (part,) = names(folder)
    assert part.endswith(".pcap.part")
    assert len(records((folder / part).read_bytes()[24:])) == 2
    files.write(f.A, one(1, at=9), NOW + 1)
    (done,) = files.close(NOW + 2)
    assert (done.mac, done.packets, done.first_ns, done.last_ns) == ("0e:00:00:00:00:01", 3, 7, 9)
    assert (done.why, done.missed, done.size) == ("stop", 0, 24 + 3 * len(RECORD))
    assert names(folder) == [done.path.name] == [part.removesuffix(".part")]
    assert done.path.stat().st_mode & 0o7 == 0, "not for everybody to read"


def test_rotation_by_size_and_time(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder, rotate_size=200, rotate_time=100.0)
    files.write(f.A, one(9), NOW)
    files.write(f.B, one(1), NOW)
    assert files.tick(NOW + 0.5) == [], "one a second at most"
    assert [(x.mac, x.why) for x in files.tick(NOW + 1)] == [("0e:00:00:00:00:01", "size")]
    files.write(f.A, one(1), NOW + 1)
    assert [(x.mac, x.why) for x in files.tick(NOW + 100)] == [("0e:00:00:00:00:02", "time")]
    assert len(names(folder)) == 3


def test_names_do_not_meet_when_the_clock_is_set_back(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder)
    for _ in range(3):
        files.write(f.A, one(), NOW)
        files.finish(f.A, NOW, "time")
    assert len(names(folder)) == 3


def test_few_files_are_held_open(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder, max_files=2)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        for device in range(20):
            files.write(bytes((2, 0, 0, 0, 0, device)), one(), NOW)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
    assert {x.packets for x in files.close(NOW)} == {3}


def test_quotas(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder, quota=3 * 4096)  # small as they are, each takes a disk block
    for i in range(5):
        files.write(f.A, one(), NOW + i)
        files.finish(f.A, NOW + i, "time")
    (folder / "notes.txt").write_text("not ours")
    before = names(folder)
    files.tick(NOW + 10)
    assert names(folder) == [before[0], *before[3:]]
    assert files.counts.removed_files == 2
    assert [a.kind for a in files.alarms] == ["removed", "removed"]


def test_open_files_count_for_the_quota(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder, quota=500)
    files.write(f.A, one(20), NOW)
    assert [x.why for x in files.tick(NOW + 10)] == ["quota"]
    assert names(folder) == []


def test_a_full_disk_stops_the_writing_and_nothing_else(
    made: list[TraceFiles], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = started(made, folder)
    files.write(f.A, one(), NOW)
    before = next(folder.glob("*.part")).read_bytes()
    real = os.write
    half = True

    def full(descriptor: int, data: bytes) -> int:
        nonlocal half
        if half:
            half = False
            return real(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    files.write(f.A, one(3), NOW)
    assert next(folder.glob("*.part")).read_bytes() == before, "half a record was taken back"
    files.write(f.B, one(2), NOW)
    assert (files.stopped, files.counts.lost_packets) == (True, 5)
    assert [a.kind for a in files.alarms] == ["disk_full"]
    monkeypatch.setattr(os, "write", real)
    files.tick(NOW + 9)
    assert files.stopped, "a disk that refused is left alone for a while"
    files.tick(NOW + 10)
    files.write(f.A, one(), NOW + 10)
    files.write(f.B, one(), NOW + 10)
    assert [a.kind for a in files.alarms] == ["disk_full", "disk_ok"]
    done = files.close(NOW + 12)
    assert [x.packets for x in done] == [2, 1]
    assert [x.missed for x in done] == [5, 0]
    assert all(records(x.path.read_bytes()[24:]) for x in done)


def test_a_file_whose_header_had_no_room_gets_it_later(
    made: list[TraceFiles], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = started(made, folder)
    real = os.write

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "write", full)
    files.write(f.A, one(), NOW)
    monkeypatch.setattr(os, "write", real)
    files.tick(NOW + 10)
    files.write(f.A, one(), NOW + 10)
    (done,) = files.close(NOW + 10)
    assert len(records(done.path.read_bytes()[24:])) == 1


def test_room_on_the_disk_is_left(
    made: list[TraceFiles], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = started(made, folder, min_free=100)
    files.write(f.A, one(), NOW)
    files.finish(f.A, NOW, "time")
    monkeypatch.setattr(files, "_free", lambda: 50)
    files.tick(NOW + 1)
    files.write(f.A, one(), NOW + 1)
    assert names(folder) == []
    assert files.counts.lost_packets == 1
    monkeypatch.setattr(files, "_free", lambda: 200)
    files.tick(NOW + 2)
    files.write(f.A, one(), NOW + 2)
    assert len(names(folder)) == 1


def test_a_quota_that_no_figure_shows_costs_old_files(
    made: list[TraceFiles], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = started(made, folder, min_free=4096)
    for i in range(3):
        files.write(f.A, one(), NOW + i)
        files.finish(f.A, NOW + i, "time")

    def refused(*_: object) -> int:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    real = os.write
    monkeypatch.setattr(os, "write", refused)
    files.write(f.A, one(), NOW + 3)
    monkeypatch.setattr(os, "write", real)
    files.tick(NOW + 4)
    assert len(list(folder.glob("*.pcap"))) == 2, "the oldest one went"
    files.tick(NOW + 13)
    assert len(list(folder.glob("*.pcap"))) == 2
    files.write(f.A, one(), NOW + 13)
    assert files.close(NOW + 14)[0].packets == 1


def test_a_disk_without_room_for_names_is_full(
    made: list[TraceFiles], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = started(made, folder, min_free=1)
    real = os.fstatvfs(files._folder)
    fields = list(real)
    fields[5:8] = [100_000, 10, 10]  # inodes: all, free, free for us
    monkeypatch.setattr(os, "fstatvfs", lambda _: os.statvfs_result(fields))
    files.tick(NOW)
    assert files.stopped


def test_an_error_of_another_kind_is_told(
    made: list[TraceFiles], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = started(made, folder)

    def refused(*_: object) -> int:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "write", refused)
    with pytest.raises(OutputError, match="Permission denied"):
        files.write(f.A, one(), NOW)


def test_what_a_killed_run_left_is_cut_and_finished(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder)
    files.write(f.A, one(4), NOW)
    files.write(f.B, one(4), NOW)
    files.finish(f.B, NOW, "time")
    part = next(folder.glob("*.part"))
    part.write_bytes(part.read_bytes() + RECORD[:20])
    empty = folder / "trace_0e0000000009_2026-01-01_00_00_00.pcap.part"
    empty.write_bytes(b"")
    foreign = folder / "other.part"
    foreign.write_bytes(b"x")
    os.close(files._lock)
    files._lock = -1
    again = TraceFiles(folder, FREE)
    made.append(again)
    (found,) = again.start(NOW + 5)
    assert (found.why, found.packets, found.mac) == ("recovered", 4, "0e:00:00:00:00:01")
    assert found.path.stat().st_size == found.size == 24 + 4 * len(RECORD)
    assert foreign.exists()
    assert not empty.exists()
    assert again.sizes()[1] == 2, "finished files of before count too"


def test_a_folder_is_one_captures(made: list[TraceFiles], folder: Path) -> None:
    started(made, folder)
    with pytest.raises(OutputError, match="another capture"):
        started(made, folder)


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be used"):
        TraceFiles(tmp_path / "file", FREE)


def test_drops_of_the_kernel_are_told_with_the_file(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder)
    files.kernel_drops = 5
    files.write(f.A, one(), NOW)
    files.kernel_drops = 12
    assert files.close(NOW)[0].missed == 7


def test_a_file_that_is_begun_is_told(made: list[TraceFiles], folder: Path) -> None:
    files = started(made, folder)
    files.write(b"\2\0\0\0\0\1", one(), NOW)
    files.write(b"\2\0\0\0\0\1", one(), NOW)
    ((mac, name),) = files.opened
    assert mac == "02:00:00:00:00:01"
    assert (folder / (name + ".part")).exists()


def test_while_held_no_file_is_finished_for_age_or_size(
    made: list[TraceFiles], folder: Path
) -> None:
    files = started(made, folder, rotate_time=10, rotate_size=1)
    files.write(b"\2\0\0\0\0\1", one(), NOW)
    files.held = True
    assert files.tick(NOW + 100) == []
    assert files.kept() == []
    files.held = False
    (done,) = files.tick(NOW + 101)
    assert files.kept() == [done.path.name]

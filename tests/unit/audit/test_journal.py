"""The journal on a real disk: reopened, torn, tampered with, full."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plugin.audit.chain import Entry
from plugin.audit.journal import Draft, Fault, Journal, JournalError, entries, segments
from plugin.errors import InputError
from tests.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, *values: int, segment_bytes: int = 1 << 20) -> None:
    with Journal(folder, segment_bytes=segment_bytes) as journal:
        for value in values:
            journal.append(time=float(value), kind="k", actor="a", body={"value": value})


def values(folder: Path) -> list[int | str]:
    return [e.reason if isinstance(e, Fault) else int(e.body["value"]) for e in entries(folder)]


def test_what_was_written_is_read_over_restarts_and_segments(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, segment_bytes=100)
    write(tmp_path, 3, segment_bytes=100)
    write(tmp_path)
    write(tmp_path, 4, segment_bytes=100)
    assert values(tmp_path) == [1, 2, 3, 4]
    assert len(segments(tmp_path)) == 4
    read = [e for e in entries(tmp_path) if isinstance(e, Entry)]
    assert [e.number for e in read] == [1, 2, 3, 4]


def test_each_entry_and_each_new_segment_outlives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    with Journal(tmp_path, segment_bytes=100) as journal:
        for value in range(3):
            journal.append(time=float(value), kind="k", actor="a", body={"value": value})
            written = {one.name: one.read_bytes() for one in segments(tmp_path)}
            left = disk.left(tmp_path)
            assert {name: left.get(name) for name in written} == written


def test_a_torn_line_that_was_cut_off_does_not_come_back_with_the_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1, 2)
    (file,) = segments(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole + b"half a li")
    disk = Disk(monkeypatch)
    with Journal(tmp_path) as journal:
        assert journal.torn is not None
        left = disk.left(tmp_path)
        assert (left[file.name], left[journal.torn.name]) == (whole, b"half a li")


@pytest.mark.parametrize("segment_bytes", [100, 450, 1 << 20])
@pytest.mark.parametrize("after", range(7))
def test_reading_begins_after_a_number(tmp_path: Path, after: int, segment_bytes: int) -> None:
    write(tmp_path, *range(1, 7), segment_bytes=segment_bytes)
    expected = list(range(after + 1, 7))
    read = [e.number for e in entries(tmp_path, after=after) if isinstance(e, Entry)]
    assert read == expected


def test_files_before_that_number_are_not_opened_and_the_rest_is_checked(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3, 4, 5, segment_bytes=100)
    files = segments(tmp_path)
    files[0].write_bytes(b"rubbish\n")
    files[3].write_bytes(files[3].read_bytes().replace(b"4.0", b"9.0"))
    found = list(entries(tmp_path, after=2))
    assert [e.number if isinstance(e, Entry) else e.reason for e in found] == [
        3,
        "was changed: its digest is another",
        5,
    ]
    assert [e.number for e in entries(tmp_path, after=4) if isinstance(e, Entry)] == [5]
    assert isinstance(next(entries(tmp_path)), Fault)


def test_only_lines_before_the_number_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3, 4)
    (file,) = segments(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join((lines[0], lines[1], lines[2], lines[0], b"rubbish\n", lines[3])))
    found = list(entries(tmp_path, after=2))
    assert [e.number if isinstance(e, Entry) else e.line for e in found] == [3, 4, 5, 4]
    file.write_bytes(b"".join((lines[0], b"rubbish\n", lines[1])))
    found = list(entries(tmp_path, after=2))
    assert [e.number if isinstance(e, Entry) else e.line for e in found] == [2]


def test_there_is_one_writer(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(JournalError, match=f"process {os.getpid()} writes this"):
        Journal(tmp_path)
    write(tmp_path, 1)  # it let go


def test_a_reader_passes_over_a_line_that_is_being_written(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    (file,) = segments(tmp_path)
    file.write_bytes(file.read_bytes()[:-5])
    assert values(tmp_path) == [1]


@pytest.mark.parametrize("cut", [1, 5, 50, 150])
def test_a_torn_line_is_put_aside_and_the_journal_goes_on(tmp_path: Path, cut: int) -> None:
    write(tmp_path, 1, 2)
    (file,) = segments(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    with Journal(tmp_path) as journal:
        assert journal.torn is not None
        assert journal.torn.read_bytes() == whole.splitlines(keepends=True)[1][:-cut]
        (told,) = journal.told()
        assert f"put into {journal.torn};" in told
        journal.append(time=3, kind="k", actor="a", body={"value": 3})
    assert values(tmp_path) == [1, 3]


def test_a_torn_line_goes_nowhere_that_a_planted_link_points_to(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (file,) = segments(tmp_path)
    torn = b"root:x:0:0"
    file.write_bytes(file.read_bytes() + torn)
    outside = tmp_path / "outside"
    (tmp_path / f"{file.stem}-{file.stat().st_size}.torn").symlink_to(outside)
    with Journal(tmp_path) as journal:
        assert journal.torn is not None
        assert journal.torn.read_bytes() == torn
    assert not outside.exists()


def test_a_crash_right_after_a_new_segment(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, segment_bytes=100)
    (tmp_path / "journal-000000000003.jsonl").touch()
    write(tmp_path, 3, segment_bytes=100)
    assert values(tmp_path) == [1, 2, 3]


OTHER = "has number {} where {} follows, or another before it"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([0, 2], [1, OTHER.format(3, 2)]),
        ([0, 2, 1], [1, OTHER.format(3, 2), 2]),
        ([0, 0, 1, 2], [1, OTHER.format(1, 2), 2, 3]),
        ([1, 2], [OTHER.format(2, 1), 3]),
        ([0, 3, 2], [1, "was changed: its digest is another", 3]),
        ([0, 4, 2], [1, "is no JSON", 3]),
    ],
)
def test_tampering_is_seen_and_nothing_is_appended(
    tmp_path: Path, order: list[int], expected: list[int | str]
) -> None:
    write(tmp_path, 1, 2, 3)
    (file,) = segments(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    lines += [lines[1].replace(b"2.0", b"9.0"), b"rubbish\n"]
    file.write_bytes(b"".join(lines[i] for i in order))
    assert values(tmp_path) == expected
    before = file.read_bytes()
    with pytest.raises(JournalError, match="not whole"):
        Journal(tmp_path)
    assert file.read_bytes() == before


def test_a_full_disk_loses_nothing_and_says_so(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from plugin.audit.journal import Journal, JournalError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
with Journal(Path(sys.argv[1])) as journal:
    try:
        for value in range(100):
            journal.append(time=1.0, kind="k", actor="a", body={"value": value})
    except JournalError as error:
        print(value, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    journal.append(time=1.0, kind="k", actor="a", body={"value": 1000})
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    number, _, text = done.stdout.partition(" ")
    assert "cannot be written: File too large; free space" in text
    assert values(tmp_path) == [*range(int(number)), 1000]


def test_no_journal_and_no_right(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no journal here"):
        list(entries(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "file")


def test_several_entries_are_written_at_once_or_not_at_all(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        drafts = [Draft(1.0, "k", "a", {"value": n}) for n in (1, 2, 3)]
        assert [entry.number for entry in journal.append_all(drafts)] == [1, 2, 3]
        assert journal.append_all([]) == []
        with pytest.raises(ValueError, match="JSON"):
            journal.append_all([drafts[0], Draft(1.0, "k", "a", {"value": float("nan")})])
        journal.append(time=2.0, kind="k", actor="a", body={"value": 4})
    assert values(tmp_path) == [1, 2, 3, 4]
    assert [e.number for e in entries(tmp_path) if isinstance(e, Entry)] == [1, 2, 3, 4]


def test_nothing_is_written_into_a_file_that_was_removed(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(time=1.0, kind="k", actor="a", body={})
        for file in segments(tmp_path / "j"):
            file.unlink()
        with pytest.raises(JournalError, match="was removed while it was written"):
            journal.append(time=2.0, kind="k", actor="a", body={})

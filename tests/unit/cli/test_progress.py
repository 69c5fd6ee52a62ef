from __future__ import annotations

import io
from pathlib import Path

import pytest

from plugin.cli.progress import LARGE_MIB, byte_progress, progress, progress_lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_items_pass_unchanged_and_nothing_is_drawn_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    assert list(progress("abc", total=3, label="x", quiet=False)) == ["a", "b", "c"]
    assert stderr.getvalue() == ""


def test_a_terminal_sees_the_count_and_the_line_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    assert list(progress([1, 2], total=2, label="files", quiet=False)) == [1, 2]
    assert "files [###############...............] 1/2" in stderr.getvalue()
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_a_log_gets_a_line_for_each_part_with_an_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr, clock = io.StringIO(), iter(range(0, 1000, 2))
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("plugin.cli.progress.monotonic", lambda: float(next(clock)))
    items = list(range(6))
    assert list(progress_lines(items, total=6, label="x", quiet=False, parts=2)) == items
    assert stderr.getvalue().splitlines() == [
        "halia: x, fold 1 of 2: 2 of 6, about 8 s left of it",  # early: after 3 s
        "halia: x, fold 1 of 2: 3 of 6, about 6 s left of it",
        "halia: x, fold 2 of 2: 6 of 6, done in 12 s",
    ]


def test_many_parts_share_lines_and_quiet_says_none(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("plugin.cli.progress.monotonic", lambda: 0.0)
    list(progress_lines(range(300), total=300, label="x", quiet=True, parts=300))
    assert stderr.getvalue() == ""
    list(progress_lines(range(300), total=300, label="x", quiet=False, parts=300))
    assert len(stderr.getvalue().splitlines()) == 20


def test_quiet_draws_nothing_and_an_unknown_total_shows_a_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    list(progress([1], total=1, label="x", quiet=True))
    assert stderr.getvalue() == ""
    list(progress([1, 2], total=0, label="x", quiet=False))
    assert "\rx 1" in stderr.getvalue()
    assert "[" not in stderr.getvalue().replace("\x1b[K", "")


def test_only_a_large_file_on_a_terminal_gets_a_byte_bar(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    large = tmp_path / "large.pcap"
    with large.open("wb") as stream:
        stream.truncate((LARGE_MIB + 1) << 20)  # sparse: no byte is written
    small = tmp_path / "small.pcap"
    small.write_bytes(b"x")
    for path, quiet in ((small, False), (large, True), (Path("-"), False)):
        with byte_progress(path, quiet=quiet) as report:
            assert report is None
    assert stderr.getvalue() == ""
    with byte_progress(large, quiet=False) as report:
        assert report is not None
        report(1 << 20)
    assert f"large.pcap MiB [{'.' * 30}] 1/{LARGE_MIB + 1}" in stderr.getvalue()
    assert stderr.getvalue().endswith("\r\x1b[K")

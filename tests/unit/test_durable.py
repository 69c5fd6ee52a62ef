"""Appending whole or not at all. Full disks: see the journal's and the spool's tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from plugin.durable import append, open_new, replace_file, set_aside
from tests.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_appended_follows_what_was_there(tmp_path: Path) -> None:
    file = open_new(tmp_path / "x")
    append(file, b"one")
    append(file, b"two")
    os.close(file)
    assert (tmp_path / "x").read_bytes() == b"onetwo"
    with pytest.raises(FileExistsError):
        open_new(tmp_path / "x")


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = open_new(tmp_path / "x")
    append(file, b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        append(file, b"two")
    os.close(file)
    assert (tmp_path / "x").read_bytes() == b"one"


def test_what_is_set_aside_never_goes_where_something_stands_or_a_link_points(
    tmp_path: Path,
) -> None:
    outside = tmp_path / "outside"
    (tmp_path / "x.torn").symlink_to(outside)
    (tmp_path / "x-2.torn").write_bytes(b"before")
    kept = set_aside(tmp_path / "x.torn", b"torn")
    assert (kept.name, kept.read_bytes()) == ("x-3.torn", b"torn")
    assert not outside.exists()
    assert (tmp_path / "x-2.torn").read_bytes() == b"before"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"one", b"two"):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_what_was_replaced_or_set_aside_outlives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    for content in (b"one", b"two"):
        replace_file(tmp_path / "x", content)
        assert disk.left(tmp_path) == {"x": content}
    set_aside(tmp_path / "y", b"torn")
    assert disk.left(tmp_path) == {"x": b"two", "y": b"torn"}


def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file(tmp_path / "x", b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(tmp_path / "x", b"two")
    assert (tmp_path / "x").read_bytes() == b"one"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_what_a_crash_left_half_written_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".x.new").write_bytes(b"half")
    replace_file(tmp_path / "x", b"whole")
    assert [one.name for one in tmp_path.iterdir()] == ["x"]

"""Appending whole or not at all. Full disks: see the journal's and the spool's tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from plugin.durable import append, open_new, set_aside

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

"""Writing that is on the disk when it returns, and leaves a file as it was when it cannot."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODE, FOLDER_MODE = 0o640, 0o750


def open_new(path: Path) -> int:
    """Make a file to append to, its name on the disk too; gives its descriptor.

    Raises:
        FileExistsError: it is there already.
        OSError: it cannot be made.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    sync_folder(path.parent)
    return file


def set_aside(path: Path, content: bytes) -> Path:
    """Write content to a file of its own beside others; never into one that is there, or a link.

    Returns:
        The file: another name than asked for when that is taken.

    Raises:
        OSError: it cannot be made.
    """
    wanted, numbers = path, count(2)
    while True:
        try:
            write_new(path, content)
        except FileExistsError:
            path = wanted.with_name(f"{wanted.stem}-{next(numbers)}{wanted.suffix}")
        else:
            return path


def write_new(path: Path, content: bytes) -> None:
    """Make a file with this content, its name on the disk too.

    Raises:
        FileExistsError: it is there already.
        OSError: it cannot be made or written.
    """
    file = open_new(path)
    try:
        append(file, content)
    finally:
        os.close(file)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append(file: int, content: bytes) -> None:
    """Write at the end of a file opened to append.

    Raises:
        OSError: it was not written (the disk is full …); the file is as before.
    """
    before = os.fstat(file).st_size
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, before)
        raise


def replace_file(path: Path, content: bytes) -> None:
    """Put content in place of a file, if there is one: a crash leaves the old one or the new one.

    Raises:
        OSError: it cannot be written; the file is as before.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        write_new(fresh, content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)

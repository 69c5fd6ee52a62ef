"""A progress bar on stderr, drawn only for a person who is looking at a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_T = TypeVar("_T")
WIDTH = 30
"""Cells of the bar."""
LARGE_MIB = 64
"""Files from this size on get a bar."""


def progress(items: Iterable[_T], *, total: int, label: str, quiet: bool) -> Iterator[_T]:
    """Pass items on and show how many have gone by.

    Args:
        items: what to go through.
        total: how many there will be; 0 or less shows a bare count.
        label: what they are, in a word or two.
        quiet: draw nothing (``-q``); nor is anything drawn when stderr is no terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    try:
        for done, item in enumerate(items):
            _draw(done, total, label)
            yield item
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


@contextmanager
def byte_progress(path: Path, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show how far into one large file a pass has come.

    Args:
        path: the file; standard input and files under 64 MiB get no bar (they are done at once).
        quiet: draw nothing (``-q``); nor is anything drawn when stderr is no terminal.

    Yields:
        What to call with the bytes taken so far, or None when nothing is to be drawn.
    """
    if quiet or not sys.stderr.isatty() or not path.is_file():
        yield None
        return
    size = path.stat().st_size >> 20
    if size < LARGE_MIB:
        yield None
        return
    try:
        yield lambda done: _draw(done >> 20, size, f"{path.name} MiB")
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _draw(done: int, total: int, label: str) -> None:
    if total > 0:
        full = min(WIDTH, WIDTH * done // total)
        sys.stderr.write(f"\r{label} [{'#' * full}{'.' * (WIDTH - full)}] {done}/{total}")
    else:
        sys.stderr.write(f"\r{label} {done}")
    sys.stderr.flush()

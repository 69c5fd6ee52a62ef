"""A progress bar on stderr, drawn only for a person who is looking at a terminal."""

from __future__ import annotations

import math
import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_T = TypeVar("_T")
WIDTH = 30
"""Cells of the bar."""
LINES_MAX = 20
"""Of progress off a terminal, for one step."""
EARLY = 3.0
"""Seconds after which a first estimate is said, wherever the work stands."""
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


def progress_lines(
    items: Iterable[_T], *, total: int, label: str, quiet: bool, parts: int = 1
) -> Iterator[_T]:
    """Pass items on and say lines, with an estimate, where no bar can be drawn.

    Args:
        items: what to go through.
        total: how many there will be.
        label: what they are, in a word or two.
        quiet: say nothing (``-q``).
        parts: how many parts (outer folds) of about equal size they are in; one has no lines
            but the last, of more than twenty not each has one.
    """
    if quiet:
        yield from items
        return
    begun = monotonic()
    lines = min(parts, LINES_MAX)
    due = [-(-total * (k + 1) // lines) for k in range(lines)]
    early = begun + EARLY
    for done, item in enumerate(items, 1):
        yield item
        now = monotonic()
        if due and done >= due[0]:
            due.pop(0)
        elif now < early or done * 20 < total:  # too little to go by
            continue
        early = math.inf
        left = (now - begun) / done * (total - done)
        fold = f", fold {-(-done * parts // total)} of {parts}" if parts > 1 else ""
        rest = f"about {left:.0f} s left of it" if done < total else f"done in {now - begun:.0f} s"
        sys.stderr.write(f"halia: {label}{fold}: {done} of {total}, {rest}\n")
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

"""Where results go: standard output, or a file that is whole or not there at all.

An output is written beside its place under a temporary name and moved there at the end.
It never replaces a file without ``--force``, and never one of the command's own inputs.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, TextIO

from plugin.errors import OutputError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def text_output(args: argparse.Namespace) -> Iterator[TextIO]:
    """Give the place for a command's text: stdout, or the file of ``--out``.

    Args:
        args: the command's options (``out``, ``force``, ``paths`` are looked at).

    Raises:
        OutputError: the file exists, is an input, or cannot be written.
    """
    out: Path | None = getattr(args, "out", None)
    if out is None or str(out) == "-":
        yield sys.stdout
        return
    inputs: Sequence[Path] = getattr(args, "paths", ())
    with binary_output(out, force=args.force, inputs=inputs) as raw:
        from io import TextIOWrapper

        text = TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)
        try:
            yield text
            text.flush()
        finally:
            text.detach()


@contextmanager
def binary_output(path: Path, *, force: bool, inputs: Sequence[Path] = ()) -> Iterator[BinaryIO]:
    """Give a binary file that takes its place when the block ends well.

    Args:
        path: the file to make.
        force: replace it if it exists.
        inputs: files and directories that the command reads; none of them is ever replaced.

    Raises:
        OutputError: the file exists, is an input, or cannot be written.
    """
    check_output(path, force=force, inputs=inputs)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        stream = temporary.open("xb")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with stream:
            yield stream
        _place(temporary, path, force=force)
    finally:
        temporary.unlink(missing_ok=True)


def check_output(path: Path, *, force: bool, inputs: Sequence[Path] = ()) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        OutputError: it exists and ``force`` is not given, or it is one of ``inputs``, or a
            directory stands there.
    """
    where = str(path)
    if any(_same_file(path, source) for source in inputs):
        raise OutputError("is an input of this command", where=where, advice="choose another --out")
    if path.is_dir():
        raise OutputError("is a directory", where=where, advice="give a file name to --out")
    if not force and (path.exists() or path.is_symlink()):
        raise OutputError("exists already", where=where, advice="add --force to replace it")


def warn(args: argparse.Namespace, message: str) -> None:
    """Say one line on stderr, unless ``-q`` was given."""
    if not getattr(args, "quiet", False):
        sys.stderr.write(f"halia: {printable(message)}\n")


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """Lay out rows in columns, for people.

    Args:
        rows: cells; numbers (and only those) are set to the right.
        header: one name for each column.

    Returns:
        The lines, each ended; a header alone if there are no rows.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(header))
    ]

    def line(row: Sequence[str]) -> str:
        parts = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        return "  ".join(parts).rstrip() + "\n"

    return "".join([line(header), *map(line, cells)])


def _same_file(path: Path, source: Path) -> bool:
    if str(source) == "-":
        return False
    try:
        if source.is_dir():
            return path.is_file() and path.resolve().is_relative_to(source.resolve())
        return path.samefile(source)
    except OSError:
        return False


def _place(temporary: Path, path: Path, *, force: bool) -> None:
    """Move the finished file to its name; without ``force`` only if that is still free."""
    try:
        if not force:
            # A link fails where a file has appeared since the first look; a rename would not.
            path.hardlink_to(temporary)
            return
        temporary.replace(path)
    except FileExistsError as error:
        raise OutputError(
            "has appeared meanwhile", where=str(path), advice="add --force to replace it"
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot be written: {error.strerror}", where=str(path))


def complain(message: str) -> None:
    """Say one line on stderr, ``-q`` or not: something was wrong, and the exit code will say so."""
    sys.stderr.write(f"halia: {printable(message)}\n")

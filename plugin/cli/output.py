"""Where results go: standard output, or a file that is whole or not there at all.

An output is written beside its place under a temporary name and moved there at the end.
It never replaces a file without ``--force``, and never one of the command's own inputs. Devices,
pipes and the like are written to as they are: nothing ever takes their name.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from plugin.cli.inputs import inputs_of
from plugin.errors import OutputError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

STDOUT = "standard output"
_STDOUT_NAMES = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


@contextmanager
def text_output(args: argparse.Namespace) -> Iterator[TextIO]:
    """Give the place for a command's text: stdout, or the file of ``--out``.

    Args:
        args: the command's options (``out``, ``force`` and what names inputs are looked at).

    Raises:
        OutputError: the file exists, is an input, or cannot be written.
    """
    out: Path | None = getattr(args, "out", None)
    if out is None or str(out) == "-" or str(out) in _STDOUT_NAMES:
        yield sys.stdout
        return
    with binary_output(out, force=args.force, inputs=inputs_of(args)) as raw:
        from io import TextIOWrapper

        text = TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)
        try:
            yield text
            text.flush()
        finally:
            with suppress(OSError):  # what is left in it after an error; the error goes on
                text.detach()


@contextmanager
def binary_output(path: Path, *, force: bool, inputs: Sequence[Path] = ()) -> Iterator[BinaryIO]:
    """Give a binary file that takes its place when the block ends well.

    A symbolic link stays, and what it leads to is written. A device or pipe is opened and written.

    Args:
        path: the file to make.
        force: replace it if it exists.
        inputs: files and directories that the command reads; none of them is ever replaced.

    Raises:
        OutputError: the file exists, is an input, or cannot be written.
    """
    check_output(path, force=force, inputs=inputs)
    if _is_special(path):
        with _special(path) as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        stream = temporary.open("xb")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with _written(path, stream):
            yield stream
        _place(temporary, target, force=force)
    finally:
        temporary.unlink(missing_ok=True)


def write_all(
    folder: Path, files: Mapping[Path, bytes], *, force: bool, inputs: Sequence[Path] = ()
) -> None:
    """Write several files in a folder: all of them stand ready before the first takes its place.

    Args:
        folder: where they stand; it is made if it is missing, and goes again if nothing came of it.
        files: what each is to hold.
        force: replace those that exist.
        inputs: what the command reads; none of it is ever replaced.

    Raises:
        OutputError: one exists, is an input, or cannot be written.
    """
    made = not folder.exists()
    parts: dict[Path, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            check_output(path, force=force, inputs=inputs)
            part = path.with_name(f".{os.getpid()}.{len(parts)}.part")
            parts[path] = part
            with part.open("xb") as stream:
                stream.write(content)
        for path, part in parts.items():
            _place(part, path, force=force)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def check_output(path: Path, *, force: bool, inputs: Sequence[Path] = ()) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        OutputError: it exists and ``force`` is not given (a character device or pipe needs none),
            or it is one of ``inputs``, or a directory stands there.
    """
    where = str(path)
    if where in _STDOUT_NAMES:  # the shell has opened it already
        return
    if any(_same_file(path, source) for source in inputs):
        raise OutputError("is an input of this command", where=where, advice="choose another --out")
    try:
        there = _mode(path)
        link = path.is_symlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    if there is not None and stat.S_ISDIR(there):
        raise OutputError("is a directory", where=where, advice="give a file name to --out")
    if there is not None and (stat.S_ISCHR(there) or stat.S_ISFIFO(there)):
        return
    if not force and (there is not None or link):
        raise OutputError("exists already", where=where, advice="add --force to replace it")


def check_folder(path: Path | None) -> None:
    """Refuse an output whose folder is not there, before any work is done for it.

    Raises:
        OutputError: it is not.
    """
    if path is None or str(path) == "-" or path.parent.is_dir():
        return
    raise OutputError("its folder is not there", where=str(path), advice="make it first")


def check_suffix(path: Path, *suffixes: str) -> None:
    """Refuse an output whose name promises another form than it will have.

    Raises:
        OutputError: the name ends otherwise (a device or pipe may have any name).
    """
    if path.suffix.lower() not in suffixes and not _is_special(path):
        raise OutputError(f"is written as {suffixes[0]}", where=str(path), advice="name it so")


def check_outputs(args: argparse.Namespace, *paths: Path | None) -> list[Path]:
    """Refuse any of a command's outputs before work is done for them.

    Args:
        args: the command's options: ``force``, and what names its inputs.
        paths: its outputs; None, and ``-`` for stdout, are no files.

    Returns:
        Its inputs, for :func:`binary_output`.

    Raises:
        OutputError: as :func:`check_output`; or two outputs are one file.
    """
    files = [path for path in paths if path is not None and str(path) != "-"]
    inputs = inputs_of(args) if files else []
    known: set[Path] = set()
    for path in files:
        check_output(path, force=args.force, inputs=inputs)
        place = path.resolve()
        if place in known:
            raise OutputError("is named for two outputs", where=str(path))
        known.add(place)
    return inputs


def json_line(document: object) -> str:
    """One line of ``--json``; what JSON cannot hold (infinity, NaN) is a mistake of ours."""
    return f"{_encode()(document)}\n"


@cache
def _encode() -> Callable[[object], str]:
    import json

    return json.JSONEncoder(allow_nan=False).encode


def warn(args: argparse.Namespace, message: str) -> None:
    """Say one line on stderr, unless ``-q`` was given."""
    if not getattr(args, "quiet", False):
        sys.stderr.write(f"halia: {printable(message)}\n")


def counted(number: int, what: str) -> str:
    """``1 session``, ``2 sessions``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def outcome(args: argparse.Namespace, *, bad: bool, found: bool) -> int:
    """The exit code of a command with ``--device``; that it is nowhere is said on stderr.

    Args:
        args: the command's options.
        bad: an input could not be read, or not to its end.
        found: the device was in one of them.
    """
    from plugin.cli.main import EXIT_INPUT, EXIT_NO, EXIT_OK

    missing = args.device is not None and not found
    if missing:
        warn(args, f"{args.device}: no such device in what was read")
    if bad:
        return EXIT_INPUT
    return EXIT_NO if missing else EXIT_OK


def skip_warner(args: argparse.Namespace) -> Callable[[Path, int], None]:
    """What tells how many files of a directory are no captures, unless ``-q`` was given."""

    def tell(folder: Path, count: int) -> None:
        what = "1 file that is no capture" if count == 1 else f"{count} files that are no captures"
        warn(args, f"{folder}: {what} skipped")

    return tell


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


def _mode(path: Path) -> int | None:
    """What kind of file is there, links followed; None if nothing is."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if path.is_symlink():  # a link that leads in a circle
            return None
        raise


def _is_special(path: Path) -> bool:
    """Whether a device, pipe or socket is there, or our own stdout, which the shell has opened."""
    if str(path) in _STDOUT_NAMES:
        return True
    try:
        there = _mode(path)
    except OSError:
        return False
    return there is not None and not stat.S_ISREG(there) and not stat.S_ISDIR(there)


@contextmanager
def _special(path: Path) -> Iterator[BinaryIO]:
    try:
        if str(path) in _STDOUT_NAMES:
            sys.stdout.flush()
            stream: BinaryIO = os.fdopen(os.dup(1), "wb")
        else:
            stream = path.open("wb")
    except OSError as error:
        raise _unwritable(path, error) from error
    with _written(path, stream):
        yield stream


@contextmanager
def _written(path: Path, stream: BinaryIO) -> Iterator[None]:
    """Close the file after the block; that it is full is told with its name."""
    try:
        with stream:
            yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:  # of another file
            raise
        raise _unwritable(path, error) from error


def _place(temporary: Path, path: Path, *, force: bool) -> None:
    """Move the finished file to its name; without ``force`` only if that is still free."""
    try:
        if not force:
            # A link fails where a file has appeared since the first look; a rename would not.
            _link(temporary, path)
            return
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise OutputError("is no regular file, so it is not replaced", where=str(path))
        temporary.replace(path)
    except FileExistsError as error:
        raise OutputError(
            "has appeared meanwhile", where=str(path), advice="add --force to replace it"
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def _link(temporary: Path, path: Path) -> None:
    """Give the finished file its name if that is free, on file systems without links too.

    Raises:
        FileExistsError: it is not.
    """
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # vfat, many network mounts
        path.touch(exist_ok=False)  # the name is ours now, and only an empty file is replaced
        try:
            temporary.replace(path)
        except OSError:
            path.unlink()
            raise


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot be written: {error.strerror or error}", where=str(path))


def complain(message: str) -> None:
    """Say one line on stderr, ``-q`` or not: something was wrong, and the exit code will say so."""
    with suppress(OSError):  # a full stderr: the exit code still tells
        sys.stderr.write(f"halia: {printable(message)}\n")

"""The options that commands share, spelled the same everywhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plugin.addresses import device_address
from plugin.errors import OptionError

NONE = "none"
"""Of ``--behaviours`` and ``--normal``: look for none."""
SHORTEST = 1e-3
"""Seconds of a window."""
SPAN = "TIME is a number with s, m, h or d (90s, 15m, 1.5h); without one it is seconds"


def common(
    parser: argparse.ArgumentParser,
    *,
    out: bool = True,
    json: bool = True,
    model: bool = False,
    paths: bool = False,
) -> None:
    """Add the options that every command has, and those asked for.

    Args:
        parser: the command's parser; its own options are added before or after.
        out: ``--out FILE`` and ``--force``.
        json: ``--json``.
        model: ``--model NAME|PATH``.
        paths: ``PATH…``, the captures to read (see :func:`input_paths`).
    """
    if paths:
        parser.add_argument(
            "paths",
            nargs="*",
            metavar="PATH",
            type=path,
            help="a capture (pcap, pcapng; .gz .xz .zst too), a directory (all files below it that"
            " begin as a capture does; the others are skipped, and counted on stderr), or - for"
            " standard input, which is also read when no PATH is given and it is no terminal",
        )
    group = parser.add_argument_group("everywhere")
    if json:
        group.add_argument("--json", action="store_true", help="one JSON object a line")
    if out:
        group.add_argument("--out", metavar="FILE", type=path, help="write there, not on stdout")
        group.add_argument("--force", action="store_true", help="replace an output that exists")
    if model:
        group.add_argument(
            "-m",
            "--model",
            metavar="NAME|PATH",
            help="a shipped model by name, or the directory of a model",
        )
    group.add_argument("--config", metavar="FILE", type=path, help="settings (halia.yaml)")
    group.add_argument("-q", "--quiet", action="store_true", help="no warnings, no progress")
    group.add_argument(
        "-v", "--verbose", action="count", default=0, help="tell more (twice: still more)"
    )


def path(text: str) -> Path:
    """Read a path option; an empty one is a mistake, not the current directory."""
    if not text:
        raise argparse.ArgumentTypeError("an empty path")
    try:
        return Path(text).expanduser() if text.startswith("~") else Path(text)
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text}: no such home directory") from error


def device(text: str) -> str:
    """Read ``--device``: a MAC or IP address, as Halia writes it."""
    try:
        return device_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def duration(text: str) -> float:
    """Read a time span such as ``90``, ``90s``, ``15m``, ``2h`` or ``1d`` as seconds."""
    from plugin.settings import units

    try:
        return units.span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def window(text: str) -> float:
    """Read a time span that is a window's length: not 0."""
    seconds = duration(text)
    if seconds < SHORTEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of a window: 1 ms at least")
    return seconds


def size(text: str) -> int:
    """Read a size such as ``4096``, ``64K``, ``100M`` or ``10G`` (1,024 each) as bytes."""
    from plugin.settings import units

    try:
        return units.size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def rate(text: str) -> float:
    """Read a number of things a second, above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return number


def input_paths(args: argparse.Namespace) -> list[Path]:
    """Give the captures to read: those named, else standard input if it is no terminal.

    Returns:
        Paths; ``Path("-")`` stands for standard input.

    Raises:
        OptionError: nothing was named and standard input is a terminal.
    """
    named: list[Path] = args.paths
    if named:
        return named
    if sys.stdin is None or sys.stdin.isatty():
        raise OptionError("no capture was named", advice="give a PATH, or - for standard input")
    return [Path("-")]

"""Options and steps of the commands that ask the daemon."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

from plugin.cli import options

if TYPE_CHECKING:
    import argparse
    from pathlib import Path
    from typing import TextIO


def common(parser: argparse.ArgumentParser, *, out: bool = True) -> None:
    """Add ``--socket`` and what every command has."""
    parser.add_argument(
        "--socket", metavar="PATH", type=options.path,
        help="the daemon's control socket (default: the setting control.socket)",
    )  # fmt: skip
    options.common(parser, out=out)


def socket_of(args: argparse.Namespace) -> Path:
    """The socket to ask.

    Raises:
        SettingsError: the settings are wrong.
    """
    from plugin.settings import load_settings

    settings = load_settings(config=args.config, flags={"control.socket": args.socket})
    return settings.control.socket


def now() -> float:
    """The time, seconds since 1970."""
    return time.time_ns() / 1e9


def width_of(out: TextIO) -> int | None:
    """Columns of the terminal that is written to; None: it is none, nothing need fit."""
    return shutil.get_terminal_size().columns if out.isatty() else None


def coloured(out: TextIO) -> bool:
    """Whether colours are wanted there: at a terminal, unless NO_COLOR says no."""
    return out is sys.stdout and out.isatty() and not os.environ.get("NO_COLOR")


def ago(seconds: float) -> str:
    """A time span in one unit, as people say it: ``5 s``, ``3 min``, ``2 h``, ``4 d``."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"

"""The parser that every command and sub-command uses: argparse, with its start-up cost trimmed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

WIDTH_UNKNOWN = 80


class Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal.

    argparse makes a formatter for each option that is added, and asks shutil for the width:
    that import (with bz2 and lzma) would be a tenth of what ``halia info`` may cost.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=help_width())


class Parser(argparse.ArgumentParser):
    """A parser whose options cannot be abbreviated; its sub-commands are of the same kind.

    Abbreviations would make every new option a change for whoever abbreviated another.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": Help, "allow_abbrev": False, **options})
        # Else `--window -5m` is told as an option without its value. argparse has no public way.
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        """End with one line; argparse would print all options before it."""
        said = " ".join(message.split())
        self.exit(2, f"{self.prog}: {said}; see '{self.prog} --help'\n")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; argparse's own way keeps quiet when it cannot be written."""
        (file or sys.stdout).write(self.format_help())


def help_width() -> int:
    """Tell how wide help may be: COLUMNS, the terminal's width, or 80; less a margin of 2."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns) - 2
    try:
        return (os.get_terminal_size(1).columns or WIDTH_UNKNOWN) - 2
    except OSError:  # stdout is no terminal
        return WIDTH_UNKNOWN - 2

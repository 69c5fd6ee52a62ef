"""The whole command line as one parser, and docs/cli.md made from it.

``python -m plugin.cli.reference`` prints docs/cli.md; a test compares the two.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from plugin.cli import main as frame
from plugin.cli.grammar import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = "100"
"""Width of help texts in the reference, whatever the terminal's."""


_NAMES = """\
File names in outputs (JSON, CSV, Parquet, npz, tables, messages) are printable UTF-8: bytes that
are none, and letters that a terminal would not show, are written as Python escapes (`\\udcff` for
the byte ff, `\\n`, `\\x1b`). `--json` holds no infinite numbers.
"""


def whole_parser() -> argparse.ArgumentParser:
    """Build one parser of all commands (imports each command's module: slow)."""
    parser = Parser(prog="halia")
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, listed in frame.COMMANDS.items():
        command = frame.load(name)
        child = commands.add_parser(name, help=listed.summary, description=command.HELP)
        command.configure(child)
    return parser


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Go through a parser and all its sub-commands, in the order of the help."""
    yield parser
    for child in children(parser).values():
        yield from parsers(child)


def children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Give the sub-commands of a parser by name."""
    # argparse has no public way to them; shtab and sphinx-argparse read the same field.
    for action in parser._actions:  # noqa: SLF001  # see the line above
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as above
            return dict(action.choices)
    return {}


def markdown() -> str:
    """Write docs/cli.md: the help of every command and sub-command."""
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = COLUMNS  # the only way to tell argparse a width
    try:
        parts = [
            "# Command line\n",
            "Made by `python -m plugin.cli.reference > docs/cli.md`; a test compares the two.\n",
            _NAMES,
            f"## halia\n\n```\n{frame.top_help()}```\n",
        ]
        for name in frame.COMMANDS:
            parts += [
                f"## {parser.prog}\n\n```\n{parser.format_help()}```\n"
                for parser in parsers(frame.command_parser(name))
            ]
    finally:
        if width is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = width
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(markdown())

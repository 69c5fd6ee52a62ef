"""``halia policy lint``: what Poseidon itself does wrong with its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.cli import options, output
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.cli.policy_import import files

if TYPE_CHECKING:
    import argparse

HELP = (
    "what Poseidon itself does wrong with its rules.yaml, each with its place; exit code 4 if there"
    " is anything"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    files(parser)
    options.common(parser)


def run(args: argparse.Namespace) -> int:
    """Tell all findings."""
    from plugin.offline.poseidon import lint_files

    findings = lint_files(args.rules, args.acls)
    with output.text_output(args) as out:
        for finding in findings:
            out.write(output.json_line(finding._asdict()) if args.json else f"{finding}\n")
        if not findings and not args.json:
            out.write(f"{args.rules}: Poseidon does with it what it says\n")
    return EXIT_NO if findings else EXIT_OK

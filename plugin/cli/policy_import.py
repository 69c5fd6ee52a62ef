"""``halia policy import``: a policy out of Poseidon's rules."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from plugin.cli import options, output
from plugin.cli.main import EXIT_NO, EXIT_OK

if TYPE_CHECKING:
    from plugin.actions import Action

HELP = (
    "write a policy that does what Poseidon's rules.yaml says, every rule on trial; exit code 4 if"
    " a rule is left out"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    files(parser)
    parser.add_argument(
        "--instead",
        metavar="ACL=ACTION",
        action="append",
        default=[],
        type=_instead,
        help="what to do in place of an ACL, such as no-external=quarantine (again for another)",
    )
    parser.add_argument(
        "--enforce",
        action="store_true",
        help="mode: enforce for each rule that may have it; else all are on trial",
    )
    parser.add_argument("-o", "--out", metavar="FILE", type=options.path, help="write there")
    parser.add_argument("--force", action="store_true", help="replace an output that exists")
    options.common(parser, out=False, json=False)


def files(parser: argparse.ArgumentParser) -> None:
    """Add the files of Poseidon's that are read."""
    parser.add_argument("rules", metavar="RULES", type=options.path, help="Poseidon's rules.yaml")
    parser.add_argument(
        "--acls",
        metavar="ACLS",
        type=options.path,
        help="its acls.yaml; by default the one file that RULES includes, beside RULES",
    )


def run(args: argparse.Namespace) -> int:
    """Write the policy; say what is left out, and what is not the same."""
    from plugin.offline.poseidon import import_files
    from plugin.settings import load_settings

    output.check_outputs(args, args.out)
    written = import_files(
        args.rules,
        args.acls,
        mode="enforce" if args.enforce else "simulate",
        instead=dict(args.instead),
        data=load_settings(config=args.config).data,
    )
    with output.text_output(args) as out:
        out.write(written.text)
    for note in (*written.imported.notes, *written.warnings):
        output.warn(args, note)
    for left in written.imported.left:
        output.complain(f"{left.place}: rules.{left.rule}: left out: {left.reason}")
    return EXIT_NO if written.imported.left else EXIT_OK


def _instead(text: str) -> tuple[str, Action]:
    from plugin.actions import parse_action

    name, sign, action = text.rpartition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r}: ACL=ACTION is expected")
    try:
        return name, parse_action(action)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

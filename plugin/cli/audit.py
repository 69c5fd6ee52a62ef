"""``halia audit``: read the journal, and check that nobody changed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from plugin.audit.journal import Fault, entries
from plugin.cli import options, output
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.records import iso_time

if TYPE_CHECKING:
    import argparse

    from plugin.audit.chain import Entry

HELP = "Read the journal of what Halia did, and check that nobody changed it."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``show`` and ``verify``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = verbs.add_parser(
        "show", help="the entries, oldest first; exit code 4 if it is not whole"
    )
    show.add_argument(
        "folder", metavar="FOLDER", type=options.path, help="where the journal stands"
    )
    show.add_argument("--kind", help="entries of one kind only")
    show.add_argument("--device", metavar="MAC", help="entries about one device only")
    options.common(show)
    verify = verbs.add_parser("verify", help="check every entry; exit code 4 if it is not whole")
    verify.add_argument(
        "folder", metavar="FOLDER", type=options.path, help="where the journal stands"
    )
    options.common(verify)


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    return {"show": _show, "verify": _verify}[args.verb](args)


def _show(args: argparse.Namespace) -> int:
    faults = 0
    with output.text_output(args) as out:
        for entry in entries(args.folder):
            if isinstance(entry, Fault):
                output.complain(str(entry))
                faults += 1
            elif _wanted(entry, args):
                out.write(_line(entry, as_json=args.json))
    return EXIT_NO if faults else EXIT_OK


def _verify(args: argparse.Namespace) -> int:
    last: Entry | None = None
    faults: list[Fault] = []
    for entry in entries(args.folder):
        if isinstance(entry, Fault):
            faults.append(entry)
        else:
            last = entry
    digest = None if last is None else last.digest
    with output.text_output(args) as out:
        if args.json:
            found = [fault._asdict() for fault in faults]
            document = {"entries": last.number if last else 0, "digest": digest, "faults": found}
            out.write(output.json_line(document))
        else:
            for fault in faults:
                out.write(f"{fault}\n")
            state = "not whole" if faults else "whole"
            out.write(f"{state}: {last.number if last else 0} entries, last digest {digest}\n")
    return EXIT_NO if faults else EXIT_OK


def _wanted(entry: Entry, args: argparse.Namespace) -> bool:
    if args.kind is not None and entry.kind != args.kind:
        return False
    return args.device is None or entry.body.get("mac") == args.device.lower()


def _line(entry: Entry, *, as_json: bool) -> str:
    if as_json:
        return entry.line().decode("utf-8", "backslashreplace")
    when = iso_time(round(entry.time) * 1_000_000_000)
    return (
        f"{when}  {entry.number:>8}  {entry.kind:<12} {entry.actor:<12} {json.dumps(entry.body)}\n"
    )

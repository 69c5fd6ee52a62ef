"""``halia audit``: read the journal, check that nobody changed it, make the store from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from plugin.audit.journal import Fault, entries
from plugin.cli import options, output
from plugin.cli.entries import sentence
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import OptionError, install_extra, printable
from plugin.records import iso_second

if TYPE_CHECKING:
    import argparse

    from plugin.audit.chain import Entry

_OURS = "halia"
HELP = "Read the journal of what Halia did, check it, and make the store from it."


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
    project = verbs.add_parser(
        "project", help="bring a store up to the journal; make it anew if it is not this one's"
    )
    project.add_argument(
        "folder", metavar="FOLDER", type=options.path, help="where the journal stands"
    )
    project.add_argument(
        "--store",
        metavar="URL|FILE",
        required=True,
        help="a file for SQLite, postgresql://USER@HOST/DATABASE or mariadb://USER@HOST/DATABASE",
    )
    project.add_argument("--anew", action="store_true", help="make it anew in any case")
    options.common(project, out=False)


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    return {"show": _show, "verify": _verify, "project": _project}[args.verb](args)


def _show(args: argparse.Namespace) -> int:
    faults = shown = 0
    kinds: set[str] = set()
    with output.text_output(args) as out:
        for entry in entries(args.folder):
            if isinstance(entry, Fault):
                output.complain(str(entry))
                faults += 1
                continue
            kinds.add(entry.kind)
            if _wanted(entry, args):
                shown += 1
                out.write(_line(entry, as_json=args.json))
    if args.kind is not None and not shown:
        there = ", ".join(sorted(kinds)) or "none"
        output.warn(args, f"no entry is as wanted; kinds in this journal: {there}")
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


def _project(args: argparse.Namespace) -> int:
    try:
        from plugin.store.follow import Followed, follow, rebuild
    except ModuleNotFoundError as error:
        raise OptionError("a store needs SQLAlchemy", advice=install_extra("live")) from error

    url = args.store if "://" in args.store else options.path(args.store)
    if args.anew:
        store, anew = Followed(rebuild(url, args.folder), "it was made anew")
    else:
        store, anew = follow(url, args.folder)
    with store:
        position, devices, unreadable = store.position(), len(store.devices()), store.unreadable
    if args.json:
        document = {"entries": position, "devices": devices, "unreadable": unreadable, "anew": anew}
        sys.stdout.write(output.json_line(document))
        return EXIT_OK
    if anew is not None and not args.anew:
        output.warn(args, anew)
    sys.stdout.write(f"the store is at entry {position}; devices: {devices}\n")
    if unreadable:
        output.warn(args, f"entries that are not as they should be, and made no row: {unreadable}")
    return EXIT_OK


def _wanted(entry: Entry, args: argparse.Namespace) -> bool:
    if args.kind is not None and entry.kind != args.kind:
        return False
    return args.device is None or entry.body.get("mac") == args.device.lower()


def _line(entry: Entry, *, as_json: bool) -> str:
    if as_json:
        return entry.line().decode("utf-8", "backslashreplace")
    when = iso_second(entry.time)
    body = dict(entry.body)
    about = str(body.pop("mac", None) or "-")
    said = sentence(entry.kind, body)
    by = "" if entry.actor == _OURS else f" (by {entry.actor})"
    return f"{when}  {entry.kind:<8}  {about:<17}  {printable(said + by)}\n"

"""``halia audit``: read the journal, check that nobody changed it, make the store from it.

The journal is read as a file, so the trail of a device can be told while no daemon runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from plugin.audit.journal import Fault, entries
from plugin.cli import options, output
from plugin.cli.entries import about, concerns, diff_of, sentence
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import InputError, OptionError, install_extra, printable
from plugin.records import iso_second

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from plugin.audit.chain import Entry

_OURS = "halia"
_DECISION, _CONFIG = "decision", "config"
_TRAIL = frozenset({_DECISION, "release"})
"""Kinds that tell what was done about a device."""
HELP = "Read the journal of what Halia did, check it, and make the store from it."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``show`` and ``verify``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = verbs.add_parser(
        "show",
        help="what was decided about a device, step by step, or all entries of a journal; oldest"
        " first; exit code 4 if it is not whole",
    )
    show.add_argument(
        "what", metavar="DEVICE|FOLDER", nargs="?",
        help="a device by MAC address, IP address or name; or the folder of a journal",
    )  # fmt: skip
    show.add_argument(
        "--journal", metavar="FOLDER", type=options.path,
        help="where the journal stands (default: journal/ in the setting run.state)",
    )  # fmt: skip
    show.add_argument(
        "--kind", help="entries of one kind only (of a DEVICE, by default: what was decided)"
    )
    show.add_argument("--device", metavar="MAC", help="entries about one device only")
    show.add_argument(
        "--diffs", action="store_true", help="also what was changed in Faucet's files, line by line"
    )
    options.common(show)
    verify = verbs.add_parser("verify", help="check every entry; exit code 4 if it is not whole")
    verify.add_argument(
        "folder", metavar="FOLDER", nargs="?", type=options.path,
        help="where the journal stands (default: journal/ in the setting run.state)",
    )  # fmt: skip
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
    folder, device = _place(args)
    args.folder = folder  # an input: no output may stand there
    wanted = frozenset() if args.kind is None else frozenset({args.kind})
    if device is not None:
        args.device = _mac(folder, device)
        wanted = wanted or _TRAIL | ({_CONFIG} if args.diffs else frozenset())
    faults = shown = 0
    kinds: set[str] = set()
    with output.text_output(args) as out:
        for entry in entries(folder):
            if isinstance(entry, Fault):
                output.complain(str(entry))
                faults += 1
                continue
            kinds.add(entry.kind)
            if _wanted(entry, wanted, args.device):
                shown += 1
                out.write(_line(entry, as_json=args.json))
                if args.diffs and not args.json:
                    out.writelines(f"    {printable(line)}\n" for line in diff_of(entry.body))
    if device is not None and not shown:
        what = "nothing was decided about it" if args.kind is None else f"no entry of {args.kind}"
        output.warn(args, f"{args.device}: {what}")
    elif args.kind is not None and not shown:
        there = ", ".join(sorted(kinds)) or "none"
        output.warn(args, f"no entry is as wanted; kinds in this journal: {there}")
    return EXIT_NO if faults else EXIT_OK


def _place(args: argparse.Namespace) -> tuple[Path, str | None]:
    """The folder to read, and the device that is asked about, if one is.

    Raises:
        OptionError: the same is said twice.
    """
    from plugin.control.whom import mac_in

    folder: Path | None = args.journal
    named = args.what is not None and mac_in(args.what) is None
    if folder is None and named and options.path(args.what).is_dir():
        return options.path(args.what), None
    if args.what is not None and args.device is not None:
        raise OptionError("the device is named twice", where="--device")
    return folder or _folder(args), args.what


def _folder(args: argparse.Namespace) -> Path:
    """Where the settings say that the journal stands."""
    from plugin.settings import load_settings

    return load_settings(config=args.config).run.state / "journal"


def _mac(folder: Path, device: str) -> str:
    """Find whom an address or a name means, by what the journal says of devices.

    Raises:
        InputError: nobody has it; DeniedError: it could be more than one.
    """
    from plugin.control.whom import Known, mac_in, whom

    mac = mac_in(device)
    if mac is not None:
        return mac
    known: dict[str, Known] = {}
    for entry in entries(folder):
        if not isinstance(entry, Fault) and entry.kind == "device":
            body = entry.body
            addresses = [str(one) for one in body.get("addresses") or ()]
            known[str(body.get("mac"))] = Known(str(body.get("mac")), addresses, body.get("name"))
    found = whom(device, known.values())
    if found is None:
        raise InputError(
            "is no folder, and no device that the journal knows",
            where=device,
            advice=f"the journal that was read stands in {folder}",
        )
    return found


def _verify(args: argparse.Namespace) -> int:
    args.folder = args.folder or _folder(args)
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


def _wanted(entry: Entry, kinds: frozenset[str], device: str | None) -> bool:
    """Whether an entry is to be shown; no kinds: all of them."""
    if kinds and entry.kind not in kinds:
        return False
    return device is None or concerns(entry.body, device.lower())


def _line(entry: Entry, *, as_json: bool) -> str:
    if as_json:
        return entry.line().decode("utf-8", "backslashreplace")
    when = iso_second(entry.time)
    body = dict(entry.body)
    mac = about(body) or "-"
    body.pop("mac", None)
    said = sentence(entry.kind, body)
    by = "" if entry.actor == _OURS or entry.kind == _DECISION else f" (by {entry.actor})"
    return f"{when}  {entry.kind:<8}  {mac:<17}  {printable(said + by)}\n"

"""``halia label``: say what the devices of captures are, in a list that train and evaluate read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK
from plugin.cli.output import counted
from plugin.errors import OptionError, printable

if TYPE_CHECKING:
    import argparse

    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.ml.vocabulary import Vocabulary
    from plugin.offline.labelling import List
    from plugin.records import Capture

HELP = "Say what the devices of captures are, in a list that train and evaluate read."
SKIP, STOP = "", "q"
_MOST = 9
"""Roles that are offered by their number."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--label", metavar="LABEL",
        help="what the device is; without it each device is shown, and you are asked",
    )  # fmt: skip
    add_list(parser, "labels.csv in the folder of the first capture")
    parser.add_argument(
        "--device", metavar="MAC|IP", type=options.device,
        help="this device; exit code 4 if it is in none of the captures. By default, with --label"
        " the one that takes part in most sessions of a capture; else all that could be told",
    )  # fmt: skip
    options.common(parser, out=False, model=True, paths=True)
    parser.epilog = (
        "Labels are put into the spelling of configs/roles.yaml; others are yours, and stay as\n"
        "they are. A device that is labelled in a capture already gets the new label. Other\n"
        "columns and rows of the list stay. 'halia train LIST --out MODEL' makes a model of it."
    )


def add_list(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options that say where labels go."""
    parser.add_argument(
        "--list", metavar="FILE.csv", type=options.path,
        help=f"the list that is written, or extended if it is there (default: {default})",
    )  # fmt: skip
    parser.add_argument(
        "--network", metavar="NAME", default="",
        help="where the captures were recorded: for tests that leave networks out",
    )  # fmt: skip


class _Work(NamedTuple):
    """What labels are given with."""

    args: argparse.Namespace
    vocabulary: Vocabulary
    models: list[Model]
    """Asked for suggestions; none where no question is asked."""


def run(args: argparse.Namespace) -> int:
    """Label the devices of every capture."""
    from plugin.errors import CaptureError
    from plugin.ml.vocabulary import FILE, load_vocabulary
    from plugin.offline.classify import load_models, needs_packets
    from plugin.offline.labelling import LIST_NAME, List
    from plugin.offline.read import find_captures, read_capture
    from plugin.settings import data_folder, load_settings

    settings = load_settings(config=args.config, flags={"model": args.model})
    asks = args.label is None
    if Path("-") in args.paths or not args.paths:
        raise OptionError("a list names files: give a PATH that is one", where="label")
    if asks and (args.json or not sys.stdin.isatty()):
        raise OptionError("nobody can be asked here", where="label", advice="give --label LABEL")
    if args.label is not None and not args.label.strip():
        raise OptionError("is empty", where="--label")
    paths = list(find_captures(args.paths, skipped=output.skip_warner(args)))
    if not paths:
        raise OptionError("no capture is there", where=printable(str(args.paths[0])))
    first = args.paths[0] if args.paths[0].is_dir() else paths[0].parent
    labels = List(args.list or first / LIST_NAME, args.network)
    work = _Work(
        args,
        load_vocabulary(data_folder("configs", settings.data) / FILE),
        load_models(settings.model, settings.data) if asks else [],
    )
    found = bad = 0
    for path in paths:
        try:
            capture = read_capture(path, packets=needs_packets(work.models))
        except CaptureError as error:
            output.complain(str(error))
            bad += 1
            continue
        more = _asked(work, labels, path, capture) if asks else _said(work, labels, path, capture)
        if more is None:
            break
        found += more
    return output.outcome(args, bad=bool(bad), found=bool(found)) if not asks else EXIT_OK


def _said(work: _Work, labels: List, path: Path, capture: Capture) -> int:
    """Label the device that was named, or the capture's main one; how many that were."""
    from plugin.offline.labelling import device_in, main_device

    wanted = work.args.device
    mac = main_device(capture) if wanted is None else device_in(capture, wanted)
    if mac is None:
        if wanted is None:
            output.warn(work.args, f"{path}: left out: no device with a session is in it")
        return 0
    put(work.args, labels, path, mac, work.args.label, work.vocabulary)
    return 1


def _asked(work: _Work, labels: List, path: Path, capture: Capture) -> int | None:
    """Ask for each device of a capture; how many were labelled, None: enough of it."""
    from plugin.offline.classify import Options, classify_capture

    options_ = Options(device=work.args.device)
    devices = [one for one in classify_capture(capture, work.models, options_) if one.sessions]
    print(f"{printable(str(path))}: {counted(len(devices), 'device')} with sessions")
    labelled = 0
    for one in sorted(devices, key=lambda verdict: -verdict.packets):
        if one.mac is None:
            continue
        answer = _ask(one, work, labels)
        if answer == STOP:
            return None
        if answer != SKIP:
            put(work.args, labels, path, one.mac, answer, work.vocabulary)
            labelled += 1
    return labelled


def _ask(one: Verdict, work: _Work, labels: List) -> str:
    """Show a device, and ask what it is; and again, if nobody has ever heard of that."""
    addresses = ", ".join(one.ips[:2])
    seen = f"{counted(one.packets, 'packet')}, {counted(one.sessions, 'session')}"
    print(f"  {one.mac}  {addresses}  {seen}")
    offered = [label for label, _ in one.role.likely()][:_MOST]
    for number, (label, p) in enumerate(one.role.likely()[:_MOST], 1):
        print(printable(f"    {number}  {label}  {p:.2f}"))
    question = f"    a number, a label, nothing to leave it out, or {STOP} to stop: "
    while True:
        said = _answer(question)
        if said.isdecimal() and 0 < int(said) <= len(offered):
            return offered[int(said) - 1]
        if said in {SKIP, STOP} or said in offered or _heard_of(said, work.vocabulary, labels):
            return said
        if _answer(f"    {printable(said)} is a new label: is it meant (y/n)? ").lower() in _YES:
            return said


_YES = {"y", "yes"}


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        print()
        return STOP


def _heard_of(said: str, vocabulary: Vocabulary, labels: List) -> bool:
    """Whether a label is in the vocabulary, or in the list already."""
    known = {row.get("label", "").casefold() for row in labels.table.rows}
    words = {vocabulary.unknown.casefold(), *known}
    return vocabulary.find(said) is not None or said.casefold() in words


def put(
    args: argparse.Namespace,
    labels: List,
    path: Path,
    mac: str,
    label: str,
    vocabulary: Vocabulary,
) -> None:
    """Put one label into the list, and say so."""
    from plugin.offline.labelling import spelled

    label = spelled(label.strip(), vocabulary)
    before = labels.put(path, label, mac).before
    if args.json:
        document = {"path": str(path), "mac": mac, "label": label, "before": before}
        print(output.json_line(document | {"list": str(labels.file)}), end="")
        return
    instead = f" (instead of {before})" if before not in {None, label} else ""
    print(printable(f"{path}: {mac} is {label}{instead}: {labels.file}"))

"""``halia lab record``: labs captured and labelled, one for each seed."""

from __future__ import annotations

import argparse
import json
import os
import re
from typing import TYPE_CHECKING

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK
from plugin.errors import OptionError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.lab.record import Bad, Recorded
    from plugin.lab.topology import Topology

HELP = "record labs: captures with their labels, to train with, or a run to replay"
_BAD = re.compile(r"(?P<host>[a-z][a-z0-9-]*):(?P<kind>[a-z-]+)(?:@(?P<after>[\d.]+[smhd]?))?")
_MANY = 64


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "topology", nargs="?", metavar="FILE.yaml", type=options.path,
        help="the topology; its seed is replaced (default: an office made by chance, another for"
        " each seed)",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", metavar="LIST", type=_seeds, default=(1,), help="such as 7, 1-12, 1-4,9 (1)"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=options.path, required=True,
        help="folder of the recordings: SEED/HOST-WINDOW.pcap and labels.csv",
    )  # fmt: skip
    parser.add_argument(
        "--force", action="store_true",
        help="use a folder that is not empty; recordings of the same seeds are replaced",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", metavar="TIME", type=options.window, default=30.0,
        help="length of a window: each host has one capture for each (30s)",
    )  # fmt: skip
    parser.add_argument("--windows", metavar="N", type=_count, default=1, help="windows (1)")
    parser.add_argument("--jobs", metavar="N", type=_count, default=1, help="labs at a time (1)")
    parser.add_argument(
        "--gadgets", metavar="N", type=number, default=1,
        help="unknown gadgets in an office made by chance (1)",
    )  # fmt: skip
    parser.add_argument(
        "--strangers", metavar="N", type=number, default=0,
        help="hosts in an office made by chance that mix services as no profile does; their label"
        " is Unknown, the background of a model (0)",
    )  # fmt: skip
    parser.add_argument(
        "--machines", metavar="N", type=number, default=0,
        help="addresses of a host in an office made by chance that is administered by remote"
        " desktop and WinRM: what a fan-out goes to (0)",
    )  # fmt: skip
    parser.add_argument(
        "--bad", metavar="HOST:KIND[@TIME]",
        help="let a host turn bad, so long after the hook is in place (10s): see 'halia lab bad'",
    )  # fmt: skip
    parser.add_argument("--rate", metavar="N", type=options.rate, help="its steps a second")
    parser.add_argument(
        "--replay", action="store_true",
        help="keep what a replay needs instead: SEED/events.jsonl, mirror.pcap.xz, run.json",
    )  # fmt: skip
    parser.add_argument(
        "--controller", metavar="NAME|PATH", default="c65faucet",
        help="c65faucet (default), faucet, or an environment that has bin/faucet",
    )  # fmt: skip
    options.common(parser, out=False)


def run(args: argparse.Namespace) -> int:
    """Record; a line for each lab."""
    from plugin.lab.record import Wishes
    from plugin.lab.recordings import record_all

    topologies = [_topology(args, seed) for seed in args.seeds]
    bad = None if args.bad is None else _bad(args.bad, args.rate, topologies[0])
    _check_folder(args.out, force=args.force)
    wishes = Wishes(
        seconds=args.seconds,
        windows=args.windows,
        bad=bad,
        replay=args.replay,
        controller=args.controller,
    )

    def told(one: Recorded) -> None:
        if one.missed:
            output.warn(args, f"seed {one.seed}: {one.missed:,} frames were missed")
        counts = {"captures": len(one.rows), "frames": one.frames, "missed": one.missed}
        if args.json:
            print(json.dumps({"seed": one.seed, **counts, "seconds": one.seconds}), flush=True)
        elif not args.quiet:
            line = f"seed {one.seed}: {len(one.rows)} captures, {one.frames:,} frames"
            print(f"{line}, {one.seconds:g} s", flush=True)

    record_all(topologies, args.out, wishes, jobs=args.jobs, told=told)
    return EXIT_OK


def _topology(args: argparse.Namespace, seed: int) -> Topology:
    from plugin.lab import load_topology
    from plugin.lab.offices import office, reseeded

    if args.topology is None:
        more = {"gadgets": args.gadgets, "strangers": args.strangers, "machines": args.machines}
        return office(seed, **more)
    return reseeded(load_topology(args.topology), seed)


def _bad(text: str, rate: float | None, topology: Topology) -> Bad:
    """Read who turns bad; refuse what the first lab has not, before any lab is made."""
    from plugin.lab import bad
    from plugin.lab.record import Bad

    found = _BAD.fullmatch(text)
    if found is None:
        raise OptionError(f"{text!r} is not HOST:KIND or HOST:KIND@TIME", where="--bad")
    bad.plan(topology, found["host"], found["kind"])
    return Bad(found["host"], found["kind"], options.duration(found["after"] or "10s"), rate)


def _check_folder(folder: Path, *, force: bool) -> None:
    """Make the folder of the recordings, before any lab is made for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = not any(folder.iterdir())
    except OSError as error:
        raise OutputError(
            f"the folder cannot be made: {error.strerror}", where=str(folder)
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError("nothing can be written into this folder", where=str(folder))
    if not force and not empty:
        raise OptionError(
            "is not empty", where=str(folder), advice="choose another --out, or add --force"
        )


def _seeds(text: str) -> tuple[int, ...]:
    from plugin.lab.recordings import read_seeds

    try:
        return read_seeds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    count = number(text)
    if not count:
        raise argparse.ArgumentTypeError("at least one is expected")
    return count


def number(text: str) -> int:
    """Read a small whole number (an argparse type)."""
    if not (text.isascii() and text.isdigit() and int(text) <= _MANY):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number up to {_MANY}")
    return int(text)

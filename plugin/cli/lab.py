"""``halia lab``: a whole network on this machine, to try things in."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.cli import lab_record, lab_watch, options, output
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import LabError, OptionError
from plugin.lab.bad import KINDS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from plugin.lab import Lab
    from plugin.lab.topology import Topology

HELP = "A whole network in namespaces of its own: a switch, Faucet, hosts that work or turn bad."
NAME = "lab"
BASE = "/tmp/halia-lab"  # noqa: S108 - whose it is is checked
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,23}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``up``, ``exec``, ``bad``, ``status``, ``down``, ``watch`` and ``record``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    up = verbs.add_parser("up", help="make a lab; it runs in the background")
    up.add_argument(
        "topology", nargs="?", metavar="FILE.yaml", type=options.path,
        help="the topology (default: configs/lab/office.yaml, which comes with Halia)",
    )  # fmt: skip
    up.add_argument(
        "--office", metavar="SEED", type=_seed,
        help="an office made by chance instead: the demo's network of this seed",
    )  # fmt: skip
    up.add_argument(
        "--machines", metavar="N", type=lab_record.number, default=0,
        help="and in that office N machines that are administered by remote desktop and WinRM,"
        " which 'halia lab bad HOST fan-out' goes to (0)",
    )  # fmt: skip
    up.add_argument(
        "--controller", metavar="NAME|PATH", default="c65faucet",
        help="c65faucet (default), faucet, or an environment that has bin/faucet",
    )  # fmt: skip
    up.add_argument("--rabbit", action="store_true", help="start a RabbitMQ too")
    up.add_argument("--idle", action="store_true", help="hosts run no services and no clients")
    _common(up)
    execute = verbs.add_parser(
        "exec", help="run a command on a host; exit code: the command's, or 128 and its signal"
    )
    execute.add_argument("host", metavar="HOST", help="a host's name; - is beside the switch")
    execute.add_argument("command", metavar="CMD", nargs="+", help="the command, after --")
    _common(execute, json=False)
    bad = verbs.add_parser("bad", help="let a host turn bad, or calm it")
    bad.add_argument("host", metavar="HOST", help="a host's name")
    bad.add_argument(
        "kind", metavar="KIND", nargs="?", choices=tuple(KINDS),
        help=f"{', '.join(KINDS)}; without it the host is calmed",
    )  # fmt: skip
    bad.add_argument("--target", metavar="HOST", help="to whom (default: one that fits)")
    bad.add_argument(
        "--for", dest="seconds", metavar="TIME", type=options.duration,
        help="how long, such as 90s or 5m (default: until it is calmed)",
    )  # fmt: skip
    bad.add_argument(
        "--rate", metavar="N", type=options.rate, help="steps a second, instead of the kind's own"
    )
    _common(bad)
    status = verbs.add_parser(
        "status", help="hosts, ports, MACs, services; exit code 4 if no lab is up"
    )
    _common(status)
    down = verbs.add_parser("down", help="remove a lab: every process, network and file")
    down.add_argument("--all", action="store_true", help="every lab of this user")
    _common(down)
    watch = verbs.add_parser("watch", help=lab_watch.HELP)
    lab_watch.configure(watch)
    _common(watch, json=False)
    lab_record.configure(verbs.add_parser("record", help=lab_record.HELP))


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    verbs = {"up": _up, "exec": _exec, "bad": _bad, "status": _status, "down": _down}
    more = {"record": lab_record.run, "watch": _watch}
    return {**verbs, **more}[args.verb](args)


def _watch(args: argparse.Namespace) -> int:
    return lab_watch.run(args, _attached(args))


def _common(parser: argparse.ArgumentParser, *, json: bool = True) -> None:
    parser.add_argument(
        "--name", metavar="NAME", type=_name, default=NAME, help=f"which lab (default: {NAME})"
    )
    options.common(parser, out=False, json=json)


def _name(text: str) -> str:
    import argparse

    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: up to 24 letters, digits and _ . - are expected"
        )
    return text


def _seed(text: str) -> int:
    from plugin.lab.recordings import read_seeds

    try:
        (seed,) = read_seeds(text)
    except ValueError as error:
        import argparse

        raise argparse.ArgumentTypeError(f"{text!r} is no seed such as 7") from error
    return seed


def base_folder(*, make: bool = False) -> Path:
    """Give the folder of this user's labs, made if that is wanted.

    Raises:
        LabError: somebody else has put something in its place.
    """
    # Not XDG_RUNTIME_DIR: it lies under /run, which a lab covers with one of its own.
    base = Path(f"{BASE}-{os.geteuid()}")
    if make:
        base.mkdir(mode=0o711, exist_ok=True)
    elif not base.exists():
        return base
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise LabError("is not this user's own folder", where=str(base), advice="remove it")
    return base


def _up(args: argparse.Namespace) -> int:
    from plugin.lab import Lab, control

    if args.office is not None and args.topology is not None:
        raise OptionError("a FILE.yaml or --office, not both", where="--office")
    if args.machines and args.office is None:
        raise OptionError("is for an office made by chance: with --office", where="--machines")
    folder = base_folder(make=True) / args.name
    if control.is_held(folder):
        raise OptionError("is up already", where=args.name, advice="choose another --name")
    remove_stale(folder)
    lab = Lab(
        _topology(args),
        controller=args.controller,
        rabbit=args.rabbit,
        activity=not args.idle,
        folder=folder,
        name=args.name,
        progress=lambda line: output.warn(args, _told(line)) if args.verbose else None,
    )
    try:
        lab.up(detached=True)
    except LabError:
        _tidy()
        raise
    document = lab.status()
    if args.json:
        print(json.dumps(document))
    else:
        print(f"lab '{args.name}' is up: {len(document['hosts'])} hosts, files in {folder}")
        which = "" if args.name == NAME else f" --name {args.name}"
        print(f"see 'halia lab status{which}'; remove it with 'halia lab down{which}'")
    return EXIT_OK


def _topology(args: argparse.Namespace) -> Topology | Path:
    from plugin.lab.offices import office
    from plugin.settings import data_folder, load_settings

    if args.office is not None:
        return office(args.office, machines=args.machines)
    file: Path | None = args.topology
    settings = load_settings(config=args.config)
    return file or data_folder("configs", settings.data) / "lab" / "office.yaml"


def _told(line: Mapping[str, Any]) -> str:
    more = ", ".join(f"{key} {value}" for key, value in line.items() if key != "phase")
    return f"{line['phase']} is up" + (f" ({more})" if more else "")


def _exec(args: argparse.Namespace) -> int:
    import subprocess

    from plugin.lab import daemons

    lab = _attached(args)
    words = lab.command(None if args.host == "-" else args.host, args.command)
    environment = daemons.base_environment()
    try:
        code = subprocess.run(words, env=environment, check=False).returncode  # noqa: S603 - asked for
    except OSError as error:
        raise LabError(f"cannot be run: {error.strerror}", where=words[0]) from error
    return lab_watch.shell_code(code)


def _bad(args: argparse.Namespace) -> int:
    lab = _attached(args)
    if args.kind is None:
        lab.calm(args.host)
        document: Mapping[str, Any] = {"host": args.host, "calm": True}
        told = f"{args.host} is calm"
    else:
        wishes = {"target": args.target, "seconds": args.seconds, "rate": args.rate}
        given = {key: value for key, value in wishes.items() if value is not None}
        document = lab.turn_bad(args.host, args.kind, **given)
        told = (
            f"{args.host}: {args.kind} against {document['target']}, {document['rate']:g} a second"
        )
    print(json.dumps(document) if args.json else told)
    return EXIT_OK


def _status(args: argparse.Namespace) -> int:
    from plugin.lab import control

    folder = base_folder() / args.name
    if control.first_pid(folder) is None:
        _say_none(args)
        return EXIT_NO
    document = _attached(args).status()
    if args.json:
        print(json.dumps(document))
        return EXIT_OK
    print(_page(document), end="")
    return EXIT_OK


def _down(args: argparse.Namespace) -> int:
    from plugin.lab import Lab, control

    base = base_folder()
    names = _names() if args.all else [args.name]
    stale = [folder.name for folder in _folders()] if args.all else [args.name]
    down = [name for name in names if control.first_pid(base / name) is not None]
    for name in down:
        Lab.attach(base / name).down()
    gone = [name for name in {*down, *stale} if remove_stale(base / name) or name in down]
    if not gone and not args.all:
        _say_none(args)
    _tidy()
    if args.json:
        print(json.dumps({"down": sorted(gone)}))
    return EXIT_OK


def _say_none(args: argparse.Namespace) -> None:
    names = ", ".join(_names()) or "none"
    output.warn(args, f"{args.name}: no lab is up; labs that are: {names}")


def _tidy() -> None:
    """Remove the folder of labs once it is empty."""
    with contextlib.suppress(OSError):
        base_folder().rmdir()


def remove_stale(folder: Path) -> bool:
    """Remove what a lab left whose first process was killed together with its maker."""
    import shutil

    from plugin.lab import control

    if not folder.is_dir() or folder.is_symlink() or control.is_held(folder):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _attached(args: argparse.Namespace) -> Lab:
    from plugin.lab import Lab

    return Lab.attach(base_folder() / args.name)


def _names() -> list[str]:
    from plugin.lab import control

    folders = _folders()
    return [folder.name for folder in folders if control.first_pid(folder) is not None]


def _folders() -> list[Path]:
    base = base_folder()
    return sorted(base.iterdir()) if base.is_dir() else []


def _page(document: Mapping[str, Any]) -> str:
    alive = [d["name"] for d in document["daemons"] if d["alive"]]
    dead = [d["name"] for d in document["daemons"] if not d["alive"]]
    lines = [
        f"lab '{document['name']}' ({document['topology']}), up {document['up_seconds']:g} s",
        f"files: {document['folder']}",
        f"faucet: {document['faucet_yaml']}, page {document['prometheus']}",
        f"events: {document['event_socket']}",
        f"broker: {document['broker'] or 'none (see halia lab up --rabbit)'}",
        f"running: {', '.join(alive)}" + (f"; NOT running: {', '.join(dead)}" if dead else ""),
        "",
    ]
    rows = [
        (
            host["host"],
            host["mac"],
            " ".join(a.partition("/")[0] for a in host["addresses"]) or "-",
            f"{host['switch']}/{host['port']}",
            host["vlan"] or ("(mirror)" if host["collector"] else "-"),
            host["profile"] or "-",
            " ".join(f"{s['name']}:{s['port']}" for s in host["services"]) or "-",
            "bad: " + ", ".join(host["bad"]) if host["bad"] else _doing(host),
        )
        for host in document["hosts"]
    ]
    header = ("host", "mac", "addresses", "port", "vlan", "profile", "services", "does")
    return "\n".join(lines) + "\n" + output.table(rows, header)


def _doing(host: Mapping[str, Any]) -> str:
    return "active" if host["active"] else "idle"

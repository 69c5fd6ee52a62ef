"""``halia faucet``: put the hook into Faucet's configuration, take it out, tell how it stands."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from plugin.cli import options, output
from plugin.cli.main import EXIT_NO, EXIT_OK, EXIT_PEER

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.faucet.hook import Options
    from plugin.faucet.install import Plan, Refusal
    from plugin.offline.faucet import Applied, Place, Running
    from plugin.settings.groups import FaucetSettings

HELP = "Install the hook in Faucet's configuration, remove it, show what it covers."
MODES = ("vlan", "tail", "out", "port", "none")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``install``, ``remove`` and ``status``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    install = verbs.add_parser(
        "install", help="show what would change in faucet.yaml; do it if so told"
    )
    _file(install)
    install.add_argument(
        "--collector", metavar="PORT",
        help="the port that copies go to, by name or number (default: the only output_only one)",
    )  # fmt: skip
    install.add_argument(
        "--mirror", choices=MODES,
        help="where all is mirrored: at the VLANs, at the tail of ports without ACLs, where it"
        " leaves a VLAN, by Faucet's port mirror (the last resort: frames come twice), or nowhere:"
        " then a budget can have devices watched in turn (default: as your own ACLs allow)",
    )  # fmt: skip
    install.add_argument(
        "--ignore-vlan", metavar="VID", type=_vid, action="append", default=[],
        help="a VLAN that is not mirrored, in modes vlan and out; may be given again",
    )  # fmt: skip
    install.add_argument(
        "--quarantine-vid", metavar="VID", type=_vid,
        help="VLAN for quarantined ports; declared if it is not (default: 666; 0: none)",
    )  # fmt: skip
    install.add_argument(
        "--remediation", metavar="DP:PORT", help="port of the server that helps isolated devices"
    )
    _changing(install)
    remove = verbs.add_parser(
        "remove", help="take the hook out again: to the byte if nobody edited"
    )
    _file(remove)
    _changing(remove)
    status = verbs.add_parser(
        "status",
        help="coverage of each port, drift, who shadows whom; exit code 4 if not as it should",
    )
    _file(status)
    options.common(status)


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=options.path, metavar="FAUCET.YAML",
        help="Faucet's root configuration (default: the setting faucet.config)",
    )  # fmt: skip


def _changing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show it and do nothing")
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    reaching(parser)
    options.common(parser, out=False)


def reaching(parser: argparse._ActionsContainer) -> None:
    """Add how the running Faucet is reached."""
    parser.add_argument(
        "--faucet", metavar="FOLDER", type=options.path,
        help="the Python environment that has Faucet's check_faucet_config (default: the"
        " setting faucet.environment, else on PATH, else beside the running Faucet)",
    )  # fmt: skip
    parser.add_argument(
        "--pid", type=int, metavar="PID",
        help="the Faucet to signal (default: the one here that reads the file)",
    )  # fmt: skip
    parser.add_argument("--no-reload", action="store_true", help="write, but signal nobody")
    parser.add_argument(
        "--prometheus", metavar="URL",
        help="Faucet's Prometheus page, asked whether it has loaded the files (default: the"
        " setting faucet.page where it is set, else as the running Faucet's environment says)",
    )  # fmt: skip


def _vid(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 4095):  # noqa: PLR2004  # IEEE 802.1Q
        raise argparse.ArgumentTypeError(f"{text!r} is no VLAN number (0 to 4094)")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    from plugin.offline.faucet import read_place
    from plugin.settings import load_settings

    wanted = load_settings(config=args.config, flags={"faucet.config": args.file}).faucet
    place = read_place(wanted.config)
    if args.verb == "status":
        return _status(args, place)
    return {"install": _install, "remove": _remove}[args.verb](args, place, running(args, wanted))


def _install(args: argparse.Namespace, place: Place, running: Running) -> int:
    from plugin.offline import faucet

    plan = faucet.installation(place, _options(args), running)
    return _carry_out(args, place, plan, lambda p: faucet.install(place, p, running))


def _remove(args: argparse.Namespace, place: Place, running: Running) -> int:
    from plugin.offline import faucet

    return _carry_out(
        args, place, faucet.removal(place), lambda p: faucet.remove(place, p, running)
    )


def _options(args: argparse.Namespace) -> Options:
    from plugin.faucet.hook import Options

    return Options(
        collector=args.collector,
        mode=args.mirror,
        quarantine_vid=args.quarantine_vid,
        remediation=args.remediation,
        ignored_vlans=frozenset(args.ignore_vlan),
    )


def running(args: argparse.Namespace, wanted: FaucetSettings) -> Running:
    """How Faucet is reached: options before settings."""
    from plugin.offline.faucet import Running
    from plugin.settings.table import BY_KEY

    # The setting's default is a guess; the running Faucet knows its own page.
    said = None if wanted.page == BY_KEY["faucet.page"].default else wanted.page
    return Running(
        environment=args.faucet or wanted.environment,
        pid=args.pid,
        reload=not args.no_reload,
        page=args.prometheus or said,
    )


def _carry_out(
    args: argparse.Namespace,
    place: Place,
    plan: Plan | Refusal,
    apply: Callable[[Plan], Applied],
) -> int:
    """Show, ask, do, tell."""
    from plugin.faucet.install import Refusal

    if isinstance(plan, Refusal):
        return _refused(args, place, plan)
    changed = plan.new_text != plan.text
    if not args.json:
        _show(place, plan)
    if changed and not args.dry_run and not args.yes and not _agreed(args):
        return EXIT_NO
    outcome = apply(plan) if changed and not args.dry_run else None
    if args.json:
        said = {"file": str(place.root), "verb": args.verb, "changed": changed}
        written = {} if outcome is None else outcome._asdict()
        print(json.dumps({**said, "diff": plan.diff, "notes": list(plan.notes), **written}))
    elif outcome is not None:
        print(_told(place, outcome))
    return EXIT_PEER if outcome is not None and outcome.loaded is False else EXIT_OK


def _refused(args: argparse.Namespace, place: Place, plan: Refusal) -> int:
    if args.json:
        said = {"file": str(place.root), "verb": args.verb, "refused": list(plan.reasons)}
        print(json.dumps(said))
    for reason in plan.reasons:
        output.complain(f"{place.root}: {reason}")
    return EXIT_NO


def _show(place: Place, plan: Plan) -> None:
    sys.stdout.write(plan.diff)
    for note in plan.notes:
        print(f"* {note}")
    if plan.new_text == plan.text:
        print(f"{place.root}: nothing to do")


def _agreed(args: argparse.Namespace) -> bool:
    if args.json or not sys.stdin.isatty():
        output.complain("nothing was written: say --yes, or answer at a terminal")
        return False
    return input("Do it? [y/N] ").strip().lower() in {"y", "yes"}


def _told(place: Place, outcome: Applied) -> str:
    if outcome.loaded is None:
        return f"{place.root}: written; no running Faucet was asked whether it has loaded it"
    if outcome.loaded:
        return f"{place.root}: written, and loaded by Faucet"
    return (
        f"{place.root}: written, but Faucet does not list it as loaded: look at Faucet's log;"
        " until then what was loaded before is in force"
    )


def _status(args: argparse.Namespace, place: Place) -> int:
    from plugin.offline.faucet import status

    found = status(place)
    with output.text_output(args) as out:
        if args.json:
            for port in found.ports:
                out.write(json.dumps(port._asdict()) + "\n")
            rest = {"file": str(place.root), "installed": found.installed}
            lists = {"problems": list(found.problems), "shadows": list(found.shadows)}
            out.write(json.dumps({**rest, **lists, "notes": list(found.notes)}) + "\n")
        else:
            rows = [
                (
                    p.dp,
                    p.port,
                    _yes(p.hooked),
                    _yes(p.mirrored),
                    p.why or " ".join(map(str, p.chain)),
                )
                for p in found.ports
            ]
            header = ("datapath", "port", "hooked", "mirrored", "chain, or why not")
            out.write(output.table(rows, header))
            out.writelines(f"! {problem}\n" for problem in found.problems)
            out.writelines(f"~ {shadow}\n" for shadow in found.shadows)
            out.writelines(f"* {note}\n" for note in found.notes)
            if not found.installed:
                out.write("the hook is not installed\n")
    return EXIT_NO if found.problems or not found.installed else EXIT_OK


def _yes(said: bool) -> str:
    return "yes" if said else "no"

"""``halia release``: let an isolated device out, or all of them, with the daemon or without it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from plugin.cli import asking, faucet, options, ordering, output
from plugin.cli.main import EXIT_NO, EXIT_OK, EXIT_PEER
from plugin.errors import OptionError, PeerError, printable

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from plugin.offline.release import Done

HELP = "Let a device out of its isolation, or all: also when no daemon runs."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "When no daemon runs, this command itself changes journal and Faucet's file; the next start"
        " knows.\nexit codes: 0 released, 3 the daemon or Faucet is away, or it is not proven in"
        " time, 4 refused"
    )
    parser.add_argument(
        "device", metavar="DEVICE", nargs="?", help="its MAC address, IP address or name"
    )
    parser.add_argument("--all", action="store_true", help="everybody who is isolated")
    ordering.reason(parser)
    ordering.waiting(parser)
    alone = parser.add_argument_group("when no daemon runs")
    alone.add_argument(
        "--anyway", action="store_true",
        help="with --all: do it though the journal, or Halia's file, is damaged",
    )  # fmt: skip
    alone.add_argument(
        "--file", metavar="FAUCET.YAML", type=options.path,
        help="Faucet's root configuration (default: the setting faucet.config)",
    )  # fmt: skip
    faucet.reaching(alone)
    asking.common(parser, out=False)


def run(args: argparse.Namespace) -> int:
    """Ask the daemon; without one do it here."""
    if (args.device is None) is not args.all:
        both = "either a DEVICE or --all, not both" if args.all else "needs a DEVICE, or --all"
        raise OptionError(both, where="release")
    if args.anyway and not args.all:
        raise OptionError("only goes with --all", where="--anyway")
    socket = asking.socket_of(args)
    try:
        cases = ordering.ask(socket, "decisions")
    except PeerError as error:
        return _alone(args, error)
    return _ordered(args, socket, cases)


def _ordered(args: argparse.Namespace, socket: Path, cases: list[dict[str, Any]]) -> int:
    """Have the daemon do it."""
    from plugin.cli.case_rows import PROVABLE

    devices = ordering.ask(socket, "devices")
    standing = [case for case in cases if case["state"] in PROVABLE]
    mac = None
    if args.all:
        lines = [ordering.step_line(case) for case in standing]
        question = f"Release all {len(standing)}?"
    else:
        mac = ordering.meant(args.device, devices, cases)
        if mac is None:
            output.complain(f"{args.device}: no such device is known; see 'halia decisions list'")
            return EXIT_NO
        lines, question = ordering.who(mac, devices), "Release it?"
    if not ordering.agreed(args, lines, question):
        return EXIT_NO
    steps = ordering.ask(socket, "release", key=mac, reason=args.reason)
    numbers = frozenset(step["case"]["number"] for step in steps)
    if not numbers:
        output.warn(args, "nobody was isolated")
        return EXIT_OK
    ended = [step["case"] for step in steps]
    if not any(case["state"] == "releasing" for case in ended):
        words = "ended; nothing of it stood at a switch"
        return ordering.tell(args, ordering.Reached(settled=True, code=EXIT_OK, words=words), ended)
    read = any(case["proof"] == "proven" for case in standing if case["number"] in numbers)
    probe = ordering.ask(socket, "status")[0].get("probe")
    problem = None if probe is None else str(probe["problem"] or "")
    read = read or problem == ""
    reached, now = ordering.wait(
        lambda: ordering.ask(socket, "decisions", all=True),
        lambda seen: ordering.release_reached(numbers, seen, read=read, problem=problem),
        args.timeout,
    )
    return ordering.tell(args, reached, [case for case in now if case["number"] in numbers])


def _alone(args: argparse.Namespace, away: PeerError) -> int:
    """Do it on journal and files."""
    from plugin.offline.absence import probing
    from plugin.offline.release import Ways, Wish, release
    from plugin.settings import load_settings

    settings = load_settings(config=args.config, flags={"faucet.config": args.file})
    output.warn(args, f"{away.where}: {away.reason}: working on journal and files alone")
    journal = settings.run.state / "journal"
    if not args.yes:
        lines, question = _hit(args, settings.faucet.config, journal)
        if not ordering.agreed(args, lines, question):
            return EXIT_NO
    ways = Ways(
        settings.faucet.config,
        journal,
        faucet.running(args, settings.faucet),
        probing(settings.faucet.probe),
        args.timeout,
        asking.now,
    )
    wish = Wish(None if args.all else args.device, args.reason, args.anyway)
    return _tell(args, release(ways, wish), read=ways.probe is not None)


def _hit(args: argparse.Namespace, config: Path, journal: Path) -> tuple[list[str], str]:
    """Whom it hits, a line each, and the question.

    Raises:
        DeniedError: the device is not isolated, or more than one could be meant.
    """
    from plugin.offline.standing import standing

    found = standing(config, journal)
    if args.device is not None and found.known is None:
        return [], f"Release {args.device}, without the daemon?"  # the release says what is wrong
    cases, caseless = found.hit(args.device)
    lines = [ordering.step_line(case) for case in cases]
    lines += [printable(f"{mac}  isolated by Faucet's files, without a case") for mac in caseless]
    lines += [printable(f"not read: {one}") for one in found.unread]
    who = "it" if args.device is not None else f"all {len(cases) + len(caseless)}"
    return lines, f"Release {who}, without the daemon?"


def _tell(args: argparse.Namespace, done: Done, *, read: bool) -> int:
    """Say what came of it; gives the exit code.

    Args:
        args: the options.
        done: what was done.
        read: whether switches are read here.
    """
    applied = done.freed.applied
    if args.json:
        document = {
            "released": list(done.macs), "cases": done.cases, "gone": done.absence.gone,
            "reached": done.absence.words, "written": applied.written, "loaded": applied.loaded,
            "unnoted": done.unnoted,
        }  # fmt: skip
        sys.stdout.write(output.json_line(document))
    else:
        # A rule of a cookie of ours may match anybody: then it is not said that nobody was hit.
        out = any(line.startswith("-    - ") for line in done.freed.diff.splitlines())
        nobody = "rules that name no device" if out else "nobody was isolated there"
        freed = ", ".join(done.macs) or nobody
        if done.open > done.cases:
            freed += f" (let out before: {done.open - done.cases})"
        print(printable(f"out of Faucet's file: {freed}"))
        print(f"cases ended in the journal: {done.cases}")
        print(printable(done.absence.words))
    if done.unnoted is not None:
        output.warn(args, f"the journal has no word of it: {done.unnoted}")
    # Where no switch is read and nobody was isolated there is nothing that could be gone.
    nothing = not done.macs and not done.open and not read
    return EXIT_OK if done.absence.gone or nothing else EXIT_PEER

"""``halia isolate``: isolate a device, and say honestly how far that has come."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from plugin.cli import asking, ordering, output
from plugin.cli.main import EXIT_NO

if TYPE_CHECKING:
    from plugin.actions import Action

HELP = "Isolate a device by hand; waits until it is proven at the switches."
_AS = "quarantine|revlan:NAME|block|limit:RATE"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "exit codes: 0 proven (or loaded, where no switch is read: that is said), 3 the daemon or"
        " Faucet is away, or it is not proven in time, 4 refused"
    )
    parser.add_argument("device", metavar="DEVICE", help="its MAC address, IP address or name")
    parser.add_argument(
        "--action", dest="action", metavar=_AS, type=_action, required=True,
        help="quarantine: only what the policy allows (allow) passes; revlan:NAME: its port goes to"
        " that VLAN; block: nothing passes; limit:RATE: it sends so many bits a second (512k, 2M)",
    )  # fmt: skip
    term = parser.add_mutually_exclusive_group(required=True)
    term.add_argument(
        "--for", dest="seconds", metavar="TIME", type=ordering.term, help="how long: 30m, 2h, 1d"
    )
    term.add_argument("--until-released", action="store_true", help="until somebody releases it")
    ordering.reason(parser)
    ordering.waiting(parser)
    asking.common(parser, out=False)


def _action(text: str) -> Action:
    from plugin.actions import ISOLATING, parse_action

    try:
        action = parse_action(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if action.kind not in ISOLATING:
        raise argparse.ArgumentTypeError(f"{text} isolates nobody: {_AS}")
    return action


def run(args: argparse.Namespace) -> int:
    """Order it, and wait."""
    from plugin.cli.case_rows import flooded
    from plugin.settings.units import span_text

    socket = asking.socket_of(args)
    devices = ordering.ask(socket, "devices")
    mac = ordering.meant(args.device, devices)
    if mac is None:
        output.complain(f"{args.device}: no such device is known; see 'halia devices list'")
        return EXIT_NO
    term = "until it is released" if args.seconds is None else f"for {span_text(args.seconds)}"
    question = f"Isolate it ({args.action}) {term}?"
    if not ordering.agreed(args, ordering.who(mac, devices), question):
        return EXIT_NO
    steps = ordering.ask(
        socket, "isolate", key=mac, action=str(args.action), seconds=args.seconds,
        reason=args.reason,
    )  # fmt: skip
    case = next((one["case"] for one in reversed(steps) if one["case"]["mac"] == mac), None)
    if case is None:
        output.complain(f"{mac}: the daemon took no step; see 'halia decisions list'")
        return EXIT_NO
    reached, cases = ordering.wait(
        lambda: ordering.ask(socket, "decisions", all=True),
        lambda cases: ordering.isolation_reached(case["number"], cases),
        args.timeout,
    )
    now = [one for one in cases if one["number"] == case["number"]]
    code = ordering.tell(args, reached, now)
    for one in now:
        for note in (*one["notes"], flooded(one)):
            if note and not args.json:
                output.warn(args, note)
    return code

"""``halia devices``: which devices there are, what each is, and why Halia says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from plugin.cli import asking, device_label, output
from plugin.cli.columns import lay_out
from plugin.cli.device_rows import (
    KEPT,
    SORTS,
    STATES,
    Filter,
    alarm_line,
    decision_line,
    line,
    ordered,
    table,
)
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import install_extra, printable
from plugin.records import iso_second

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

HELP = "Tell which devices there are: where, in which state, in which role, and why."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``list``, ``show``, ``watch`` and ``label``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="a table of all devices, or of those that are wanted")
    _filters(listing)
    asking.common(listing)
    show = verbs.add_parser(
        "show", help="all that is known of one device; exit code 4 if there is none"
    )
    show.add_argument("device", metavar="DEVICE", help="its MAC address, IP address or name")
    asking.common(show)
    watch = verbs.add_parser(
        "watch",
        help="the table as it changes, until Ctrl-C; where stdout is no terminal, a line a change",
    )
    _filters(watch)
    asking.common(watch, out=False)
    device_label.configure(verbs.add_parser("label", help=device_label.HELP))


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state", metavar="STATE", choices=STATES, action="append", default=[],
        help=f"devices in this state only (may be given again): {', '.join(STATES)}",
    )  # fmt: skip
    parser.add_argument("--role", metavar="ROLE", help="devices of this role only; or unknown, …")
    parser.add_argument(
        "--port", metavar="DP:PORT", help="devices there only; also DP or PORT alone"
    )
    parser.add_argument(
        "--anomalous", action="store_true", help="only those that are anomalous, changed or novel"
    )
    parser.add_argument(
        "--sort", choices=SORTS, default="state",
        help="by what (default: state, those first that deserve a look)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    verbs = {"list": _list, "show": _show, "watch": _watch, "label": device_label.run}
    return verbs[args.verb](args)


def _filter(args: argparse.Namespace) -> Filter:
    return Filter(frozenset(args.state), args.role, args.port, args.anomalous)


def _list(args: argparse.Namespace) -> int:
    from plugin.control.client import ask
    from plugin.control.protocol import Request

    wanted = _filter(args)
    found = ask(asking.socket_of(args), Request(ask="devices"))
    devices = ordered(filter(wanted.wants, found), args.sort)
    now = asking.now()
    with output.text_output(args) as out:
        if args.json:
            out.writelines(output.json_line(device) for device in devices)
        else:
            header, rows = table(devices, now)
            width, colour = asking.width_of(out), asking.coloured(out)
            out.write(lay_out(rows, header, width=width, colour=colour, kept=KEPT))
    if not devices and not args.json:
        output.warn(args, "no device is known" if not found else "no device is as wanted")
    return EXIT_OK


def _show(args: argparse.Namespace) -> int:
    from plugin.cli.device_page import page
    from plugin.control.client import ask
    from plugin.control.protocol import Request

    found = ask(asking.socket_of(args), Request(ask="device", arguments={"key": args.device}))
    if not found:
        output.complain(f"{args.device}: no such device is known; see 'halia devices list'")
        return EXIT_NO
    (device,) = found
    with output.text_output(args) as out:
        if args.json:
            out.write(output.json_line(device))
        else:
            width, colour = asking.width_of(out), asking.coloured(out)
            out.write(page(device, asking.now(), width=width, colour=colour))
    return EXIT_OK


def _watch(args: argparse.Namespace) -> int:
    from plugin.control.client import stream
    from plugin.control.protocol import Request

    wanted = _filter(args)
    events = stream(asking.socket_of(args), Request(ask="watch"), None)
    if not args.json and sys.stdout.isatty():
        import importlib.util

        if importlib.util.find_spec("rich") is not None:
            from plugin.cli.live_table import show

            show(events, wanted, args.sort)
            return EXIT_OK
        output.warn(args, f"a line a change, for want of rich: {install_extra('live')}")
    passed = (e for e in events if e["event"] != "device" or wanted.wants(e["device"]))
    _lines(passed, sys.stdout, as_json=args.json)
    return EXIT_OK


def _lines(events: Iterator[dict[str, Any]], out: TextIO, *, as_json: bool) -> None:
    """A line an event, at once."""
    for event in events:
        if as_json:
            out.write(output.json_line(event))
        elif event["event"] == "device":
            out.write(f"{iso_second(asking.now())}  {printable(line(event['device']))}\n")
        elif event["event"] == "decision":
            decision = event["decision"]
            out.write(f"{decision['time'][:19]}Z  {printable(decision_line(decision))}\n")
        elif event["event"] == "alarm":
            out.write(f"{iso_second(event['time'])}  {printable(alarm_line(event))}\n")
        else:
            continue
        out.flush()

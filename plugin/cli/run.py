"""``halia run``: watch the network that Faucet controls, until told to end."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

HELP = "Learn every device from Faucet, capture the mirror port, classify, publish verdicts."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--iface", metavar="NIC", help="the interface on the mirror port (capture.iface)"
    )
    parser.add_argument(
        "--state", metavar="DIR", type=options.path, help="the folder of its files (run.state)"
    )
    parser.add_argument(
        "--model", metavar="NAME|PATH", help="the model that judges captures (model)"
    )
    options.common(parser, out=False)
    parser.epilog = (
        "Everything else is said in halia.yaml: 'halia config show', docs/run.md.\n"
        "SIGTERM ends it: captures are finished and judged. SIGHUP reads the settings again.\n"
        "With --json each verdict, finding, decision and alarm is a line on standard output."
    )


def run(args: argparse.Namespace) -> int:
    """Run until a signal ends it."""
    # Until it knows what to do with it: a reload that comes at once must not end it.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    from plugin import logs
    from plugin.app.run import Run
    from plugin.cli.lines import LineWriter
    from plugin.cli.live import told
    from plugin.settings import Settings, load_settings

    def read() -> Settings:
        flags = {
            "capture.iface": args.iface,
            "run.state": args.state,
            "model": args.model,
        }
        return load_settings(config=args.config, flags=flags)

    settings = read()
    logs.configure(settings.run.log, "debug" if args.verbose else settings.run.log_level)
    lines = LineWriter(sys.stdout)

    def say(document: Mapping[str, Any]) -> None:
        if args.json:
            lines.say(json.dumps(document))
        elif not args.quiet and document["kind"] != "alarm":  # an alarm is in the log
            lines.say(told(document).rstrip("\n"))

    Run(settings, read, say).work()
    try:
        lines.close()
    finally:
        if lines.left_out:
            output.warn(args, f"{lines.left_out:,} lines were left out of the output")
    return EXIT_OK

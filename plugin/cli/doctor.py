"""``halia doctor``: test each thing that Halia needs here, and say what to do about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plugin.cli import asking, output
from plugin.cli.columns import paint
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import printable

if TYPE_CHECKING:
    import argparse

    from plugin.offline.doctor import Check

HELP = "Test each thing that Halia needs here, and say what to do about it."
_STYLES = {"ok": "green", "warn": "yellow", "failed": "red", "skipped": "dim"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    asking.common(parser)
    parser.epilog = "exit code 4 if something fails that the settings need; warnings are no failure"


def run(args: argparse.Namespace) -> int:
    """Test one after the other; each is told at once."""
    from plugin.offline.doctor import State, examine
    from plugin.settings import load_settings

    settings = load_settings(config=args.config, flags={"control.socket": args.socket})
    states: Counter[str] = Counter()
    with output.text_output(args) as out:
        colour = asking.coloured(out)
        for check in examine(settings, asking.now()):
            states[check.state] += 1
            out.write(output.json_line(check._asdict()) if args.json else _told(check, colour))
            out.flush()
        if not args.json:
            counts = ", ".join(f"{states[state]} {state}" for state in State if states[state])
            out.write(f"\n{counts}\n")
    return EXIT_NO if states[State.FAILED] else EXIT_OK


def _told(check: Check, colour: bool) -> str:
    word = check.state.upper() if check.state == "failed" else check.state
    painted = paint(word, _STYLES[check.state], colour=colour) + " " * (8 - len(word))
    line = f"{painted} {check.name:<15} {printable(check.what)}\n"
    if check.remedy is not None:
        line += f"{'':>9}{'':<15} -> {printable(check.remedy)}\n"
    return line

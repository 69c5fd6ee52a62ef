"""``halia lab watch``: ``halia run`` on the mirror port of a lab that is up."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from plugin.cli import options, output

if TYPE_CHECKING:
    import argparse
    from types import FrameType
    from typing import NoReturn

    from plugin.lab import Lab
    from plugin.lab.running import Running

HELP = "install the hook in a lab and run 'halia run' beside its controller, until Ctrl-C"
_SIGNALLED = 128
STOP_SECONDS = 120.0
"""How long its end may take: it judges what it has captured."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "--policy", metavar="FILE", type=options.path,
        help="isolate by this policy; an edit of it is taken up while it runs",
    )  # fmt: skip
    parser.add_argument(
        "options", metavar="OPTION", nargs="*", help="options of 'halia run', after --"
    )


def run(args: argparse.Namespace, lab: Lab) -> int:
    """Watch until told to end; exit code: that of ``halia run``."""
    from plugin.lab.beside import answers_at, write_settings
    from plugin.lab.hooked import install, start_halia

    if args.policy is not None:
        _check(args)
    install(lab)
    config = write_settings(lab, lab.take_collector(), args.policy, probe=True)
    at = answers_at(lab)
    output.warn(args, f"settings: {config}")
    output.warn(args, f"ask it: halia status --socket {at}; halia devices list --socket {at}")
    # SIGTERM ends it as Ctrl-C does. Both come to this process alone, and are passed on.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        words = ["run", "--config", str(config), *args.options]
        with start_halia(lab, None, words, stdout=None, stderr=None) as program:
            code = _wait(program)
    finally:
        signal.signal(signal.SIGTERM, before)
    return shell_code(code)


def shell_code(code: int) -> int:
    """Give the exit code that a shell gives of a command, be it ended by a signal."""
    return code if code >= 0 else _SIGNALLED - code


def _check(args: argparse.Namespace) -> None:
    """Refuse a policy that is wrong before anything is changed.

    Raises:
        PolicyError: all that is wrong in it.
    """
    from plugin.offline.policy import load_policy
    from plugin.settings import load_settings

    for warning in load_policy(args.policy, load_settings(config=args.config).data).warnings:
        output.warn(args, warning)


def _wait(program: Running) -> int:
    try:
        return program.wait()
    except KeyboardInterrupt:
        program.send_signal(signal.SIGTERM)
    try:
        return program.wait(STOP_SECONDS)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):  # a second Ctrl-C: at once
        return program.stop()


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt

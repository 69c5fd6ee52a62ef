"""The console script: find the command, import just its module, run it, map the outcome.

Start-up is part of the speed that ``halia info`` promises, so this file imports nothing
that the chosen command does not need: no metadata look-up, no YAML, no numpy, no logging.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NamedTuple, cast

import plugin
from plugin.cli.grammar import Parser
from plugin.errors import HaliaError, OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Protocol

    class Command(Protocol):
        """What each module of a command offers."""

        HELP: str

        def configure(self, parser: argparse.ArgumentParser) -> None:
            """Add the command's options."""

        def run(self, args: argparse.Namespace) -> int:
            """Do it; return the exit code."""


EXIT_OK, EXIT_BUG, EXIT_INPUT, EXIT_PEER, EXIT_NO = 0, 1, 2, 3, 4
EXIT_INTERRUPTED = 130  # 128 + SIGINT, what a shell reports for it
YOUNG_OBJECTS = 100_000
"""New objects after which cycles are looked for: more than any start makes."""


class Listed(NamedTuple):
    """One command in the table: where it stands in the help, and its one line there."""

    group: str
    module: str
    summary: str


COMMANDS: dict[str, Listed] = {
    "info": Listed(
        "files",
        "info",
        "Count what is in captures: packets, bytes, times, link types, sessions, devices.",
    ),
    "sessions": Listed(
        "files",
        "sessions",
        "List the sessions of captures, one a line, in the order in which they end.",
    ),
    "features": Listed(
        "files", "features", "The feature matrix of captures: a row for each session or device."
    ),
    "classify": Listed(
        "files",
        "classify",
        "The three likeliest roles of each device in captures, and its bad behaviours.",
    ),
    "train": Listed(
        "files",
        "train",
        "Make a model from labelled captures, and test its recipe by nested cross-validation.",
    ),
    "learn": Listed(
        "files",
        "learn",
        "Learn what flows are usual in captures, for 'halia classify' to find those that are not.",
    ),
    "evaluate": Listed(
        "files",
        "evaluate",
        "Tell how well a model does on labelled captures, or its recipe on groups left out.",
    ),
    "label": Listed(
        "files",
        "label",
        "Say what the devices of captures are, in a list that train and evaluate read.",
    ),
    "faucet": Listed(
        "network",
        "faucet",
        "Install the hook in Faucet's configuration, remove it, show what it covers.",
    ),
    "policy": Listed(
        "network",
        "policy",
        "Check policies, try them on samples and on what was, say which rule applies and why.",
    ),
    "models": Listed("models", "models", "List, show and verify models."),
    "run": Listed(
        "live",
        "run",
        "Learn every device from Faucet, capture the mirror port, classify, publish verdicts.",
    ),
    "capture": Listed(
        "live",
        "capture",
        "Capture an interface: the headers of each device's frames, in files of its own.",
    ),
    "devices": Listed(
        "live",
        "devices",
        "Tell which devices there are: where, in which state, in which role, and why.",
    ),
    "decisions": Listed(
        "live",
        "decisions",
        "List and show what is decided about devices; approve, deny, extend it; end a freeze.",
    ),
    "isolate": Listed(
        "live",
        "isolate",
        "Isolate a device by hand; waits until it is proven at the switches.",
    ),
    "release": Listed(
        "live",
        "release",
        "Let a device out of its isolation, or all: also when no daemon runs.",
    ),
    "status": Listed(
        "live",
        "status",
        "Tell how the running Halia is; exit code 4 if something is wrong with it.",
    ),
    "doctor": Listed(
        "live",
        "doctor",
        "Test each thing that Halia needs here, and say what to do about it.",
    ),
    "replay": Listed(
        "live",
        "replay",
        "Play recorded events of Faucet and a capture of the mirror port through the engine.",
    ),
    "audit": Listed(
        "live",
        "audit",
        "Read the journal of what Halia did, check it, and make the store from it.",
    ),
    "lab": Listed(
        "live",
        "lab",
        "A whole network in namespaces of its own: a switch, Faucet, hosts that work or turn bad.",
    ),
    "config": Listed("this program", "config", "Show, check and write settings."),
    "completion": Listed(
        "this program", "completion", "Print the completion script of a shell: bash, zsh, fish."
    ),
    "demo": Listed(
        "this program",
        "demo",
        "Show Halia at work on a network in namespaces: every host told apart, a bad one named.",
    ),
}
"""In the order of ``halia --help``. A command stands here once it works, not before."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: the words after ``halia``; by default those of this process, which is then taken to
            end with the command.

    Returns:
        0 done, 1 a bug (with its traceback), 2 wrong input or options, 3 a peer is away,
        4 the answer is no, 130 interrupted.
    """
    if argv is not None:
        return _run(list(argv))
    # Modules are no garbage: looking for cycles in them while they are imported, and again when
    # the process ends, is a tenth of a fresh `halia classify`.
    gc.set_threshold(YOUNG_OBJECTS)
    # numpy's OpenBLAS starts a thread for each CPU at import, which costs a third of it. The core
    # computes what predictions need, and training has its own processes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = _run(sys.argv[1:])
    gc.freeze()
    return code


def _run(words: list[str]) -> int:
    """Run the command; a reader of stdout that has gone ends it quietly, a full disk does not."""
    if sys.stdout is None:
        _complain("standard output is closed")
        return EXIT_INPUT
    try:
        code = _outcome(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_stdout()
        return EXIT_OK
    except OSError as error:  # theirs: what we read and write is outside of us
        _leave_stdout()
        _complain(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return EXIT_INPUT
    return code


def load(name: str) -> Command:
    """Import the module of one command.

    Raises:
        OptionError: no command has that name; the nearest one is suggested.
    """
    listed = COMMANDS.get(name)
    if listed is None:
        raise OptionError("no such command", where=name, advice=_advice(name))
    module = f"plugin.cli.{listed.module}"
    __import__(module)
    return cast("Command", sys.modules[module])


def command_parser(name: str) -> Parser:
    """Build the parser of one command, complete with its options."""
    command = load(name)
    parser = Parser(prog=f"halia {name}", description=command.HELP)
    command.configure(parser)
    return parser


def top_help() -> str:
    """Give the text of ``halia --help``: the commands by group."""
    width = max(map(len, COMMANDS))
    lines = ["usage: halia [--help] [--version] COMMAND ...", "", plugin.__doc__ or ""]
    group = ""
    for name, listed in COMMANDS.items():
        if listed.group != group:
            group = listed.group
            lines += ["", f"{group}:"]
        lines.append(f"  {name:<{width}}  {listed.summary}")
    lines += [
        "",
        "'halia COMMAND --help' tells the options of one command.",
        "exit codes: 0 done, 1 a bug, 2 wrong input or options (the good files are still done),",
        "            3 a peer is away, 4 the answer is no, 130 interrupted (Ctrl-C)",
    ]
    return "\n".join(lines) + "\n"


def _outcome(words: list[str]) -> int:
    """Run the command and turn what it raises on purpose into an exit code."""
    try:
        _check_import()
        return _dispatch(words)
    except HaliaError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as stop:  # argparse's way to end: after --help, or on a bad option
        return stop.code if isinstance(stop.code, int) else EXIT_INPUT


def _dispatch(words: list[str]) -> int:
    first = words[0] if words else "--help"
    if first in {"-h", "--help", "help"}:
        if words[1:]:
            return _dispatch([words[1], "--help"])
        sys.stdout.write(top_help())
        return EXIT_OK if words else EXIT_INPUT
    if first in {"-V", "--version"}:
        sys.stdout.write(f"halia {plugin.__version__}\n")
        return EXIT_OK
    if first.startswith("-"):
        raise OptionError(
            "no such option before the command", where=first, advice="see 'halia --help'"
        )
    args = command_parser(first).parse_args(words[1:])
    if first != "config":  # it looks at other files than the one that counts, and mends that one
        from plugin.settings import load_settings

        load_settings(config=getattr(args, "config", None))
    return load(first).run(args)


def _check_import() -> None:
    """Refuse to run on another distribution's ``plugin`` (two can overwrite each other)."""
    if getattr(plugin, "DISTRIBUTION", None) != "halia":
        raise OptionError(
            "this 'plugin' package is not Halia's: another distribution has overwritten it",
            where=str(getattr(plugin, "__file__", "plugin")),
            advice="install halia in an environment of its own",
        )


def _advice(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.7)
    return f"did you mean '{near[0]}'?" if near else "see 'halia --help'"


def _complain(text: str) -> None:
    from plugin.cli.output import complain

    for line in text.splitlines():
        complain(line)


def _leave_stdout() -> None:
    """Point stdout nowhere: it cannot be written, and the flush at exit must not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except OSError:  # a stdout without a descriptor: a library's own
        return
    finally:
        os.close(nowhere)

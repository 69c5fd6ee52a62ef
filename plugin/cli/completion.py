"""``halia completion``: print the completion script of a shell (made by shtab)."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.cli.reference import parsers, whole_parser
from plugin.errors import HaliaError, InputError, OptionError, install_extra

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HELP = "Print the completion script of a shell: bash, zsh, fish."
MODEL, NO_MODEL, OF_ROLES = "NAME|PATH", "NAME|PATH|none", "MODEL"
"""What stands for a model in every command's help: any, one of the option's kind, one of roles."""
DEVICES, CASES = "devices", "cases"
LIVE = {"DEVICE": DEVICES, "DEVICE|FOLDER": DEVICES, "DEVICE|POLICY": DEVICES, "CASE": CASES}
"""What stands for a device or a case in every command's help: the daemon is asked."""
SHELLS = ("bash", "zsh", "fish")
PLACES = {
    "bash": "~/.local/share/bash-completion/completions/halia",
    "zsh": "~/.zfunc/_halia (with ~/.zfunc in fpath)",
    "fish": "~/.config/fish/completions/halia.fish",
}
_SAFE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,63}")
"""Devices choose their names: a shell gets none that it could take for anything but a word."""
_ASK_SECONDS = 2.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name."""
    parser.epilog = "where it belongs:\n" + "\n".join(
        f"  {shell:<5} {place}" for shell, place in PLACES.items()
    )
    parser.add_argument("shell", choices=SHELLS, nargs="?", help="the shell")
    parser.add_argument(
        "--words", choices=(DEVICES, CASES),
        help="instead: devices, or numbers of cases, as the daemon knows them now, one a line (the"
        " scripts ask for them); nothing where no daemon answers",
    )  # fmt: skip
    options.common(parser, json=False)


def run(args: argparse.Namespace) -> int:
    """Print the script, or words."""
    if (args.shell is None) is (args.words is None):
        raise OptionError("needs a shell, or --words", where="completion")
    text = _script(args) if args.words is None else "".join(f"{w}\n" for w in _words(args))
    with output.text_output(args) as out:
        out.write(text if not text or text.endswith("\n") else text + "\n")
    return 0


def _script(args: argparse.Namespace) -> str:
    try:
        import shtab
    except ImportError as error:
        raise InputError(
            "needs the library shtab", where="completion", advice=install_extra("cli")
        ) from error
    from plugin.offline.classify import kind_of, list_models, model_folders
    from plugin.settings import load_settings

    places = list_models(model_folders(load_settings(config=args.config).data))
    kinds = {place.name: kind_of(place) for place in places}
    whole = whole_parser()
    for parser in parsers(whole):
        for action in parser._actions:  # noqa: SLF001  # argparse has no public list of them
            if action.dest == "algorithm" and action.metavar == "NAME":
                action.choices = [*_algorithms()]
            if action.metavar in {MODEL, NO_MODEL, OF_ROLES} and action.type is not options.path:
                # This parser only writes scripts: a path stays right.
                action.choices = _models_for(action, kinds)
            if action.type is options.path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks
            if action.metavar in LIVE:
                action.complete = _asked(LIVE[str(action.metavar)])  # type: ignore[attr-defined]  # as above
    return str(shtab.complete(whole, shell=args.shell))


def _algorithms() -> Iterator[str]:
    """Names of the algorithms of flows, and their short ones."""
    from plugin.ml.novelty.options import ALGORITHMS

    for one in ALGORITHMS:
        yield one.name
        if one.short.lower() not in {"", one.name}:
            yield one.short.lower()


def _models_for(action: argparse.Action, kinds: Mapping[str, str | None]) -> list[str]:
    """Which models an option or argument may name; of ``--normal`` the name is the kind's."""
    if action.metavar == NO_MODEL:
        return [*(name for name, kind in kinds.items() if kind == action.dest), options.NONE]
    if action.metavar == OF_ROLES or action.dest == "model":
        return [name for name, kind in kinds.items() if kind is None]
    return list(kinds)


def _asked(what: str) -> dict[str, Any]:
    """How each shell gets words at the moment when it needs them.

    Not shtab's own ``cmd``: bash's ``compgen -W`` runs what stands in ``$(…)`` in a word.
    """
    command, function = f"halia completion --words {what}", f"_halia_words_{what}"
    script = (
        f"{function}() {{\n"
        "  local word\n"
        "  while IFS= read -r word; do\n"
        '    [[ "$word" == "$1"* ]] && printf "%s\\n" "$word"\n'
        f"  done < <({command} 2>/dev/null)\n"
        "}\n"
    )
    return {
        "bash": function,
        "zsh": f"($({command}))",
        "fish": f"({command})",
        "preamble": {"bash": script},
    }


def _words(args: argparse.Namespace) -> list[str]:
    """What DEVICE or CASE could be now; nothing where it cannot be told: a TAB is no question."""
    from plugin.settings import load_settings

    try:
        socket = load_settings(config=args.config).control.socket
        found = _cases(socket) if args.words == CASES else _devices(socket)
        return sorted({word for word in found if _SAFE.fullmatch(word)})
    except HaliaError as error:
        if args.verbose:
            sys.stderr.write(f"{error}\n")
        return []


def _devices(socket: Path) -> Iterator[str]:
    """Names, addresses without colons, and MAC addresses with hyphens: bash parts at colons."""
    for device in _ask(socket, "devices"):
        yield str(device["mac"]).replace(":", "-")
        yield from map(str, device["addresses"])
        yield str(device["name"] or "")


def _cases(socket: Path) -> Iterator[str]:
    for case in _ask(socket, "decisions"):
        yield str(case["number"])


def _ask(socket: Path, what: str) -> list[dict[str, Any]]:
    from plugin.control.client import ask
    from plugin.control.protocol import Request

    return ask(socket, Request(ask=what), _ASK_SECONDS)

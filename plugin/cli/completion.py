"""``halia completion``: print the completion script of a shell (made by shtab)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.cli import options, output
from plugin.cli.reference import parsers, whole_parser
from plugin.errors import InputError, install_extra

if TYPE_CHECKING:
    import argparse

HELP = "Print the completion script of a shell: bash, zsh, fish."
MODEL = "NAME|PATH"
"""What stands for a model in every command's help."""
SHELLS = ("bash", "zsh", "fish")
PLACES = {
    "bash": "~/.local/share/bash-completion/completions/halia",
    "zsh": "~/.zfunc/_halia (with ~/.zfunc in fpath)",
    "fish": "~/.config/fish/completions/halia.fish",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name."""
    parser.epilog = "where it belongs:\n" + "\n".join(
        f"  {shell:<5} {place}" for shell, place in PLACES.items()
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    options.common(parser, json=False)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    try:
        import shtab
    except ImportError as error:
        raise InputError(
            "needs the library shtab", where="completion", advice=install_extra("cli")
        ) from error
    from plugin.offline.classify import list_models, model_folders
    from plugin.settings import load_settings

    models = [p.name for p in list_models(model_folders(load_settings(config=args.config).data))]
    whole = whole_parser()
    for parser in parsers(whole):
        for action in parser._actions:  # noqa: SLF001  # argparse has no public list of them
            if action.metavar == MODEL:  # this parser only writes scripts: a path stays right
                action.choices = models
            if action.type is options.path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks
    script = shtab.complete(whole, shell=args.shell)
    with output.text_output(args) as out:
        out.write(script if script.endswith("\n") else script + "\n")
    return 0

"""``halia config``: show the settings and where they come from, check a file, write one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from plugin import settings
from plugin.cli import options, output
from plugin.errors import OutputError
from plugin.settings.kinds import as_plain, as_text
from plugin.settings.text import default_text

if TYPE_CHECKING:
    import argparse

HELP = "Show, check and write settings."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``show``, ``check`` and ``init``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = verbs.add_parser("show", help="each setting, its value, and where that comes from")
    options.common(show)
    check = verbs.add_parser("check", help="load the settings; all problems at once, else nothing")
    check.add_argument(
        "file", nargs="?", type=options.path, metavar="FILE", help="a settings file (or --config)"
    )
    options.common(check, out=False, json=False)
    init = verbs.add_parser("init", help="write a settings file with every default, explained")
    options.common(init, json=False)
    init.epilog = (
        "Without --out it is written to ~/.config/halia/halia.yaml, where each later command of"
        " this user looks for settings (of all users: /etc/halia/halia.yaml); --out - shows it."
    )


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    if args.verb == "init":
        return _init(args)
    if args.verb == "check":
        settings.load_settings(config=args.file or args.config)
        return 0
    return _show(args)


def _show(args: argparse.Namespace) -> int:
    loaded = settings.load_settings(config=args.config)
    rows = [(s, loaded.value(s.key), loaded.origins[s.key]) for s in settings.SETTINGS]
    with output.text_output(args) as out:
        if args.json:
            for setting, value, origin in rows:
                plain = as_plain(setting, value)
                line = {"setting": setting.key, "value": plain, "origin": origin}
                out.write(output.json_line(line))
        else:
            cells = [(s.key, as_text(s, value), origin) for s, value, origin in rows]
            out.write(output.table(cells, ("setting", "value", "from")))
    return 0


def _init(args: argparse.Namespace) -> int:
    if args.config is not None:
        settings.load_settings(config=args.config)
    if args.out is None:
        args.out = settings.user_file(os.environ)
        output.check_output(args.out, force=args.force)
        try:
            args.out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot be made: {error.strerror}",
                where=str(args.out.parent),
                advice="name a file with --out, or - to see it",
            ) from error
    with output.text_output(args) as out:
        out.write(default_text())
    if out is not sys.stdout:
        output.warn(args, f"wrote {args.out}")
    return 0

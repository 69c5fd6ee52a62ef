"""``halia status``: a short page of how the daemon is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli import asking, output
from plugin.cli.columns import Cell, lay_out
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import printable
from plugin.records import iso_second

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

HELP = "Tell how the running Halia is; exit code 4 if something is wrong with it."
_PROBLEMS = ("problem", "page_problem")
_HEAD = frozenset({"version", "pid", "started", "uptime"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    asking.common(parser)


def run(args: argparse.Namespace) -> int:
    """Ask and tell."""
    from plugin.control.client import ask
    from plugin.control.protocol import Request

    (document,) = ask(asking.socket_of(args), Request(ask="status"))
    with output.text_output(args) as out:
        if args.json:
            out.write(output.json_line(document))
        else:
            width, colour = asking.width_of(out), asking.coloured(out)
            out.write(page(document, width=width, colour=colour))
    return EXIT_NO if any(trouble(part) for part in document.values()) else EXIT_OK


def trouble(part: object) -> str | None:
    """What is wrong with a part, if anything is."""
    if not isinstance(part, dict):
        return None
    for key in _PROBLEMS:
        if part.get(key):
            return str(part[key])
    return "not connected" if part.get("connected") is False else None


def page(document: Mapping[str, Any], *, width: int | None, colour: bool) -> str:
    """The page.

    Args:
        document: the status, as docs/control.md has it.
        width: the terminal's; None: lines are not wrapped.
        colour: whether to use colours.
    """
    uptime = asking.ago(float(document.get("uptime", 0)))
    head = f"halia {document.get('version')} runs as process {document.get('pid')}, up {uptime}"
    rows = [_row(name, part) for name, part in document.items() if name not in _HEAD]
    return printable(head) + "\n\n" + lay_out(
        rows, ("part", "state", "more"), width=width, colour=colour
    )  # fmt: skip


def _row(name: str, part: object) -> tuple[Cell, Cell, Cell]:
    wrong = trouble(part)
    if wrong is not None:
        return Cell(name), Cell("TROUBLE", "red"), Cell("; ".join([wrong, *_fields(part)]))
    if part is None:
        return Cell(name), Cell("not used", "dim"), Cell("")
    return Cell(name), Cell("good", "green"), Cell(", ".join(_fields(part)))


def _fields(part: object) -> list[str]:
    if not isinstance(part, dict):
        return [_shown(part)]
    told = ((k, v) for k, v in part.items() if v is not None and k not in {"connected", *_PROBLEMS})
    return [f"{key.replace('_', ' ')} {_shown(_told(key, value))}" for key, value in told]


def _told(key: str, value: object) -> object:
    """A moment as people read it."""
    if isinstance(value, float) and key.endswith(("_at", "_until")):
        return iso_second(value)
    return value


def _shown(value: object) -> str:
    """A value in plain words; nothing that looks like a program's."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return (
            ", ".join(f"{_shown(v)} {str(k).replace('_', ' ')}" for k, v in value.items()) or "none"
        )
    if isinstance(value, list | tuple):
        return " ".join(map(_shown, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)

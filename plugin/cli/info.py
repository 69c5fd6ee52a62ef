"""``halia info``: what is in captures. The cheapest full pass: no numpy, no session records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.cli.main import EXIT_INPUT, EXIT_OK
from plugin.cli.progress import byte_progress
from plugin.errors import CaptureError, printable
from plugin.offline.read import Summary, find_captures, remark, summarise
from plugin.records import iso_time

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

HELP = "Count what is in captures: packets, bytes, times, link types, sessions, devices."
_HEADER = ("packets", "bytes", "first", "seconds", "sessions", "devices", "link types", "file")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    options.common(parser, paths=True)
    parser.epilog = (
        "Devices are the unicast link addresses that sent. A capture without link addresses (raw\n"
        "IP, loopback) has none here: that its devices then go by IP address, as in 'halia\n"
        "classify' and 'halia features', takes session records, which a count does without."
    )


def run(args: argparse.Namespace) -> int:
    """Count each file; a bad one is named on stderr and the rest go on."""
    bad = False
    rows: list[tuple[object, ...]] = []
    with output.text_output(args) as out:
        paths = find_captures(options.input_paths(args), skipped=output.skip_warner(args))
        for path in paths:
            fields, complaint, said = _one(path, quiet=args.quiet)
            if complaint:
                output.complain(complaint)
                bad = True
            elif said:
                output.warn(args, said)
            if args.json:
                out.write(output.json_line(fields))
            elif fields["packets"] is not None:
                rows.append(_row(fields))
        if rows:
            out.write(output.table(rows, _HEADER))
    return EXIT_INPUT if bad else EXIT_OK


def _one(path: Path, *, quiet: bool) -> tuple[dict[str, Any], str, str]:
    """What is told of a file, what is wrong with it, and what else is to be said."""
    try:
        with byte_progress(path, quiet=quiet) as progress:
            summary = summarise(path, progress=progress)
    except CaptureError as error:
        return _failed(printable(str(path)), error), str(error), ""
    problem = summary.problem
    if problem is None:
        return _fields(summary), "", remark(summary.source, summary.totals)
    if not problem.offset and not problem.cut_short:  # no capture at all: there is nothing to count
        none = CaptureError(problem.reason, offset=problem.offset)
        return _failed(summary.source, none), str(problem), ""
    return _fields(summary), str(problem), ""


def _fields(summary: Summary) -> dict[str, Any]:
    """The JSON object of one file; bytes are on the wire, times RFC 3339."""
    totals, problem = summary.totals, summary.problem
    return {
        "file": summary.source,
        "packets": totals.packets,
        "bytes": totals.bytes,
        "captured_bytes": totals.captured_bytes,
        "first": iso_time(totals.first_ns),
        "last": iso_time(totals.last_ns),
        "duration": _seconds(totals.first_ns, totals.last_ns),
        "linktypes": list(totals.linktypes),
        "sessions": totals.sessions,
        "devices": totals.devices,
        "ip_packets": totals.ip_packets,
        "cut_packets": totals.cut_packets,
        "truncated": problem is not None and problem.cut_short,
        "errors": [] if problem is None else [{"offset": problem.offset, "reason": problem.reason}],
    }


def _failed(name: str, error: CaptureError) -> dict[str, Any]:
    """The same object for a file of which nothing could be read."""
    known = {
        "file": name,
        "truncated": False,
        "errors": [{"offset": error.offset, "reason": error.reason}],
    }
    fields = (
        "packets",
        "bytes",
        "captured_bytes",
        "first",
        "last",
        "duration",
        "sessions",
        "devices",
    )
    return {
        "file": name,
        **dict.fromkeys(fields),
        "linktypes": [],
        "ip_packets": None,
        "cut_packets": None,
        **known,
    }


def _seconds(first: int | None, last: int | None) -> float | None:
    return None if first is None or last is None else (last - first) / 1e9


def _row(fields: dict[str, Any]) -> tuple[object, ...]:
    duration = fields["duration"]
    return (
        fields["packets"],
        fields["bytes"],
        fields["first"] or "-",
        "-" if duration is None else f"{duration:.3f}",
        fields["sessions"],
        fields["devices"],
        ",".join(fields["linktypes"]) or "-",
        fields["file"] + (" (cut short)" if fields["truncated"] else ""),
    )

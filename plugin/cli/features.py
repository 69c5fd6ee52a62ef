"""``halia features``: the feature matrix of captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.cli import options, output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from plugin.offline.features import Classic, Table

HELP = "The feature matrix of captures: a row for each session or device."
SETS = (
    "networkml-4104",
    "networkml-4104-window",
    "service-ports",
    "halia-host",
    "halia-host-sent",
)
"""Written out, because the schemas import numpy; a test compares."""
CLASSIC, WINDOWED = SETS[1], (SETS[1], SETS[3], SETS[4])
"""Sets that have a threshold; sets that have windows."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--set",
        choices=SETS,
        default=SETS[0],
        help="networkml-4104: a row a session, shares of packets by port and protocol (default);"
        " networkml-4104-window: a row a device and window, as NetworkML 0.2 to 0.4 computed it;"
        " service-ports: a row a device, what it serves and uses; halia-host: a row a device, all"
        " that headers tell; halia-host-sent: the same of sent packets only",
    )
    parser.add_argument(
        "--device",
        metavar="MAC|IP",
        type=options.device,
        help="only the rows of this device; exit code 4 if it is in none of the captures",
    )
    parser.add_argument(
        "--window",
        metavar="TIME",
        type=options.window,
        help="length of the windows of networkml-4104-window (default 15m) and halia-host (default:"
        " the whole capture); no other set has any",
    )
    parser.add_argument(
        "--threshold",
        metavar="TIME",
        type=options.duration,
        help="networkml-4104-window leaves out sessions that begin so early in the capture (default"
        " 0: none; NetworkML had 120s in effect)",
    )
    options.common(parser, paths=True)
    parser.epilog = (
        "--out FILE.npz holds the sparse arrays, FILE.csv and FILE.parquet (extra halia[parquet])\n"
        "every column. --json gives the values that are not 0, one row a line. With neither, a\n"
        "summary of each capture is shown.\n" + options.SPAN + "."
    )


def run(args: argparse.Namespace) -> int:
    """Extract the features of every capture; the good ones finish when some are bad."""
    from plugin.offline.feature_files import writer_for
    from plugin.offline.features import joined, schema_named

    bad: list[str] = []
    found: list[str] = []
    tables = _tables(args, bad, found)
    if args.json:
        with output.text_output(args) as out:
            for table in tables:
                out.writelines(_json_lines(table))
    elif args.out is None:
        rows = [_summary(table) for table in tables]
        with output.text_output(args) as out:
            out.write(output.table(rows, ("source", "devices", "rows", "columns", "values")))
    else:
        write = writer_for(args.out.name)
        inputs = output.check_outputs(args, args.out)
        whole = joined(tables, schema_named(args.set))
        with output.binary_output(args.out, force=args.force, inputs=inputs) as stream:
            write(whole, stream)
    return output.outcome(args, bad=bool(bad), found=bool(found))


def _choices(args: argparse.Namespace) -> Classic:
    """The options of sets with windows.

    Raises:
        OptionError: they are given for another set.
    """
    from plugin.errors import OptionError
    from plugin.offline.features import Classic

    given = {k: getattr(args, k) for k in Classic._fields if getattr(args, k) is not None}
    for name in given:
        fit = WINDOWED if name == "window" else (CLASSIC,)
        if args.set not in fit:
            raise OptionError(
                f"does not apply to {args.set}",
                where=f"--{name}",
                advice=f"add --set {' or --set '.join(fit)}",
            )
    return Classic(**given)


def _tables(args: argparse.Namespace, bad: list[str], found: list[str]) -> Iterator[Table]:
    """The features of each capture; complaints about bad ones are said and collected.

    Sources that hold the device asked for come in ``found``.
    """
    from plugin.errors import CaptureError
    from plugin.ml.features import NEEDS_PACKETS
    from plugin.offline.features import features_of, has_device
    from plugin.offline.read import iter_captures, remark

    choices = _choices(args)
    captures = iter_captures(
        options.input_paths(args),
        packets=args.set in NEEDS_PACKETS,
        skipped=output.skip_warner(args),
    )
    for capture in captures:
        problem = capture if isinstance(capture, CaptureError) else capture.problem
        if problem is not None:
            output.complain(str(problem))
            bad.append(str(problem))
        if not isinstance(capture, CaptureError):
            if said := remark(capture.source, capture.totals):
                output.warn(args, said)
            if args.device is not None and has_device(capture, args.device):
                found.append(capture.source)
            yield features_of(capture, args.set, device=args.device, options=choices)


def _json_lines(table: Table) -> Iterator[str]:
    matrix, names = table.matrix, table.schema.names
    for k in range(matrix.n_rows):
        part = slice(matrix.indptr[k], matrix.indptr[k + 1])
        values = {
            names[column]: float(f"{value:.9g}")
            for column, value in zip(matrix.indices[part], matrix.data[part], strict=True)
        }
        row = {
            "source": table.source[k],
            "device": table.device[k],
            "session": int(table.session[k]),
            "set": table.schema.name,
            "values": values,
        }
        yield output.json_line(row)


def _summary(table: Table) -> tuple[str, int, int, int, int]:
    matrix = table.matrix
    source = str(table.source[0]) if matrix.n_rows else "(no rows)"
    devices = len(set(table.device.tolist()))
    return source, devices, matrix.n_rows, matrix.n_columns, matrix.nnz

"""``halia sessions``: the sessions of captures, one a line, as they end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from plugin.cli import options, output
from plugin.cli.main import EXIT_INPUT, EXIT_OK
from plugin.cli.progress import byte_progress
from plugin.errors import CaptureError, OptionError, install_extra, printable
from plugin.offline.read import SessionStream, find_captures, remark
from plugin.sessions.rows import FIELDS, MacNames, session_fields, zeek_header, zeek_row
from plugin.sessions.state import iter_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    from plugin.sessions.state import SessionRow

HELP = "List the sessions of captures, one a line, in the order in which they end."


class Sink(Protocol):
    """Takes the sessions of one file after the other."""

    def __call__(self, source: str, row: SessionRow, macs: MacNames, /) -> None:
        """Take one session."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="comma-separated values with a header")
    form.add_argument("--zeek", action="store_true", help="Zeek's conn.log, tab-separated")
    form.add_argument(
        "--parquet", action="store_true", help="Parquet (needs --out and the extra halia[parquet])"
    )
    options.common(parser, paths=True)


def run(args: argparse.Namespace) -> int:
    """List the sessions; a bad file is named on stderr and the rest go on."""
    if args.json and (args.csv or args.zeek or args.parquet):
        raise OptionError("--json and another form were given", advice="give one of them")
    paths = list(find_captures(options.input_paths(args), skipped=output.skip_warner(args)))
    bad = False
    with _sink(args) as sink:
        for path in paths:
            complaint, said = _one(path, sink, quiet=args.quiet)
            if complaint:
                output.complain(complaint)
                bad = True
            elif said:
                output.warn(args, said)
    return EXIT_INPUT if bad else EXIT_OK


def _one(path: Path, sink: Sink, *, quiet: bool) -> tuple[str, str]:
    """Pass a file's sessions on; what is wrong with it, and what else is to be said."""
    macs, name = MacNames(), printable(str(path))
    try:
        with byte_progress(path, quiet=quiet) as progress:
            stream = SessionStream(path, progress=progress)
            for records, known in stream:
                macs.update(known)
                for row in iter_rows(records):
                    sink(name, row, macs)
    except CaptureError as error:
        return str(error), ""
    assert stream.summary is not None
    source, totals, problem = stream.summary
    return ("", remark(source, totals)) if problem is None else (str(problem), "")


@contextmanager
def _sink(args: argparse.Namespace) -> Iterator[Sink]:
    if args.parquet:
        with _parquet(args) as sink:
            yield sink
        return
    with output.text_output(args) as out:
        yield _text_sink(args, out)


def _text_sink(args: argparse.Namespace, out: TextIO) -> Sink:
    if args.zeek:
        out.write(zeek_header())
        return lambda _, row, macs: _written(out, zeek_row(row, macs))
    if args.json:
        return lambda source, row, macs: _written(
            out, output.json_line({"file": source, **session_fields(row, macs)})
        )
    if args.csv:
        import csv

        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("file", *FIELDS))
        return lambda source, row, macs: _row(writer.writerow, source, row, macs)
    return lambda _, row, macs: _written(out, _line(session_fields(row, macs)))


def _written(out: TextIO, text: str) -> None:
    out.write(text)


def _row(
    write: Callable[[tuple[Any, ...]], Any], source: str, row: SessionRow, macs: MacNames
) -> None:
    write((source, *session_fields(row, macs).values()))


def _line(f: dict[str, Any]) -> str:
    """One session for people: time, length, state, who with whom, packets and bytes each way."""
    return (
        f"{f['start']:<30}  {f['duration']:>10.3f}s  {f['proto']:<5} {f['conn_state']:<6}  "
        f"{_end(f['orig_ip'], f['orig_port'])} > {_end(f['resp_ip'], f['resp_port'])}  "
        f"{f['orig_packets']}/{f['resp_packets']} packets  "
        f"{f['orig_bytes']}/{f['resp_bytes']} bytes  {f['history']}\n"
    )


def _end(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


@contextmanager
def _parquet(args: argparse.Namespace) -> Iterator[Sink]:
    """Rows are collected by 65,536 and written as row groups: memory stays bounded."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise OptionError("--parquet needs an extra", advice=install_extra("parquet")) from error
    if args.out is None:
        raise OptionError("--parquet writes no text", advice="name a file with --out")
    integer = {"id", "orig_port", "resp_port", "vlan", "inner_vlan", "icmp_type", "icmp_code"}
    integer |= {
        f"{side}_{what}" for side in ("orig", "resp") for what in ("packets", "bytes", "ip_bytes")
    }
    kinds = {name: pa.int64() if name in integer else pa.string() for name in ("file", *FIELDS)}
    schema = pa.schema({**kinds, "duration": pa.float64()})
    rows: list[dict[str, Any]] = []
    with (
        output.binary_output(
            args.out, force=args.force, inputs=output.check_outputs(args, args.out)
        ) as raw,
        pq.ParquetWriter(raw, schema) as writer,
    ):

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            rows.clear()

        def sink(source: str, row: SessionRow, macs: MacNames) -> None:
            rows.append({"file": source, **session_fields(row, macs)})
            if len(rows) >= 1 << 16:
                flush()

        yield sink
        flush()

"""Every packet of real captures: Halia's record beside what tshark says."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from bench.agree.compare import Tally, Unexplained, compare_capture
from bench.agree.reasons import REASONS
from bench.inputs import shared_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUFFIXES = (".pcap", ".pcapng", ".cap")


def captures(paths: Sequence[Path]) -> list[Path]:
    """The captures named, folders searched to their leaves."""
    out = []
    for path in paths:
        if path.is_dir():
            out += sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
        else:
            out.append(path)
    return out


def lines_of(tally: Tally, show: int) -> list[str]:
    """The outcome as text."""
    why = {reason.name: reason.why for reason in REASONS}
    lines = [
        f"{tally.files} captures, {tally.packets:,} packets, {tally.fields:,} fields compared",
        f"{tally.sessions_checked:,} packets' sessions compared with the dpkt loop",
    ]
    explained = sorted(tally.explained.items(), key=lambda pair: -pair[1])
    lines += [
        f"  explained {count:>7,}  {name}: {why[name]} ({tally.examples[name]})"
        for name, count in explained
    ]
    lines.append(f"  unexplained {len(tally.unexplained):,}")
    lines += [f"    {described(row)}" for row in tally.unexplained[:show]]
    return lines


def described(row: Unexplained) -> str:
    """One difference as a line."""
    place = f"{row.path} frame {row.frame} {row.field}"
    return f"{place}: tshark {row.theirs}, core {row.ours} [{row.layers}]"


def run_agree(paths: Sequence[Path], *, as_json: bool, show: int) -> int:
    """Compare captures and print the outcome.

    Args:
        paths: captures or folders; empty for all of the shared data folder.
        as_json: one JSON object instead of text.
        show: unexplained differences to print.

    Returns:
        0 when nothing is unexplained, 1 otherwise, 2 without captures.
    """
    folder = shared_folder()
    found = captures(paths or ([folder] if folder else []))
    if not found:
        print("bench: no captures: name some, or set HALIA_SHARED", file=sys.stderr)
        return 2
    tally = Tally()
    for place, path in enumerate(found):
        compare_capture(tally, path)
        if sys.stderr.isatty() or place % 50 == 0:
            print(f"bench: {place + 1} of {len(found)}: {path.name}", file=sys.stderr)
    if as_json:
        rows = [row._asdict() for row in tally.unexplained]
        counted = {"files": tally.files, "packets": tally.packets, "fields": tally.fields}
        print(json.dumps(counted | {"explained": tally.explained, "unexplained": rows}))
    else:
        print("\n".join(lines_of(tally, show)))
    return 1 if tally.unexplained else 0

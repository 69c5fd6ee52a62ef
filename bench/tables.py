"""The report as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contenders import ANCHORS, Recorded
from bench.goals import Judged, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.core import Report, Table
    from bench.rounds import Best

HEADER = (
    "contender", "CPU s", "wall s", "us/packet", "net", "MB", "packets", "sessions",
    "x info", "x features", "runs", "",
)  # fmt: skip


LEGEND = (
    "CPU, wall: minimum of the runs, each a fresh process. net: us a packet without the start,",
    "which is the CPU time on a capture without packets. MB: peak of the largest process.",
    "x info, x features: CPU time of the whole process as a multiple of ours; the goals are held",
    "against the same, and beside them in brackets stands the ratio without either's start.",
)


def columns(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Rows of cells as aligned lines: ``left`` columns to the left, then numbers, then a remark."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:left], widths[:left], strict=True)]
        numbers = zip(row[left:-1], widths[left:-1], strict=True)
        cells += [cell.rjust(width) for cell, width in numbers]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return lines


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def remark(row: Best, table: Table) -> str:
    """What has to be said beside a row: a differing count, a scaled sample, a failure."""
    if row.failed:
        return row.failed
    if row.scaled:
        return f"scaled from its first {row.packets or 0:,} packets"
    out = []
    if row.packets is not None and row.packets != table.truth.frames:
        out.append(f"found {row.packets:,} of {table.truth.frames:,} packets")
    if row.sessions is not None and row.sessions != table.truth.sessions:
        out.append(f"{row.sessions:,} sessions instead of {table.truth.sessions:,}")
    return "; ".join(out)


def _row(row: Best, table: Table, bases: dict[str, float]) -> tuple[str, ...]:
    if row.failed:
        return (row.name, *("-" for _ in HEADER[1:-1]), row.failed)
    shown = {} if table.refused else bases
    return (
        row.name,
        f"{row.cpu_s:.3f}",
        f"{row.wall_s:.3f}",
        f"{row.cpu_s / max(1, table.truth.frames) * 1e6:.3f}",
        f"{(row.cpu_s - row.start_s) / max(1, table.truth.frames) * 1e6:.3f}",
        f"{row.rss_mb:.0f}",
        _count(row.packets),
        _count(row.sessions),
        _times(ratio(row.cpu_s, shown.get("halia info", 0.0))),
        _times(ratio(row.cpu_s, shown.get("halia features", 0.0))),
        str(row.runs),
        remark(row, table),
    )


def _anchor(anchor: Recorded, table: Table, bases: dict[str, float]) -> tuple[str, ...]:
    frames = max(1, table.truth.frames)
    seconds = anchor.seconds or anchor.micros * frames / 1e6
    shown = {} if table.refused else bases
    return (
        anchor.name,
        f"{seconds:.3f}",
        "-",
        f"{seconds / frames * 1e6:.3f}",
        "-",
        "-",
        "-",
        "-",
        _times(ratio(seconds, shown.get("halia info", 0.0))),
        _times(ratio(seconds, shown.get("halia features", 0.0))),
        "0",
        f"NOT RUN: {anchor.where}",
    )


def table_lines(table: Table) -> list[str]:
    """One input's table."""
    bases = {row.name: row.cpu_s for row in table.rows if not row.failed}
    kind = table.source.name if table.source.name in ("small", "huge") else "big"
    ran = set(bases)
    anchors = [a for a in ANCHORS.get(kind, ()) if a.name not in ran]
    rows = [HEADER, *(_row(row, table, bases) for row in table.rows)]
    rows += [_anchor(anchor, table, bases) for anchor in anchors]
    head = (
        f"{table.source.name}: {table.source.what}; {table.source.size / 1e6:.1f} MB, "
        f"{table.truth.frames:,} packets (tshark), {table.truth.sessions:,} sessions (dpkt loop)"
    )
    lines = ["", head, *columns(rows)]
    lines += [f"RATIOS REFUSED: {reason}" for reason in table.refused]
    return lines


def goal_line(judged: Judged) -> tuple[str, ...]:
    """One goal: outcome, input, words, measured value."""
    value = "-" if judged.value is None else f"{judged.value:,.2f}"
    return (judged.outcome, judged.goal.source, judged.goal.name, value, judged.why)


def report_lines(report: Report) -> list[str]:
    """The whole report as text."""
    lines = ["; ".join(f"{key} {value}" for key, value in report.machine.items())]
    for table in report.tables:
        lines += table_lines(table)
    lines += ["", *(f"not run: {s.name}: {s.reason}" for s in report.skipped), ""]
    goals = [("goal", "input", "what", "measured", ""), *map(goal_line, report.goals)]
    lines += columns(goals, left=3)
    return [*lines, "", *LEGEND]


def report_object(report: Report) -> dict[str, object]:
    """The whole report as JSON values."""
    return {
        "machine": report.machine,
        "inputs": [
            {
                "name": table.source.name,
                "what": table.source.what,
                "bytes": table.source.size,
                "truth": table.truth._asdict(),
                "refused": table.refused,
                "rows": [row._asdict() | {"remark": remark(row, table)} for row in table.rows],
            }
            for table in report.tables
        ],
        "skipped": [skip._asdict() for skip in report.skipped],
        "goals": [
            {
                "name": judged.goal.name,
                "input": judged.goal.source,
                "outcome": judged.outcome,
                "measured": judged.value,
                "why": judged.why,
            }
            for judged in report.goals
        ],
    }

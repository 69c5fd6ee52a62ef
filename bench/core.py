"""``python -m bench core``: the inputs, the rounds, the tables and the goals."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import contenders as field
from bench.goals import GOALS, Judged, judge, refusals
from bench.inputs import (
    MERGE_REPLICAS,
    SAMPLE_PART,
    Input,
    Skipped,
    empty_input,
    huge_input,
    long_input,
    merged_input,
    sample_of,
    short_input,
    small_input,
)
from bench.rounds import Best, run_rounds, say
from bench.truth import Truth, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.contenders import Contender

SHORT_PACKETS, LONG_PACKETS = 1_600_000, 2_000_000
QUICK_PACKETS, QUICK_HUGE = 60_000, 200_000
SMALL_ROUNDS = 4
"""Small runs are short and noisy: so many times the rounds of the big ones."""


class Options(NamedTuple):
    """What the command line asks for."""

    cache: Path
    rounds: int
    packets: int | None
    pcap: Path | None
    quick: bool
    only: tuple[str, ...]


class Table(NamedTuple):
    """The results on one input."""

    source: Input
    truth: Truth
    rows: list[Best]
    refused: list[str]


class Report(NamedTuple):
    """A whole run."""

    machine: dict[str, str | float | int]
    tables: list[Table]
    skipped: list[Skipped]
    goals: list[Judged]

    @property
    def failed(self) -> bool:
        """A goal was missed or refused, or an input failed."""
        if any(skipped.error for skipped in self.skipped):
            return True
        return any(judged.outcome in ("missed", "refused") for judged in self.goals)


def machine() -> dict[str, str | float | int]:
    """The machine, its load, the versions: one line of context for every number."""
    cpu = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        names = [r for r in described.read_text().splitlines() if r.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count() or 0,
        "load_1_minute": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def failure(error: OSError | subprocess.CalledProcessError) -> str:
    """Why an input could not be had: what the child said last, not only that it failed."""
    if isinstance(error, OSError):
        return str(error)
    said = (error.stderr or "").strip().splitlines() or [""]
    command = " ".join(map(str, error.cmd[1:4]))
    return f"{command}: exit {error.returncode}: {said[-1][-200:]}".removesuffix(": ")


def wanted_inputs(options: Options) -> dict[str, Callable[[], Input | Skipped]]:
    """The inputs by name, made only when asked for."""
    cache, quick = options.cache, options.quick
    if options.pcap is not None:
        own = Input("own", options.pcap, "the file named")
        return {"own": lambda: own}
    short = options.packets or (QUICK_PACKETS if quick else SHORT_PACKETS)
    long = options.packets or (QUICK_PACKETS if quick else LONG_PACKETS)
    huge = QUICK_HUGE if quick else 11_000_000
    return {
        "small": lambda: small_input(cache),
        "short": lambda: short_input(cache, short),
        "long": lambda: long_input(cache, long),
        "merge": lambda: merged_input(cache, 1 if quick else MERGE_REPLICAS),
        "huge": lambda: huge_input(cache, huge),
    }


def _field_of(name: str) -> tuple[Contender, ...]:
    return {"small": field.SMALL_FIELD, "huge": field.HUGE_FIELD}.get(name, field.BIG_FIELD)


def scaled(row: Best, part: float) -> Best:
    """A run on a part of the file as the whole would have been: start-up counts once.

    Args:
        row: the run on the part.
        part: share of the packets in the part.
    """
    if row.failed or not part:
        return row

    def grown(on_part: float) -> float:
        return row.start_s + max(0.0, on_part - row.start_s) / part

    return row._replace(cpu_s=grown(row.cpu_s), wall_s=grown(row.wall_s), scaled=True)


def run_input(source: Input, options: Options) -> Table:
    """Run the field on one input and compare the counts."""
    say(f"{source.name}: {source.what}, {source.size / 1e6:.0f} MB")
    runners = _field_of(source.name)
    truth = truth_of(source, options.cache)
    packets = max(1, truth.frames // SAMPLE_PART)
    sample = sample_of(source, options.cache, packets) if _samples(runners) else source
    rounds = options.rounds * (SMALL_ROUNDS if source.name == "small" else 1)
    empty = empty_input(options.cache)
    rows = run_rounds(runners, lambda c: sample if c.sampled else source, rounds, empty)
    sampled = {contender.name for contender in _samples(runners)}
    part = packets / max(1, truth.frames)
    rows = [scaled(row, part) if row.name in sampled else row for row in rows]
    refused = refusals(rows, {c.name for c in runners if c.ours}, truth)
    return Table(source, truth, rows, refused)


def _samples(runners: Sequence[Contender]) -> list[Contender]:
    return [contender for contender in runners if contender.sampled]


def run_core(options: Options) -> Report:
    """Run everything that was asked for.

    Args:
        options: the command line's wishes.

    Returns:
        Tables, skipped inputs and judged goals.
    """
    described = machine()
    say(f"inputs and counts are kept in {options.cache}")
    tables: list[Table] = []
    skipped: list[Skipped] = []
    for name, make in wanted_inputs(options).items():
        if options.only and name not in options.only:
            skipped.append(Skipped(name, "not asked for"))
            continue
        try:
            found = make()
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                tables.append(run_input(found, options))
        except (OSError, subprocess.CalledProcessError) as error:
            reason = failure(error)
            say(f"{name} failed: {reason}")
            skipped.append(Skipped(name, reason, error=True))
    described["load_at_end"] = round(os.getloadavg()[0], 2)
    return Report(described, tables, skipped, judged_goals(tables))


def judged_goals(tables: Sequence[Table]) -> list[Judged]:
    """All goals whose input ran; those of an input that did not are not judged."""
    by_name = {table.source.name: table for table in tables}
    out = []
    for goal in GOALS:
        table = by_name.get(goal.source)
        if table is None:
            out.append(Judged(goal, "not judged", None, f"input {goal.source} did not run"))
            continue
        rows = {row.name: row for row in table.rows}
        out.append(judge(goal, rows, table.refused, table.source.size))
    return out

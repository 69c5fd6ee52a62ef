"""Interleaved rounds over the contenders of one input, each run in a fresh process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from bench.child import ContenderFailedError, Measured, run_child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.contenders import Contender
    from bench.inputs import Input


START_RUNS = 3


class Best(NamedTuple):
    """The best of all runs of a contender.

    CPU and wall time are the smallest seen (of two runs the slower one was disturbed), peak
    memory is the largest seen. ``failed`` has the reason when it never came through.
    """

    name: str
    cpu_s: float
    wall_s: float
    rss_mb: float
    packets: int | None
    sessions: int | None
    runs: int
    failed: str = ""
    start_s: float = 0.0  # CPU seconds on a capture without packets
    scaled: bool = False  # from a run on a part of the file


def say(message: str) -> None:
    """Progress, on stderr."""
    print(f"bench: {message}", file=sys.stderr, flush=True)


def best_of(name: str, runs: Sequence[Measured]) -> Best:
    """Reduce the runs of one contender.

    Raises:
        ValueError: two runs disagree in what they found.
    """
    found = {(run.packets, run.sessions) for run in runs}
    if len(found) != 1:
        raise ValueError(
            f"{name} found different numbers in different runs: {sorted(map(str, found))}"
        )
    packets, sessions = found.pop()
    return Best(
        name,
        min(run.cpu_s for run in runs),
        min(run.wall_s for run in runs),
        max(run.rss_mb for run in runs),
        packets,
        sessions,
        len(runs),
    )


def start_up(contender: Contender, empty: Input) -> float:
    """CPU seconds of a contender that has nothing to read; 0 when it refuses such a file."""
    if contender.missing():
        return 0.0
    runs = []
    for _ in range(START_RUNS):
        try:
            runs.append(run_child(contender.command(str(empty.path)), contender.env).cpu_s)
        except ContenderFailedError:
            return 0.0
    return min(runs)


def run_rounds(
    field: Sequence[Contender],
    path_of: Callable[[Contender], Input],
    rounds: int,
    empty: Input,
) -> list[Best]:
    """Run every contender, one after the other, round by round.

    Args:
        field: the contenders.
        path_of: the capture that a contender gets (a sample for some).
        rounds: how many rounds; a contender with a smaller limit sits the later ones out.
        empty: a capture without packets on which each runs before: that tells what it costs
            to start, and no contender's first round compiles its sources.

    Returns:
        One row a contender, in the same order; one that failed or is missing says so.
    """
    runs: dict[str, list[Measured]] = {c.name: [] for c in field}
    failed: dict[str, str] = {}
    start = {contender.name: start_up(contender, empty) for contender in field}
    for number in range(rounds):
        for contender in field:
            if contender.name in failed or (contender.rounds and number >= contender.rounds):
                continue
            lacking = contender.missing()
            if lacking:
                failed[contender.name] = f"missing: {lacking} is not installed"
                continue
            source = path_of(contender)
            try:
                run = run_child(
                    contender.command(str(source.path)),
                    contender.env,
                    keep_output=contender.counts,
                )
            except ContenderFailedError as error:
                failed[contender.name] = f"failed: {error}"
                say(f"{contender.name} {failed[contender.name]}")
                continue
            runs[contender.name].append(run)
            say(f"round {number + 1} {source.name}: {contender.name} {run.cpu_s:.3f} s CPU")
    return [_row(c.name, runs[c.name], failed.get(c.name, ""), start[c.name]) for c in field]


def _row(name: str, runs: Sequence[Measured], failed: str, start_s: float) -> Best:
    nothing = Best(name, 0, 0, 0, None, None, 0)
    if failed or not runs:
        return nothing._replace(failed=failed or "did not run")
    try:
        return best_of(name, runs)._replace(start_s=start_s)
    except ValueError as error:
        return nothing._replace(failed=str(error))

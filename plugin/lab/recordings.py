"""Recordings of several labs in one folder, with the list of what was recorded."""

from __future__ import annotations

import csv
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from plugin.errors import LabError
from plugin.lab.record import COLUMNS, Recorded, Wishes, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from plugin.lab.topology import Topology

LIST = "labels.csv"
"""Of all recordings: what ``halia train`` reads."""
SEEDS_MAX = 10_000


def read_seeds(text: str) -> tuple[int, ...]:
    """Read seeds such as ``7`` or ``1-12,20``.

    Raises:
        ValueError: it is no such list, or one of too many.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = [first, last] if dash else [first]
        if not all(end.isascii() and end.isdigit() for end in ends):
            raise ValueError(f"{part!r} is no seed and no range of seeds such as 1-12")
        low, high = int(ends[0]), int(ends[-1])
        if not low <= high < low + SEEDS_MAX:
            raise ValueError(f"{part!r} is no range of 1 to {SEEDS_MAX} seeds")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def record_all(
    topologies: Sequence[Topology],
    out: Path,
    wishes: Wishes,
    *,
    jobs: int = 1,
    told: Callable[[Recorded], None] = lambda _: None,
) -> None:
    """Record labs, some at a time, and list them; a recording of the same seed is replaced.

    Args:
        topologies: each with a seed of its own.
        out: the folder; what it lists already stays.
        wishes: how long, and what for.
        jobs: labs at a time.
        told: called with each that is done, in this thread.

    Raises:
        LabError: one of them failed; the others are there, and listed.
    """
    for topology in topologies:
        shutil.rmtree(out / str(topology.seed), ignore_errors=True)
    stop = threading.Event()
    done: list[Recorded] = []
    failed: LabError | None = None
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(record, topology, out, wishes, stop) for topology in topologies]
        try:
            for future in as_completed(waiting):
                try:
                    done.append(future.result())
                except LabError as error:
                    failed = error
                else:
                    told(done[-1])
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    if not wishes.replay:
        write_list(out, {topology.seed for topology in topologies}, done)
    if failed is not None:
        raise failed


def write_list(out: Path, seeds: Iterable[int], done: Iterable[Recorded]) -> None:
    """List recordings, beside those of other seeds that are listed already."""
    anew = {str(seed) for seed in seeds}
    rows: list[Mapping[str, Any]] = [row for one in done for row in one.rows]
    place = out / LIST
    if place.exists():
        with place.open(encoding="utf-8", newline="") as stream:
            rows += [row for row in csv.DictReader(stream) if row["seed"] not in anew]
    rows.sort(key=lambda row: (int(row["seed"]), str(row["path"])))
    fresh = place.with_name(f"{LIST}.new")
    with fresh.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fresh.replace(place)

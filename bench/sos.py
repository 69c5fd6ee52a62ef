"""``python -m bench sos``: stochastic outlier selection beside PyOD's, and on 20,000 rows.

PyOD is run by a Python of its own (``--pyod PYTHON``, or HALIA_PYOD), because it pins more than a
bench should need; without one its lines say NOT RUN. Both sides judge the same rows, take turns,
use one thread, and are warm: only ``fit`` and what it computes are timed, as CPU time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.model import ONE_THREAD
from plugin.core import implementation
from plugin.ml.novelty import sos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROWS, LARGE_ROWS, COLUMNS = 1_000, 20_000, 8
QUICK_ROWS, QUICK_LARGE_ROWS = 200, 300
AWAY, OUTLIERS = 6.0, 5
SPEED_GOAL, DIFFERENCE_GOAL, SECONDS_GOAL = 15.0, 1e-9, 20.0
THEIR_EPS, TIGHT = 1e-5, 1e-12
"""PyOD's default tolerance, and the one at which scores are compared."""
CHILD = Path(__file__).with_name("pyod_sos.py")
CHILD_SECONDS = 600
NO_PYOD = "no Python with PyOD was named (--pyod PYTHON or HALIA_PYOD)"


class Theirs(NamedTuple):
    """PyOD's answer."""

    scores: NDArray[np.float64]
    seconds: float
    versions: str


class Step(NamedTuple):
    """A measured number and its goal; ``value`` None = not run, ``note`` says why."""

    name: str
    value: float | None
    unit: str
    goal: float
    at_least: bool
    note: str

    @property
    def met(self) -> bool:
        """Whether the goal is reached; what was not run misses none."""
        if self.value is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def some_rows(n: int, columns: int = COLUMNS, seed: int = 1) -> NDArray[np.float64]:
    """(n, columns) normal rows, a few of them far away."""
    rows = np.random.default_rng(seed).normal(size=(n, columns))
    rows[:OUTLIERS] += AWAY
    return rows


def their_scores(
    python: str, rows: NDArray[np.float64], *, metric: str, perplexity: float, eps: float
) -> Theirs | str:
    """What PyOD makes of the rows, or why it could not be asked.

    Args:
        python: a Python that can import PyOD.
        rows: (n, columns).
        metric: ``euclidean``, ``sqeuclidean`` or another of PyOD's.
        perplexity: effective number of neighbours.
        eps: tolerance of the entropy, in nats.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "rows.npy", Path(folder) / "scores.npy"
        np.save(given, rows)
        command = [
            python,
            "-I",
            str(CHILD),
            str(given),
            str(made),
            metric,
            *map(repr, (perplexity, eps)),
        ]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **ONE_THREAD},
                capture_output=True,
                text=True,
                check=False,
                timeout=CHILD_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{python}: {error}"
        if done.returncode:
            return f"{python}: {done.stderr.strip().splitlines()[-1] if done.stderr else 'failed'}"
        told = json.loads(done.stdout)
        versions = f"PyOD {told['pyod']}, numpy {told['numpy']}"
        return Theirs(np.load(made), told["cpu_s"], versions)


def ours(rows: NDArray[np.float64], settings: sos.Settings) -> tuple[NDArray[np.float64], float]:
    """Our scores, and the CPU seconds they took."""
    begun = time.process_time()
    found = sos.scores(rows, settings)
    return found, time.process_time() - begun


def compare(python: str | None, rows: int, rounds: int) -> list[Step]:
    """Speed and difference beside PyOD, with PyOD's dissimilarity.

    Our tolerance in the speed runs is our default, which is tighter than PyOD's.
    """
    table, mine = some_rows(rows), sos.Settings(squared=False)

    def theirs(eps: float) -> Theirs | str:
        if python is None:
            return NO_PYOD
        return their_scores(python, table, metric="euclidean", perplexity=sos.PERPLEXITY, eps=eps)

    own, other = [], []
    for _ in range(rounds):
        own.append(ours(table, mine)[1])
        other.append(theirs(THEIR_EPS))
    close = theirs(TIGHT)
    speed = difference = None
    failed = [said for said in (*other, close) if isinstance(said, str)]
    if failed or isinstance(close, str):
        note = failed[0]
    else:
        found, _ = ours(table, mine._replace(tolerance=TIGHT))
        difference = float(np.abs(found - close.scores).max())
        seconds = min(said.seconds for said in other if isinstance(said, Theirs))
        speed = seconds / min(own)
        note = f"{seconds:.3f} s against {min(own):.4f} s; {close.versions}"
    return [
        Step(f"{rows:,} rows: speed beside PyOD", speed, "x", SPEED_GOAL, True, note),
        Step(
            f"{rows:,} rows: largest difference to PyOD at {TIGHT:g}",
            difference,
            "",
            DIFFERENCE_GOAL,
            False,
            "" if difference is not None else note,
        ),
    ]


def alone(rows: int) -> Step:
    """CPU time of many rows, with the paper's dissimilarity or the distance: the slower."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = [ours(some_rows(rows), sos.Settings(squared=squared))[1] for squared in (False, True)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    note = f"distances {took[0]:.2f} s, squares {took[1]:.2f} s; memory grew by {grown:.0f} MB"
    return Step(f"{rows:,} rows: CPU time", max(took), "s", SECONDS_GOAL, False, note)


def run_sos(python: str | None = None, *, rounds: int = 5, quick: bool = False) -> list[Step]:
    """Measure.

    Args:
        python: a Python with PyOD; by default HALIA_PYOD's.
        rounds: how often both judge the smaller table; the smallest CPU times count.
        quick: small tables.
    """
    asked = python or os.environ.get("HALIA_PYOD")
    found = compare(asked, QUICK_ROWS if quick else ROWS, rounds)
    return [*found, alone(QUICK_LARGE_ROWS if quick else LARGE_ROWS)]


def sos_lines(steps: Sequence[Step]) -> list[str]:
    """A line a number."""
    lines = [f"stochastic outlier selection, {COLUMNS} columns, core: {implementation()}"]
    for step in steps:
        sign = ">=" if step.at_least else "<="
        goal = f"(goal {sign} {step.goal:g}{' ' if step.unit else ''}{step.unit})"
        if step.value is None:
            lines.append(f"NOT RUN  {step.name} {goal}: {step.note}")
            continue
        outcome = "met    " if step.met else "MISSED "
        value = f"{step.value:.3g}{' ' if step.unit else ''}{step.unit}"
        lines.append(
            f"{outcome}  {step.name}: {value} {goal}{'; ' if step.note else ''}{step.note}"
        )
    return lines


def sos_object(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [step._asdict() | {"met": step.met} for step in steps]

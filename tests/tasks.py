"""Tasks for pools of processes: importable by name wherever they run."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

from plugin.ml.flow_search import Labelled, Trial, Tried, attempt
from plugin.offline.flow_learning import Input
from plugin.offline.flow_passes import Bad, Measured, Stage, labelled_parts

DEADLY_SPLIT = 1003


def square(shared: Any, task: int) -> float:
    """Shared numbers, scaled."""
    return float(np.asarray(shared).sum()) * task


def dying(shared: tuple[str, Any, int], task: int) -> float:
    """The same, but the process of one task is killed while it works: once."""
    folder, numbers, deadly = shared
    if task == deadly:
        _once(Path(folder) / f"deadly-{task}")
    return square(numbers, task)


def deadly_parts(stage: Stage, given: Input) -> Measured | Bad:
    """What a pass does, but a worker that reads a capture named "deadly" is killed: once."""
    _once(given.path)
    return labelled_parts(stage, given)


def deadly_attempt(flows: Labelled, trial: Trial) -> Tried:
    """A trial, but the worker of one of them is killed while it has the flows in memory: once."""
    if trial.split == DEADLY_SPLIT:
        _once(Path(os.environ["DEADLY_MARK"]))
    return attempt(flows, trial)


def _once(path: Path) -> None:
    mark = path.with_suffix(".died")
    if "deadly" in path.name and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def refusing(shared: int, task: int) -> int:
    """A function that cannot do one of its tasks."""
    if task == shared:
        raise ValueError(f"task {task} is wrong")
    return task

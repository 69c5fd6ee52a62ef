"""``python -m bench flows``: captures to rows of flow features, and learning, beside netml's.

netml is run by a Python of its own (``--netml PYTHON``, or HALIA_NETML); without one its lines say
NOT RUN. Both take turns, on one thread each. What counts is CPU time: of ours the whole process
with its start, of netml's only from the capture on, without its start of seconds. netml reads the
first packets of the same capture, because all of it would take an hour; rates are compared.

Learning is timed as commands, both with their start: ``halia learn`` and ``netml learn`` on netml's
demo capture and labels, with the one-class SVM that is netml's default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.child import ContenderFailedError, child_environment, run_child
from bench.inputs import ROOT, Skipped, merged_input, sample_of, shared_folder, short_input
from bench.model import ONE_THREAD
from bench.rounds import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.inputs import Input

RATE_GOAL, LEARN_GOAL = 1_000.0, 20.0
REPLICAS, PART = 7, 10_000
QUICK_PACKETS, QUICK_PART = 6_000, 500
SHORT_PACKETS = 1_600_000
FEATURES = ("IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP_NUM", "SAMP_SIZE")
CHILD = Path(__file__).with_name("netml_flows.py")
CHILD_SECONDS = 1800
NO_NETML = "no Python with netml was named (--netml PYTHON or HALIA_NETML)"


class Step(NamedTuple):
    """How many times netml's rate ours is; ``value`` None = not run, ``note`` says why."""

    name: str
    value: float | None
    goal: float
    note: str

    @property
    def met(self) -> bool:
        """Whether the goal is reached; what was not run misses none."""
        return self.value is None or self.value >= self.goal


class NotRunError(Exception):
    """Why a contender did not run, in a line."""


def their_seconds(python: str, capture: Path) -> tuple[float, str]:
    """Netml's CPU seconds from the capture to gaps (its default feature), and its version.

    Raises:
        NotRunError: it could not be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.npz"
        try:
            done = subprocess.run(
                [python, "-I", str(CHILD), str(capture), str(made), "IAT-0-0"],
                env=child_environment(ONE_THREAD),
                capture_output=True,
                text=True,
                check=False,
                timeout=CHILD_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotRunError(f"{python}: {error}") from error
    if done.returncode:
        last = done.stderr.strip().splitlines() or ["failed"]
        raise NotRunError(f"{python}: {last[-1]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return sum(told["cpu_s"].values()), f"netml {told['versions']['netml']}"


def our_seconds(capture: Path, features: Sequence[str]) -> tuple[float, int, float]:
    """CPU seconds of a fresh process from the capture to rows; packets; peak memory, MB."""
    command = [sys.executable, "-m", "bench.our_flows", str(capture), *features]
    found = run_child(command, {**ONE_THREAD, "PYTHONPATH": str(ROOT)})
    assert found.packets is not None
    return found.cpu_s, found.packets, found.rss_mb


def rates(source: Input, python: str | None, part: Input, packets: int, rounds: int) -> Step:
    """Packets a second of both, the best of rounds in turns."""
    name = f"{source.name}: packets a CPU second beside netml"
    ours, theirs, version = [], [], ""
    read, memory = 0, 0.0
    for number in range(rounds):
        took, read, memory = our_seconds(source.path, FEATURES[:1])
        ours.append(took)
        say(f"round {number + 1} {source.name}: Halia {took:.3f} s CPU")
        if python:
            try:
                spent, version = their_seconds(python, part.path)
            except NotRunError as error:
                return Step(name, None, RATE_GOAL, str(error))
            theirs.append(spent)
            say(f"round {number + 1} {part.what}: netml {spent:.3f} s CPU")
    mine = f"{read:,} packets in {min(ours):.3f} s = {read / min(ours):,.0f}/s, {memory:.0f} MB"
    if not python:
        return Step(name, None, RATE_GOAL, f"{NO_NETML}; Halia: {mine}")
    rate = packets / min(theirs)
    note = f"{mine}; {version}: {part.what} in {min(theirs):.2f} s = {rate:,.0f}/s"
    return Step(name, read / min(ours) / rate, RATE_GOAL, note)


def all_features(source: Input) -> Step:
    """All six features of a capture: told, without a goal."""
    one, packets, _ = our_seconds(source.path, FEATURES[:1])
    took, _, memory = our_seconds(source.path, FEATURES)
    note = f"{took:.3f} s for six, {one:.3f} s for one, of {packets:,} packets; {memory:.0f} MB"
    return Step(f"{source.name}: all features, share of the time for one", took / one, 0, note)


def learning(python: str | None, rounds: int) -> Step:
    """Learning from netml's demo, both commands whole; CPU time."""
    name = "learn on netml's demo capture: CPU beside netml's command"
    folder = shared_folder()
    if folder is None or not (folder / "netml" / "demo.pcap").is_file():
        return Step(name, None, LEARN_GOAL, "no shared data folder (set HALIA_SHARED)")
    capture, labels = (str(folder / "netml" / f"demo.{kind}") for kind in ("pcap", "csv"))
    given = ["learn", f"--pcap={capture}", f"--label={labels}"]
    with tempfile.TemporaryDirectory() as made:
        ours = [sys.executable, "-m", "plugin", *given, "--algorithm=OCSVM"]
        theirs = [str(Path(python or "").with_name("netml")), *given, "--algorithm=ocsvm"]
        found: dict[str, list[float]] = {"Halia": [], "netml": []}
        for number in range(rounds):
            for who, command in (("Halia", ours), ("netml", theirs)):
                if who == "netml" and not python:
                    continue
                output = f"--output={made}/{who}-{number}"
                try:
                    run = run_child([*command, output], {**ONE_THREAD, "PYTHONPATH": str(ROOT)})
                except ContenderFailedError as error:
                    return Step(name, None, LEARN_GOAL, f"{who}: {error}")
                found[who].append(run.cpu_s)
    mine = f"Halia {min(found['Halia']):.3f} s"
    if not python:
        return Step(name, None, LEARN_GOAL, f"{NO_NETML}; {mine}")
    their = min(found["netml"])
    return Step(name, their / min(found["Halia"]), LEARN_GOAL, f"{mine}, netml {their:.2f} s")


def run_flows(
    cache: Path, python: str | None = None, *, rounds: int = 3, quick: bool = False
) -> list[Step]:
    """Measure.

    Args:
        cache: where made captures are kept.
        python: a Python with netml; by default HALIA_NETML's.
        rounds: of which the best counts, of each.
        quick: a small capture.
    """
    asked = python or os.environ.get("HALIA_NETML")
    wanted: list[Callable[[], Input | Skipped]] = [
        lambda: short_input(cache, QUICK_PACKETS if quick else SHORT_PACKETS)
    ]
    if not quick:
        wanted.insert(0, lambda: merged_input(cache, REPLICAS))
    packets, steps = QUICK_PART if quick else PART, []
    for make in wanted:
        source = make()
        if isinstance(source, Skipped):
            steps.append(Step(f"{source.name}: packets a CPU second", None, 0, source.reason))
            continue
        part = sample_of(source, cache, packets)
        steps += [rates(source, asked, part, packets, rounds), all_features(source)]
    return [*steps, learning(asked, rounds)]


def flows_lines(steps: Sequence[Step]) -> list[str]:
    """A line a number."""
    lines = ["flow features beside netml's"]
    for step in steps:
        goal = f" (goal >= {step.goal:g} x)" if step.goal else ""
        if step.value is None:
            lines.append(f"NOT RUN  {step.name}{goal}: {step.note}")
            continue
        outcome = "measured" if not step.goal else "met     " if step.met else "MISSED  "
        lines.append(f"{outcome} {step.name}: {step.value:,.3g} x{goal}; {step.note}")
    return lines


def flows_object(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [step._asdict() | {"met": step.met} for step in steps]

"""``python -m bench anomaly``: what looking for behaviours costs, and a fresh classify with all.

Packets are counted by the second while a capture is read; then the compiled core judges all of its
events by all behaviours. Both together, findings in words included, is what a session costs (the
goal is theirs). CPU in this process, smallest of the rounds, on captures of devices merged into
one, on those and attacks, and on generated traffic (whose sizes and targets are drawn by lot, so
that some of it looks like a tunnel or a sweep). A stream is judged event by event; what that costs
is told too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bench.inputs import (
    Input,
    Skipped,
    devices_input,
    empty_input,
    merged_input,
    short_input,
    small_input,
)
from bench.tables import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plugin.records import Capture

MICROS_GOAL = 1.0
"""Of all behaviours, a session."""
CLASSIFY_GOAL = 15.0
"""Times bare Python: a fresh classify with all findings on netml's demo capture."""
STREAM_PACKETS = 8_192
"""Records at a time, about what a second of a busy mirror gives."""


class Cost(NamedTuple):
    """What behaviours cost on one capture, CPU seconds."""

    name: str
    what: str
    packets: int
    sessions: int
    findings: int
    counting_s: float
    judging_s: float
    streaming_s: float
    """Events of a stream and all detectors on them."""

    @property
    def micros(self) -> float:
        """A session: to count and to judge."""
        return (self.counting_s + self.judging_s) / max(self.sessions, 1) * 1e6

    @property
    def met(self) -> bool:
        """At most 1 µs a session."""
        return self.micros <= MICROS_GOAL


class Report(NamedTuple):
    """All of it."""

    costs: tuple[Cost, ...]
    skipped: tuple[Skipped, ...]
    times: float
    """CPU of a fresh classify as a multiple of bare Python's; 0: it did not run."""
    on: str
    """What classify ran on."""

    @property
    def failed(self) -> bool:
        """A goal was missed."""
        return not (all(cost.met for cost in self.costs) and 0 < self.times <= CLASSIFY_GOAL)


def run_anomaly(cache: Path, *, rounds: int = 5, quick: bool = False) -> Report:
    """Measure on the merged captures of the shared data folder (if there) and generated ones.

    Args:
        cache: where made captures are kept.
        rounds: of which the smallest counts.
        quick: on small ones.
    """
    wanted: list[Input | Skipped] = [short_input(cache, 6_000 if quick else 400_000)]
    if not quick:
        wanted = [devices_input(cache), merged_input(cache, 1), *wanted]
    inputs = [one for one in wanted if isinstance(one, Input)]
    skipped = tuple(one for one in wanted if isinstance(one, Skipped))
    small = small_input(cache)
    return Report(
        tuple(cost_of(one, rounds) for one in inputs),
        skipped,
        _classified(small, empty_input(cache), rounds),
        small.what,
    )


def cost_of(source: Input, rounds: int) -> Cost:
    """Time the behaviours of one capture."""
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.offline.behaviours import findings_of
    from plugin.offline.read import read_capture
    from plugin.sessions.watch import Watch

    capture = read_capture(source.path, packets=True, watched=True)
    rows = capture.packets
    assert rows is not None
    parameters = Parameters()

    def count() -> None:
        watch = Watch()
        for begin in range(0, len(rows), STREAM_PACKETS):
            watch.take(rows[begin : begin + STREAM_PACKETS])
        watch.seen()

    return Cost(
        source.name,
        source.what,
        len(rows),
        len(capture.sessions),
        len(findings_of(capture, parameters)),
        _smallest(count, rounds),
        _smallest(lambda: findings_of(capture, parameters), rounds),
        _smallest(lambda: _streamed(capture), 1),
    )


def _streamed(capture: Capture) -> None:
    from plugin.ml.behaviour import Behaviours
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.records import mac_text
    from plugin.sessions.live import LiveSessions

    names = [mac_text(mac.tobytes()) for mac in capture.macs["mac"]]
    live, behaviours = LiveSessions(names.__getitem__), Behaviours(Parameters())
    rows = capture.packets
    assert rows is not None
    for begin in range(0, len(rows), STREAM_PACKETS):
        for event in live.packets(rows[begin : begin + STREAM_PACKETS]):
            behaviours.step(event)


def _smallest(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds, smallest of the rounds."""
    found = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def _classified(small: Input, empty: Input, rounds: int) -> float:
    from bench.contenders import BARE, CLASSIFY
    from bench.rounds import run_rounds

    bare, ours = run_rounds((BARE, CLASSIFY), lambda _: small, rounds, empty)
    return 0.0 if bare.failed or ours.failed or not bare.cpu_s else ours.cpu_s / bare.cpu_s


def anomaly_lines(report: Report) -> list[str]:
    """A row a capture, and what classify costs."""
    header = (
        "input", "packets", "sessions", "findings", "counting ms", "judging ms", "µs a session",
        "goal", "", "stream µs a session", "",
    )  # fmt: skip
    rows: list[Sequence[str]] = [header]
    rows += [
        (
            cost.what,
            f"{cost.packets:,}",
            f"{cost.sessions:,}",
            str(cost.findings),
            f"{cost.counting_s * 1e3:.1f}",
            f"{cost.judging_s * 1e3:.1f}",
            f"{cost.micros:.2f}",
            f"<= {MICROS_GOAL:g}",
            "met" if cost.met else "MISSED",
            f"{cost.streaming_s / max(cost.sessions, 1) * 1e6:.1f}",
            "",
        )
        for cost in report.costs
    ]
    met = "met" if 0 < report.times <= CLASSIFY_GOAL else "MISSED"
    classify = f"fresh classify, {report.on}: {report.times:.1f} x bare Python"
    skipped = [f"NOT RUN: {one.name}: {one.reason}" for one in report.skipped]
    return [*columns(rows, left=1), *skipped, f"{classify} (goal: <= {CLASSIFY_GOAL:g}) {met}"]

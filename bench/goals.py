"""Ratios, when they are refused, and the goals that they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from bench.inputs import BIG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.rounds import Best
    from bench.truth import Truth

Metric = Literal["cpu_s", "wall_s", "rss_mb"]
Outcome = Literal["met", "missed", "refused", "not judged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal.

    Attributes:
        name: what it says, in words.
        source: the input it is judged on.
        ours: Halia's contender.
        other: the contender compared with, or empty for a fixed number.
        fixed: what ours is compared with when ``other`` is empty.
        metric: CPU or wall seconds, or peak memory (MB).
        at_most: ours / other may be at most this ...
        at_least: ... or other / ours must be at least this.
        big_only: judged on a big file only.
    """

    name: str
    source: str
    ours: str
    other: str = ""
    fixed: float = 0.0
    metric: Metric = "cpu_s"
    at_most: float = 0.0
    at_least: float = 0.0
    big_only: bool = True


class Judged(NamedTuple):
    """A goal and how it came out; ``value`` is the measured ratio or None."""

    goal: Goal
    outcome: Outcome
    value: float | None
    why: str


def _big(source: str, nfstream: float) -> tuple[Goal, ...]:
    """The goals on one big file; ``nfstream`` 0 leaves that one out."""
    goals = [
        Goal(name="info <= 4 x cat", source=source, ours="halia info", other="cat", at_most=4),
        Goal(
            name="info <= 1 x tcpdump -w",
            source=source,
            ours="halia info",
            other="tcpdump -w",
            at_most=1,
        ),
        Goal(
            name="features >= 60 x dpkt dict",
            source=source,
            ours="halia features",
            other="dpkt dict",
            at_least=60,
        ),
        Goal(
            name="features >= 1,000 x scapy",
            source=source,
            ours="halia features",
            other="scapy",
            at_least=1_000,
        ),
    ]
    if nfstream:
        goals.append(
            Goal(
                name=f"features >= {nfstream:g} x nfstream",
                source=source,
                ours="halia features",
                other="nfstream",
                at_least=nfstream,
            )
        )
    return tuple(goals)


GOALS: tuple[Goal, ...] = (
    *_big("short", 50),
    *_big("merge", 0),
    *_big("long", 25),
    Goal(
        name="reference >= 3 x nfstream",
        source="short",
        ours="halia info, reference",
        other="nfstream",
        at_least=3,
    ),
    Goal(
        name="info: memory <= 1/5 of nfstream's",
        source="short",
        ours="halia info",
        other="nfstream",
        metric="rss_mb",
        at_most=0.2,
    ),
    Goal(
        name="info: <= 160 MB at 11 M packets",
        source="huge",
        ours="halia info",
        fixed=1,
        metric="rss_mb",
        at_most=160,
    ),
    Goal(
        name="sessions: <= 160 MB at 11 M packets",
        source="huge",
        ours="halia sessions",
        fixed=1,
        metric="rss_mb",
        at_most=160,
    ),
    Goal(
        name="fresh info <= 4 x bare Python",
        source="small",
        ours="halia info",
        other="bare Python",
        at_most=4,
        big_only=False,
    ),
    Goal(
        name="fresh classify <= 12 x bare Python",
        source="small",
        ours="halia classify",
        other="bare Python",
        at_most=12,
        big_only=False,
    ),
    Goal(
        name="fresh classify >= 50 x faster than networkml's 12 s (recorded)",
        source="small",
        ours="halia classify",
        fixed=12.0,
        metric="wall_s",
        at_least=50,
        big_only=False,
    ),
)


def refusals(rows: Sequence[Best], ours: set[str], truth: Truth) -> list[str]:
    """Why no ratio of an input may be shown: empty when our counts are the true ones.

    Args:
        rows: all contenders' results on the input.
        ours: names of Halia's contenders.
        truth: tshark's frames and the dpkt loop's sessions.
    """
    out = []
    if truth.read != truth.frames:
        out.append(f"the dpkt loop read {truth.read:,} frames, tshark {truth.frames:,}")
    judged = [row for row in rows if row.name in ours and not row.failed]
    if not judged:
        out.append("none of our own contenders came through")
    for row in judged:
        if row.packets != truth.frames:
            out.append(f"{row.name}: {row.packets} packets, tshark has {truth.frames}")
        if row.sessions != truth.sessions:
            out.append(f"{row.name}: {row.sessions} sessions, the dpkt loop has {truth.sessions}")
    return out


def ratio(numerator: float, denominator: float) -> float | None:
    """Their ratio, or None without a denominator."""
    return numerator / denominator if denominator > 0 else None


def judge(goal: Goal, rows: Mapping[str, Best], refused: Sequence[str], size: int) -> Judged:
    """Hold one goal against the rows of its input.

    Args:
        goal: the goal.
        rows: results by contender.
        refused: reasons for which the input's ratios are refused.
        size: bytes of the input.

    Returns:
        The outcome: a refused ratio and a contender of ours that failed count as not met.
    """
    if goal.big_only and size < BIG:
        return Judged(goal, "not judged", None, f"the file has less than {BIG // 10**6} MB")
    if refused:
        return Judged(goal, "refused", None, "; ".join(refused))
    mine, other = rows.get(goal.ours), rows.get(goal.other)
    if mine is None or mine.failed:
        return Judged(goal, "missed", None, mine.failed if mine else "did not run")
    if goal.other and (other is None or other.failed):
        return Judged(goal, "not judged", None, other.failed if other else "did not run")
    theirs = float(getattr(other, goal.metric)) if goal.other else goal.fixed
    own = float(getattr(mine, goal.metric))
    value = ratio(theirs, own) if goal.at_least else ratio(own, theirs)
    if value is None:
        return Judged(goal, "missed", None, "nothing to divide by")
    met = value >= goal.at_least if goal.at_least else value <= goal.at_most
    net = net_ratio(mine, other) if goal.metric == "cpu_s" and other and goal.big_only else None
    beside = "" if net is None else f"({net if goal.at_least else 1 / net:,.2f} without starts)"
    return Judged(goal, "met" if met else "missed", value, beside)


def net_ratio(mine: Best, other: Best) -> float | None:
    """How many times faster ours is when neither's start counts; None without such times."""
    own, theirs = mine.cpu_s - mine.start_s, other.cpu_s - other.start_s
    return theirs / own if own > 0 and theirs > 0 else None

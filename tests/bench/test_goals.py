from __future__ import annotations

from typing import Any

import pytest

from bench.goals import GOALS, Goal, judge, net_ratio, ratio, refusals
from bench.inputs import BIG
from bench.rounds import Best
from bench.truth import Truth

TRUTH = Truth(frames=100, sessions=7, read=100)
OURS = {"halia info", "halia features"}


def row(name: str, cpu: float = 1.0, **more: Any) -> Best:
    values = {"packets": 100, "sessions": 7, "runs": 3, "rss_mb": 50.0} | more
    return Best(name=name, cpu_s=cpu, wall_s=cpu * 2, **values)


def test_equal_counts_are_not_refused() -> None:
    assert refusals([row("halia info"), row("halia features")], OURS, TRUTH) == []


@pytest.mark.parametrize("wrong", [{"packets": 99}, {"sessions": 8}, {"packets": None}])
def test_a_differing_count_of_ours_refuses_all_ratios(wrong: dict[str, Any]) -> None:
    rows = [row("halia info"), row("halia features", **wrong)]
    (reason,) = refusals(rows, OURS, TRUTH)
    assert "halia features" in reason


def test_a_peers_differing_count_refuses_nothing() -> None:
    assert refusals([row("halia info"), row("nfstream", packets=1)], OURS, TRUTH) == []


def test_referees_that_disagree_refuse_all_ratios() -> None:
    found = refusals([row("halia info")], OURS, TRUTH._replace(read=99))
    assert found == ["the dpkt loop read 99 frames, tshark 100"]


def test_without_our_own_run_there_is_no_ratio() -> None:
    assert refusals([row("halia info", failed="gone")], OURS, TRUTH) == [
        "none of our own contenders came through"
    ]


AT_MOST = Goal(name="g", source="short", ours="halia info", other="cat", at_most=4)
AT_LEAST = Goal(name="g", source="short", ours="halia info", other="cat", at_least=4)
MEMORY = Goal(name="g", source="huge", ours="halia info", fixed=1, metric="rss_mb", at_most=160)
FASTER = Goal(name="g", source="s", ours="halia info", fixed=12, metric="wall_s", at_least=50)


def outcome(goal: Goal, ours: Best, other: Best | None = None) -> tuple[str, float | None]:
    rows = {ours.name: ours} | ({other.name: other} if other else {})
    judged = judge(goal, rows, [], BIG)
    return judged.outcome, judged.value


@pytest.mark.parametrize(("cpu", "expected"), [(4.0, "met"), (4.01, "missed")])
def test_at_most_divides_ours_by_theirs(cpu: float, expected: str) -> None:
    assert outcome(AT_MOST, row("halia info", cpu), row("cat", 1.0)) == (expected, cpu)


@pytest.mark.parametrize(("cpu", "expected"), [(4.0, "met"), (3.99, "missed")])
def test_at_least_divides_theirs_by_ours(cpu: float, expected: str) -> None:
    assert outcome(AT_LEAST, row("halia info", 1.0), row("cat", cpu)) == (expected, cpu)


def test_a_fixed_bound_needs_no_peer() -> None:
    assert outcome(MEMORY, row("halia info", rss_mb=160.0)) == ("met", 160.0)
    assert outcome(MEMORY, row("halia info", rss_mb=161.0)) == ("missed", 161.0)
    assert outcome(FASTER, row("halia info", 0.12)) == ("met", 50.0)
    assert outcome(FASTER, row("halia info", 0.13))[0] == "missed"


def test_a_refused_input_has_no_value() -> None:
    rows = {"halia info": row("halia info"), "cat": row("cat")}
    judged = judge(AT_MOST, rows, ["counts differ"], BIG)
    assert (judged.outcome, judged.value, judged.why) == ("refused", None, "counts differ")


def test_a_small_file_is_not_judged() -> None:
    rows = {"halia info": row("halia info"), "cat": row("cat")}
    assert judge(AT_MOST, rows, [], BIG - 1).outcome == "not judged"


def test_ours_that_failed_is_a_miss_and_a_missing_peer_is_none() -> None:
    assert outcome(AT_MOST, row("halia info", failed="exit 1"), row("cat"))[0] == "missed"
    assert outcome(AT_MOST, row("halia info"), row("cat", failed="missing"))[0] == "not judged"


def test_ratios_without_a_start() -> None:
    assert net_ratio(row("a", 1.5, start_s=0.5), row("b", 6.0, start_s=1.0)) == 5.0
    assert net_ratio(row("a", 0.5, start_s=0.5), row("b", 6.0)) is None
    assert ratio(1.0, 0.0) is None


def test_every_goal_has_one_bound_and_a_name_of_its_own() -> None:
    assert all((goal.at_most > 0) != (goal.at_least > 0) for goal in GOALS)
    assert all(bool(goal.other) != bool(goal.fixed) for goal in GOALS)
    names = [(goal.source, goal.name) for goal in GOALS]
    assert len(set(names)) == len(names)

"""The bench of the policy: what it measures, and that a missed goal is a failure."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import main
from bench.policy import RULES, Step, policy, policy_lines, run_policy


def test_a_missed_goal_is_told() -> None:
    good = Step("a", 10, 499.0, 1.0, 1.0, 500.0)
    missed = good._replace(us=501.0)
    assert (good.met, missed.met) == (True, False)
    assert "MISSED" in policy_lines([good, missed])[-1]


def test_a_missed_goal_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.policy.DECISION_US", 1e-6)
    assert main(["policy", "--quick"]) == 0
    assert main(["policy", "--quick", "--check"]) == 1


def test_the_policy_has_as_many_rules_as_is_said() -> None:
    assert len(policy().rules) == RULES


def test_a_small_run_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert [step.decisions for step in run_policy(100)] == [100] * 5 + [999, 99]
    assert main(["policy", "--quick", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps[0]["decisions"] == 500
    assert all(step["us"] > 0 for step in steps)

"""The bench of a running Halia: what it measures in a lab, and that a missed goal is one."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import main
from bench.live import Timed, live_lines
from tests.labs import need_lab


def test_the_slowest_counts() -> None:
    assert Timed("a", 1.0, (0.1, 1.0)).met
    assert not Timed("a", 1.0, (0.1, 1.01)).met
    assert not Timed("a", 1.0, ()).met
    assert "MISSED" in live_lines([Timed("a", 1.0, (2.0,))])[0]


def test_a_small_run_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    need_lab(rabbit=True)
    assert main(["live", "--quick", "--json"]) == 0
    known, verdicts = json.loads(capsys.readouterr().out)["timed"]
    assert len(known["seconds"]) == 2
    assert len(verdicts["seconds"]) >= 2

"""The bench of isolations: what it measures in a lab, and that a missed goal is one."""

from __future__ import annotations

import json

import pytest

from bench.__main__ import main
from bench.isolate import Measured, isolate_lines
from bench.streams import Arrived, missing
from bench.writing import isolations
from plugin.actions import Place
from tests.labs import need_lab


def test_each_goal_is_held_against_its_own_figure() -> None:
    values = tuple(float(n) for n in range(20))  # median 9.5, 95th percentile 18, worst 19
    assert Measured("a", "s", values, 9.5, 18.0, 19.0).met
    assert not Measured("a", "s", values, 9.4).met
    assert not Measured("a", "s", values, None, 17.9).met
    assert not Measured("a", "s", values, None, None, 18.9).met
    assert not Measured("a", "s", ()).met


def test_a_miss_is_said() -> None:
    met, missed = isolate_lines([Measured("a", "s", (2.0,)), Measured("b", "s", (2.0,), 1.0)])
    assert met.split()[0] == "met"
    assert "no goal" in met
    assert missed.split()[0] == "MISSED"
    assert "median 1" in missed


def test_what_is_missing_between_the_first_and_the_last_is_lost() -> None:
    assert missing([]) == 0
    assert missing([Arrived(n, 0.0) for n in (3, 4, 7, 7)]) == 2


def test_what_the_writer_is_told() -> None:
    (one,) = isolations([[7, "02:00:00:00:00:01", "sw1", 3]])
    assert (one.cookie, one.mac, one.action.kind) == (7, "02:00:00:00:00:01", "block")
    assert one.place == Place("sw1", 3, 100)


def test_a_small_run_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    need_lab()
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    assert main(["isolate", "--quick", "--json"]) == 0
    stopped, few, many, leaked, *proofs = json.loads(capsys.readouterr().out)["measured"]
    assert len(proofs) == 4
    assert len(stopped["values"]) == 2
    assert leaked["values"] == [0.0, 0.0]
    assert all(one["values"] for one in (few, many, *proofs))

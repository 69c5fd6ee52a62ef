"""The record of a check."""

from __future__ import annotations

import json

from plugin.offline.doctor.check import State, failed, ok, skipped, warn


def test_each_state() -> None:
    checks = [ok("a", "b"), warn("a", "b", "c"), failed("a", "b", "c"), skipped("a", "b")]
    assert [check.state for check in checks] == list(State)
    assert [check.remedy for check in checks] == [None, "c", "c", None]
    assert json.loads(json.dumps(checks[1]._asdict())) == {
        "name": "a", "state": "warn", "what": "b", "remedy": "c",
    }  # fmt: skip

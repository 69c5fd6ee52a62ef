from __future__ import annotations

import json

from tests.deeds import plan_here


def test_a_plan_can_be_told() -> None:
    told = json.loads(json.dumps(plan_here("scan")._asdict()))
    assert told["kind"] == "scan"
    assert told["seconds"] is None

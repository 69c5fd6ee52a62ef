"""The records that others make and show."""

from __future__ import annotations

import json

from plugin.actions import Report
from plugin.app.ways import Shown, dry


def test_how_it_stands_is_json() -> None:
    shown = Shown(adapter="sighup", wanted=2, proven=1, problem="no space")
    document = json.loads(json.dumps(shown._asdict()))
    assert (document["adapter"], document["wanted"], document["proven"]) == ("sighup", 2, 1)
    assert document["written_at"] is None
    assert document["problem"] == "no space"


def test_a_dry_run_has_done_nothing() -> None:
    seven = frozenset({7})
    report = dry(Report(wanted=seven, written=seven, loaded=seven, proven=seven, absent=seven))
    assert report == Report(wanted=seven, absent=seven, refused={7: "dry run: nothing is written"})

"""All detectors on one stream."""

from __future__ import annotations

from plugin.ml.behaviour import Behaviours
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import Parameters
from plugin.traffic import Answered, Counted, Opened

IP = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 1))


def test_failed_openings_reach_the_scan_detectors_and_answered_ones_do_not() -> None:
    for answered in (False, True):
        behaviours, found = Behaviours(Parameters()), []
        for i in range(30):
            opened = Opened(i * SECOND // 10, i, "m", 6, IP, IP[:-1] + bytes([i]), 5, 445)
            found += behaviours.step(opened)
            if answered:
                found += behaviours.step(Answered(opened.time + 1, opened, refused=False))
        found += behaviours.step(Counted(60 * SECOND, "m", IP, "udp", 1))
        names = [one.finding.name for one in found]
        assert names == ([] if answered else ["horizontal-scan"])

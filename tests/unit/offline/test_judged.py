"""What the compiled core finds, in the words of the live detectors."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from plugin import core
from plugin.core import implementation
from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.behaviours import by_events
from plugin.offline.judged import compiled_findings, in_words, packed
from plugin.offline.read import read_capture
from tests import attacks, judging
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("core")


@pytest.mark.parametrize("sample", attacks.SAMPLES)
def test_each_behaviour_is_told_as_the_stream_tells_it(tmp_path: Path, sample: str) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*attacks.SAMPLES[sample]))
    capture = read_capture(path, watched=True)
    expected = list(by_events(capture, Parameters()))
    assert sample in {one.finding.name for one in expected}
    found = compiled_findings(capture, Parameters())
    assert found == (None if implementation() == "reference" else expected)


def test_a_capture_of_nothing_has_no_findings(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap())
    assert not compiled_findings(read_capture(path, watched=True), Parameters())


def test_rows_and_rules_that_do_not_fit_are_refused() -> None:
    if implementation() == "reference":
        assert core.behaviours(*packed(judging.capture(Random(1)), Parameters())) is None
        return
    capture = judging.capture(Random(1))
    rows, last, ports, rules = packed(capture, Parameters())
    told = core.behaviours(rows, last, ports, rules)
    assert told is not None
    assert in_words(told, capture, Parameters()) == compiled_findings(capture, Parameters())
    sessions, macs, seconds, arp, uses = rows
    cases = (
        ((bytes(sessions)[:-1], macs, seconds, arp, uses), ports, rules),
        ((sessions, b"", seconds, arp, uses), ports, rules),
        (rows, ports[1:], rules),
        (rows, ports, rules[8:]),
        (rows, ports, rules[:16] + bytes(8) + rules[24:]),  # a scan of no hosts
        (rows, ports, rules[:-8] + b"\xff" * 8),  # no number
    )
    for torn, table, packed_rules in cases:
        with pytest.raises(ValueError, match="fit each other"):
            core.behaviours(torn, last, table, packed_rules)

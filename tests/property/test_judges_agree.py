"""The compiled core judges a whole capture as the live detectors do, finding by finding.

Whatever the rows: episodes that end exactly at their bound, events of one time, several offenders,
answers that come late, tables that are full.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin import core
from plugin.ml.behaviour import NAMES
from plugin.offline.behaviours import by_events
from plugin.offline.judged import compiled_findings
from tests import judging


@pytest.fixture(autouse=True)
def compiled() -> None:
    if core.implementation() == "reference":
        pytest.skip("the extension is not built")


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 1 << 32))
def test_the_same_is_found_in_the_same_order(seed: int) -> None:
    chance = Random(seed)
    rules, capture = judging.rules(chance), judging.capture(chance)
    assert compiled_findings(capture, rules) == list(by_events(capture, rules))


def test_there_is_something_to_find_of_each_kind() -> None:
    seen = set()
    for seed in range(60):
        chance = Random(seed)
        rules, capture = judging.rules(chance), judging.capture(chance)
        seen |= {one.finding.name for one in compiled_findings(capture, rules) or ()}
    assert seen == NAMES

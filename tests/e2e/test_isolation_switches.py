"""Two switches with a trunk between them: what can be done there, and what is refused.

Only the first has a collector, so each switch has a hook of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.isolating import TWO_SWITCHES
from tests.isolation_cases import (
    APART,
    BLOCK,
    LIMIT,
    REDIRECT,
    SERVICES,
    Case,
    Setup,
    installed,
    trial,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SEVERAL = "with several datapaths no rule can send to a port of one of them"
CASES = {
    "blocked behind the other switch": Case(
        {"victim": BLOCK, "m1": SERVICES, "desk": LIMIT},
        {"victim": "spare"},
        {},
    ),
    "quarantined behind the other switch": Case(
        {"victim": SERVICES, "m1": LIMIT, "outside": BLOCK}, {"victim": "spare"}, {}
    ),
    "in another VLAN at the other switch": Case(
        {"victim": APART, "m1": REDIRECT, "m2": APART},
        {},
        {"m1": SEVERAL, "m2": "would be moved with it"},
    ),
}


@pytest.fixture(scope="module", params=[False, True], ids=["no-acl", "port-acl"])
def setup(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setup]:
    folder = tmp_path_factory.mktemp("stations")
    words = "--remediation", "sw2:7"
    with installed(folder, *words, switches=TWO_SWITCHES, port=request.param) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_each_frame_is_where_it_should_be_at_both_switches(setup: Setup, name: str) -> None:
    trial(setup, name, CASES[name])

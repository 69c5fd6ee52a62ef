"""A device that is watched by itself, where nothing else is mirrored: each of its frames once.

Who is at a port that ends in an ACL of the operator is not watched, and what enters there is not
seen: a watch there would let pass what he denies. Services of a quarantined device that is watched
are copied by the rules that let them pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.isolating import TWO_SWITCHES
from tests.isolation_cases import BLOCK, LIMIT, SERVICES, Case, Setup, installed, trial

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = {
    "own port, shared port, uplink": Case({}, {"victim": "spare"}, {}, ("victim", "m1", "outside")),
    "watched and isolated": Case(
        {"m1": SERVICES, "victim": BLOCK, "outside": LIMIT}, {}, {}, ("m1", "victim", "outside")
    ),
}
TWO = {
    "at both switches": Case({}, {"victim": "spare"}, {}, ("desk", "outside", "victim", "m1")),
    "isolated and watched at both switches": Case(
        {"m1": SERVICES, "victim": BLOCK, "outside": LIMIT},
        {},
        {},
        ("m1", "victim", "outside", "desk"),
    ),
}
"""Nobody at the switch without a collector is watched; who is watched is so only at the other."""


@pytest.fixture(scope="module", params=[(False, False), (True, True)], ids=["no-acl", "both-acls"])
def setup(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setup]:
    port, vlan = request.param
    folder = tmp_path_factory.mktemp("stations")
    with installed(folder, "--mirror", "none", port=port, vlan=vlan) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_a_watched_devices_frames_are_copied_once_and_nothing_else_changes(
    setup: Setup, name: str
) -> None:
    trial(setup, name, CASES[name])


@pytest.fixture(scope="module", params=[False, True], ids=["no-acl", "port-acl"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setup]:
    folder = tmp_path_factory.mktemp("stations")
    words = "--mirror", "none"
    with installed(folder, *words, switches=TWO_SWITCHES, port=request.param) as made:
        yield made


@pytest.mark.parametrize("name", TWO)
def test_with_two_switches_what_comes_to_the_one_with_the_collector_is_copied(
    both: Setup, name: str
) -> None:
    trial(both, name, TWO[name])

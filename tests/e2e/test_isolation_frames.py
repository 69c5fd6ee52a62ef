"""What each action does to every kind of frame, and that its end leaves nothing behind.

The matrix: each action × (the device's own port, a port that it shares, behind the uplink, moved to
another port), for each place where the operator may have ACLs. Numbered frames of every kind are
sent between all hosts and counted there, and at the collector, outside of Halia;
:class:`tests.isolating.Model` says where each should be, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.isolation_cases import (
    ALONE,
    APART,
    BLOCK,
    LIMIT,
    REDIRECT,
    SERVICES,
    Case,
    Setup,
    installed,
    released,
    same,
    trial,
)
from tests.labs import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

AN_ACL = "a limit would let pass what it denies"
WITH_A_TAG = "redirect: the device speaks with a VLAN tag"
CASES = {
    "own port blocked, shared port and uplink quarantined": Case(
        {"victim": BLOCK, "m1": SERVICES, "outside": SERVICES}, {"victim": "spare"}, {}
    ),
    "own port quarantined, shared port and uplink blocked": Case(
        {"victim": SERVICES, "m1": BLOCK, "outside": BLOCK}, {"m1": "spare", "victim": "m2"}, {}
    ),
    "own port redirected, shared port without services, uplink limited": Case(
        {"victim": REDIRECT, "m1": ALONE, "outside": LIMIT}, {}, {}
    ),
    "shared port redirected, own port limited": Case(
        {"m1": REDIRECT, "victim": LIMIT}, {}, {"victim": AN_ACL}
    ),
    "own port in another VLAN, shared port limited": Case(
        {"victim": APART, "m1": LIMIT, "m2": APART, "outside": APART},
        {},
        {"outside": "carries tagged VLANs", "m2": "would be moved with it", "m1": AN_ACL},
    ),
}
"""Refusals with :data:`AN_ACL` are only where the operator has an ACL at the device's port."""


@pytest.fixture(
    scope="module",
    params=[(False, False), (True, False), (False, True), (True, True)],
    ids=["no-acl", "port-acl", "vlan-acl", "both-acls"],
)
def setup(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setup]:
    port, vlan = request.param
    folder = tmp_path_factory.mktemp("stations")
    with installed(folder, "--remediation", "sw1:7", port=port, vlan=vlan) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_each_frame_is_where_it_should_be_and_all_is_as_before_when_it_ends(
    setup: Setup, name: str
) -> None:
    case = CASES[name]
    refused = {n: w for n, w in case.refused.items() if setup.port or w != AN_ACL}
    trial(setup, name, case._replace(refused=refused))


def test_a_redirected_device_is_quarantined_behind_the_uplink_until_it_is_back(
    setup: Setup,
) -> None:
    """A rule cannot send it what the remediation port says: its frames would need a tag."""
    lab = setup.lab
    actions = {"victim": REDIRECT, "outside": REDIRECT}
    with released(lab):
        for home, tagged in (("victim", 1), ("outside", 2), ("victim", 1)):
            lab.move("victim", home)
            assert lab.isolate(actions) == {}
            assert sum(WITH_A_TAG in words for some in lab.left_out.values() for words in some) == (
                tagged
            )
            lab.check(f"redirected at {home}")
    same(lab.check("ended"), setup.installed)


def test_another_vlan_follows_the_device_and_who_comes_to_its_port_is_not_in_it(
    setup: Setup,
) -> None:
    """A port is moved, not an address: until the files are written, it is as it was."""
    lab = setup.lab
    with released(lab):
        root = lab.lab.faucet_yaml.read_bytes()
        assert lab.isolate({"victim": APART}) == {}
        lab.move("victim", "spare")
        lab.check("its port is still in the other VLAN, and it is not there")
        refused = lab.isolate({"victim": APART})
        assert "would be moved with it" in refused["victim"]
        assert lab.lab.faucet_yaml.read_bytes() == root
        lab.check("with another device at its new port it is free, and its old port too")
        lab.move("spare", "victim")
        wait_for(lambda: not lab.isolate({"victim": APART}), "its new port is moved, with it alone")
        lab.check("they have changed places")
        lab.move("victim", "m1")
        assert "would be moved with it" in lab.isolate({"victim": APART})["victim"]
        assert lab.lab.faucet_yaml.read_bytes() == root
        lab.move("victim", "outside")
        assert "carries tagged VLANs" in lab.isolate({"victim": APART})["victim"]
        assert lab.lab.faucet_yaml.read_bytes() == root
        lab.check("behind the uplink it is free")
    same(lab.check("ended"), setup.installed)


def test_a_redirected_device_that_moves_is_redirected_from_there(setup: Setup) -> None:
    lab = setup.lab
    with released(lab):
        assert lab.isolate({"victim": REDIRECT}) == {}
        lab.move("victim", "spare")
        assert lab.isolate({"victim": REDIRECT}) == {}
        lab.check("moved and redirected")
    same(lab.check("ended"), setup.installed)

from __future__ import annotations

from ipaddress import ip_network

import pytest

from plugin.actions import Place
from plugin.policy.members import KINDS, Membership, protected_by
from plugin.policy.rules import Devices
from plugin.policy.subject import RoleSeen
from tests.policies import MAC, device


def _by(devices: Devices, **changed: object) -> str | None:
    return Membership(device(**changed), {}).named(devices)


@pytest.mark.parametrize(
    ("devices", "by"),
    [
        (Devices(macs=(MAC,)), f"MAC address {MAC}"),
        (Devices(macs=("02:00:00",)), f"MAC address {MAC} (02:00:00...)"),
        (Devices(networks=(ip_network("10.0.0.0/29"),)), "address 10.0.0.7 in 10.0.0.0/29"),
        (
            Devices(networks=(ip_network("2001:db8::/64"),)),
            "address 2001:db8::7 in 2001:db8::/64",
        ),
        (Devices(ports=(("sw1", 7),)), "port sw1:7"),
        (Devices(switches=("sw1",)), "switch sw1"),
        (Devices(vlans=(100,)), "VLAN 100"),
        (Devices(vendors=("axis*",)), "vendor Axis Communications"),
        (Devices(vendors=("AXIS*",)), "vendor Axis Communications"),
        (Devices(roles=("workstation",)), "role workstation"),
    ],
)
def test_every_kind_names_a_device(devices: Devices, by: str) -> None:
    assert _by(devices) == by


@pytest.mark.parametrize(
    "devices",
    [
        Devices(),
        Devices(macs=("02:00:00:00:00:08", "02:00:01")),
        Devices(networks=(ip_network("10.0.1.0/24"),)),
        Devices(ports=(("sw1", 8), ("sw2", 7))),
        Devices(switches=("sw2",)),
        Devices(vlans=(101,)),
        Devices(vendors=("axis", "?xi")),
        Devices(roles=("Printer",)),
    ],
)
def test_who_is_not_named(devices: Devices) -> None:
    assert _by(devices) is None


def test_a_prefix_ends_at_an_octet() -> None:
    assert _by(Devices(macs=("02:00:00:00:00",)), mac="02:00:00:00:00:70") is not None
    assert _by(Devices(macs=("02:00:00:00:00",)), mac="02:00:00:00:01:00") is None


def test_who_is_nowhere_and_has_nothing() -> None:
    everything = Devices(
        ports=(("sw1", 7),), switches=("sw1",), vlans=(100,), vendors=("*",), roles=("Workstation",)
    )
    assert _by(everything, place=None, vendor=None, role=None) is None


def test_an_address_that_is_none_hides_no_other() -> None:
    devices = Devices(networks=(ip_network("10.0.0.0/8"),))
    assert _by(devices, addresses=("bogus", "10.0.0.7")) == "address 10.0.0.7 in 10.0.0.0/8"


def test_a_likely_role_protects_and_convicts_nobody() -> None:
    devices = Devices(roles=("Workstation",))
    doubtful = RoleSeen("unknown", "Workstation", 0.3, "m")
    assert _by(devices, role=doubtful) is None
    assert protected_by(devices, device(role=doubtful), {}) == "likeliest role Workstation"
    like_none = doubtful._replace(stands_out=False)
    assert protected_by(devices, device(role=like_none), {}) is None
    sure = like_none._replace(decision="known")
    assert protected_by(devices, device(role=sure), {}) == "role Workstation"
    assert protected_by(devices, device(), {}) == "role Workstation"


def test_tags() -> None:
    tags = {"critical": Devices(vlans=(100,)), "other": Devices(vlans=(5,))}
    member = Membership(device(), tags)
    assert member.named(Devices(tags=("other", "critical"))) == "tag critical (VLAN 100)"
    assert member.named(Devices(tags=("other", "gone"))) is None
    assert protected_by(Devices(tags=("critical",)), device(), tags) == "tag critical (VLAN 100)"
    moved = device(place=Place("sw1", 7, 5))
    assert protected_by(Devices(tags=("critical",)), moved, tags) is None


def test_every_field_of_a_set_can_be_asked() -> None:
    assert set(KINDS) == set(Devices.__slots__)

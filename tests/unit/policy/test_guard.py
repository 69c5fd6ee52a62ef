from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from plugin.actions import Place
from plugin.policy.guard import Hindrance, doubted, hindrance, protected
from plugin.policy.rules import Devices, Policy
from plugin.policy.subject import RoleSeen, Subject, Surroundings
from tests.ledgers import mac

SUBJECT = Subject(
    mac=mac(1), place=Place("sw1", 3, 200), addresses=("10.0.0.9",), vendor="Acme",
    role=RoleSeen("unknown", "Printer", 0.4, "m"),
)  # fmt: skip
AROUND = Surroundings(100, 1, None, None, None)
BY = {
    "macs": (mac(1)[:8],),
    "networks": (ip_network("10.0.0.0/24"),),
    "ports": (("sw1", 3),),
    "switches": ("sw1",),
    "vlans": (200,),
    "vendors": ("ac*",),
    "roles": ("Printer",),
    "tags": ("mine",),
}


@pytest.mark.parametrize("kind", list(BY))
def test_every_kind_of_protection_holds(kind: str) -> None:
    policy = Policy(
        protect=Devices(**{kind: BY[kind]}),  # type: ignore[arg-type] # one of the kinds
        tags={"mine": Devices(macs=(mac(1),))},
        source="site.yaml",
    )
    found = hindrance(policy, (SUBJECT, AROUND))
    assert found is not None
    assert (found.kind, found.text) == ("protected", protected(policy, SUBJECT))
    assert found.text.startswith("protected by site.yaml (protect: ")


def test_nothing_speaks_against_an_ordinary_device() -> None:
    policy = Policy(protect=Devices(macs=(mac(2),), vlans=(1,)))
    assert hindrance(policy, (SUBJECT, AROUND)) is None
    assert protected(policy, SUBJECT) is None


@pytest.mark.parametrize(
    ("around", "kind", "words"),
    [
        ({"gateway": "it routes"}, "protected", "gateway: it routes"),
        ({"uplink": "stack"}, "protected", "uplink: stack"),
        ({"macs_on_port": 8}, "protected", "8 devices are at its port"),
        ({"unhooked": "no hook"}, "refused", "would not hold: no hook"),
    ],
)
def test_what_is_found_out_protects_too(around: dict[str, Any], kind: str, words: str) -> None:
    found = hindrance(Policy(), (SUBJECT, AROUND._replace(**around)))
    assert found is not None
    assert found.kind == kind
    assert words in found.text


def test_the_number_that_makes_an_uplink_is_the_policys() -> None:
    crowd = AROUND._replace(macs_on_port=7)
    assert hindrance(Policy(), (SUBJECT, crowd)) is None
    assert hindrance(Policy(many_macs=7), (SUBJECT, crowd)) is not None


def test_an_address_heard_twice_is_left_alone() -> None:
    found = hindrance(Policy(), (replace(SUBJECT, twice=True), AROUND))
    assert found is not None
    assert found.kind == "spoofed"


def test_an_ignored_device_and_an_unknown_one_are_left_alone() -> None:
    found = hindrance(Policy(), (replace(SUBJECT, ignored="lab"), AROUND))
    assert found is not None
    assert found == ("refused", "ignored: lab")
    nobody = hindrance(Policy(), None)
    assert nobody is not None
    assert nobody.kind == "refused"


def test_the_policys_own_word_is_said_before_what_was_found_out() -> None:
    policy = Policy(protect=Devices(macs=(mac(1),)))
    found = hindrance(policy, (replace(SUBJECT, twice=True), AROUND._replace(gateway="g")))
    assert found is not None
    assert "MAC address" in found.text


def test_a_doubt_stops_rules_and_not_persons() -> None:
    policy = Policy(protect=Devices(macs=(mac(2),)))
    doubtful = SUBJECT, AROUND._replace(doubt="it came just now")
    assert hindrance(policy, doubtful) is None
    assert doubted(policy, doubtful) == Hindrance("spoofed", "it came just now")
    assert doubted(policy, (SUBJECT, AROUND)) is None
    assert doubted(policy, None) == hindrance(policy, None)
    hindered = SUBJECT, doubtful[1]._replace(gateway="it routes")
    assert doubted(policy, hindered) == hindrance(policy, hindered)

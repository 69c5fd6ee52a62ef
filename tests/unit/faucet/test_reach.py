"""Whom an installation can mirror, in words a help desk can use."""

from __future__ import annotations

import pytest

from plugin.faucet.coverage import coverage
from plugin.faucet.hook import INCLUDE, Mode, Options, render
from plugin.faucet.install import Plan, plan_install
from plugin.faucet.reach import Reach, Spot, reach

TEXT = """\
vlans: {v: {vid: 100}, w: {vid: 200}}
acls: {op: [{rule: {actions: {allow: 1}}}]}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v, name: desk}
      2: {native_vlan: v, acls_in: [op]}
      4: {stack: {dp: sw2, port: 4}}
      9: {name: col, output_only: true}
    interface_ranges:
      10-12: {native_vlan: w}
  sw2:
    dp_id: 2
    stack: {priority: 1}
    interfaces:
      1: {native_vlan: v}
      4: {stack: {dp: sw1, port: 4}}
"""


def installed(mode: Mode, ignored: frozenset[int] = frozenset()) -> Reach:
    plan = plan_install(TEXT, Options(mode=mode, ignored_vlans=ignored))
    assert isinstance(plan, Plan), plan
    assert plan.journal is not None
    layout = plan.journal.layout
    return reach(coverage(plan.new_text, {}, render(layout), INCLUDE, ignored), layout)


def at(dp: str, port: int, vid: int = 100) -> Spot:
    return Spot("02:00:00:00:00:01", dp, port, vid)


@pytest.mark.parametrize(
    ("mode", "place", "mirrored", "watched"),
    [
        ("none", ("sw1", 1), "sw1 port 1 (desk) is not mirrored", ""),
        ("none", ("sw1", 11), "sw1 port 10-12 is not mirrored", ""),
        ("none", ("sw1", 2), "ends in your ACL op", "your ACL op: a watch there would let pass"),
        ("none", ("sw1", 4), "a stack port", "a stack port"),
        ("none", ("sw2", 1), "sw2 has no collector port", "sw2 has no collector port"),
        ("none", ("sw1", 77), "sw1 port 77 is not in faucet.yaml", "is not in faucet.yaml"),
        ("tail", ("sw1", 1), "", ""),
        ("tail", ("sw1", 2), "ends in your ACL op, so it is not mirrored", "would let pass"),
        ("port", ("sw1", 2), "", "would let pass"),
        ("port", ("sw1", 12), "", ""),
    ],
)
def test_who_is_reached(mode: Mode, place: tuple[str, int], mirrored: str, watched: str) -> None:
    found = installed(mode)
    for said, wanted in (
        (found.why_not_mirrored(at(*place)), mirrored),
        (found.why_not_watched(at(*place)), watched),
    ):
        assert wanted in said if wanted else not said


def test_ports_that_no_watch_sees_are_named() -> None:
    assert installed("none").blind() == ("sw1 port 2",)


def test_a_port_has_its_number_and_its_name() -> None:
    found = installed("none")
    assert found.names(("sw1", 1)) == {"sw1:1", "sw1:desk"}
    assert found.names(("sw1", 11)) == {"sw1:11"}
    assert found.names(("sw3", 5)) == {"sw3:5"}


def test_nothing_is_reached_without_an_installation() -> None:
    nothing = reach(coverage(TEXT, {}, None, INCLUDE), None)
    assert nothing == Reach()
    assert nothing.why_not_mirrored(at("sw1", 1)) == "the hook is not installed"


def test_vlans_that_the_installation_left_out_are_known() -> None:
    assert installed("tail", frozenset((200,))).ignored_vlans == {200}

"""What is said before an installation."""

from __future__ import annotations

import pytest

from plugin.faucet.hook import Options
from plugin.faucet.install import Plan, plan_install

TEXT = """
acls: {a: [{rule: {actions: {allow: 1}}}]}
vlans: {v: {vid: 100}}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v}
      2: {native_vlan: v, name: desk}
      9: {name: col, output_only: true}
"""


def notes(text: str, options: Options | None = None) -> str:
    plan = plan_install(text, options or Options())
    assert isinstance(plan, Plan)
    return "\n".join(plan.notes)


def test_the_first_installation_is_a_cold_start() -> None:
    assert "cold start" in notes(TEXT)
    with_port = TEXT.replace("name: desk", "acl_in: a")
    assert "cold start" in notes(with_port)  # the VLAN hook is a new table
    assert "cold start" not in notes(with_port, Options(mode="none"))
    assert "cold start" not in notes(
        with_port.replace("vid: 100", "vid: 100, acl_in: a"), Options(mode="tail")
    )


def test_a_change_of_an_installation_keeps_its_tables() -> None:
    first = plan_install(TEXT, Options())
    assert isinstance(first, Plan)
    text = first.new_text.replace("name: desk", "name: desk2")
    for options, cold in ((Options(remediation="sw1:2"), False), (Options(mode="tail"), True)):
        again = plan_install(text, options, journal=first.journal)
        assert isinstance(again, Plan)
        assert ("cold start" in "\n".join(again.notes)) is cold, options


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: desk", "stack: {dp: sw1, port: 1}", "port 2 is not hooked: it is a stack port"),
        ("name: desk", "dot1x: true", "port 2 is not hooked: it is an 802.1X port"),
        ("vid: 100", "vid: 100, acl_in: a", "by the tail of each port"),
    ],
)
def test_what_is_not_covered_is_said(old: str, new: str, said: str) -> None:
    assert said in notes(TEXT.replace(old, new))


def test_ports_that_the_tail_cannot_mirror_are_named() -> None:
    text = TEXT.replace("name: desk", "acl_in: a")
    assert "port 2: your ACL ends its table" in notes(text, Options(mode="tail"))


def test_what_a_port_mirror_costs_is_said() -> None:
    assert "--drop-repeats" in notes(TEXT, Options(mode="port"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(ignored_vlans=frozenset((100,))), "VLAN v is not mirrored"),
        (
            Options(mode="tail", ignored_vlans=frozenset((100,))),
            "VLAN v is mirrored all the same: --mirror tail works by port",
        ),
    ],
)
def test_ignored_vlans_are_named(options: Options, said: str) -> None:
    assert said in notes(TEXT, options)
    assert "VLAN v" not in notes(TEXT, Options(mode="none", ignored_vlans=frozenset((100,))))

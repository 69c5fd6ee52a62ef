"""What the journal keeps of a write."""

from __future__ import annotations

from dataclasses import replace

from plugin.app.written import kept
from plugin.engine.events import Written
from plugin.faucet.hook import INCLUDE
from tests.unit.app.test_hooking import BLOCK, JAIL, MAC, OTHER, OTHERS

WATCHED = "02:00:00:00:00:77"
LATE = replace(JAIL, mac=OTHER, cookie=10)


def test_what_isolates_somebody_or_no_longer() -> None:
    change = Written(INCLUDE, "+ a", (MAC, OTHER))
    assert list(kept([change], [BLOCK, OTHERS], INCLUDE)) == [change]
    assert list(kept([change], [BLOCK], INCLUDE)) == [change._replace(macs=(MAC,))]


def test_turns_of_the_mirror_are_left_out() -> None:
    turn = Written(INCLUDE, "+ a", (WATCHED,))
    assert list(kept([turn, turn._replace(macs=())], [BLOCK, OTHERS], INCLUDE)) == []
    both = turn._replace(macs=(WATCHED, MAC))
    assert [one.macs for one in kept([both], [BLOCK], INCLUDE)] == [(MAC,)]


def test_a_moved_port_is_about_whom_it_was_moved_for() -> None:
    root = Written("faucet.yaml", "+ native_vlan: jail", ())
    found = list(kept([root], [BLOCK, LATE, JAIL, OTHERS], INCLUDE))
    assert found == [root._replace(macs=(MAC, OTHER))]
    assert list(kept([root], [], INCLUDE)) == [root]

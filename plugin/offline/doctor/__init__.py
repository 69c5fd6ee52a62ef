"""`halia doctor`: every prerequisite tested, each by a function of its own, with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.offline.doctor import controller, machine, peers
from plugin.offline.doctor.check import Check, State
from plugin.offline.doctor.daemon import control, find_daemon
from plugin.offline.doctor.feed import feed
from plugin.offline.doctor.interface import interface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.settings import Settings

__all__ = ["Check", "State", "examine"]


def examine(settings: Settings, now: float) -> Iterator[Check]:
    """Test all prerequisites of these settings; nothing is changed, nobody is disturbed.

    Args:
        settings: of the run to come.
        now: what the clock says, seconds since 1970.
    """
    yield machine.core()
    yield machine.libraries(settings)
    yield machine.clock(now)
    yield machine.user(settings)
    yield machine.state_folder(settings)
    yield from machine.models(settings)
    daemon = find_daemon(settings.control.socket)
    yield control(settings, daemon)
    yield from interface(settings)
    yield feed(settings, daemon)
    yield controller.page(settings)
    yield from controller.configuration(settings)
    yield controller.checker(settings)
    yield controller.probe(settings, daemon)
    yield peers.broker(settings)
    yield peers.store(settings)

"""Findings, told while they happen: each with the file that holds its evidence. Pure.

A finding waits some seconds for the file of its device to be begun, so that its message has an id
made of it; then it is told, and the device is looked at by the policy.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from plugin.engine import commands as do
from plugin.engine import suspicion
from plugin.engine.view import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.engine.alarms import Alarms
    from plugin.engine.commands import Command
    from plugin.engine.roll import Roll
    from plugin.engine.view import Tracked
    from plugin.ml.behaviour.finding import Found
    from plugin.registry import Registry

AT_ONCE = 50
"""Devices whose late findings are told in one tick."""
FINDING_WAIT = 3.0
"""Seconds that a finding waits for the file of its device to be begun."""


class Findings:
    """What was found lately, and what of it is not told yet.

    Args:
        roll: The devices.
        registry: What the controller has told of them.
        alarms: By which alarms are told once.
        look: Has the policy look at a device.
    """

    def __init__(
        self,
        roll: Roll,
        registry: Registry,
        alarms: Alarms,
        look: Callable[[str, float], list[Command]],
    ) -> None:
        self._roll, self._registry, self._alarms, self._look = roll, registry, alarms, look
        self._waiting: dict[str, list[tuple[float, Found]]] = {}
        """By device, each with when it came; in order of the first one."""
        self._found: set[str] = set()
        """Devices of which something was found lately."""

    def behaved(self, found: Found, tracked: Tracked, now: float) -> list[Command]:
        """Take a finding."""
        suspicion.sight(tracked, found)
        self._found.add(found.mac)
        if tracked.open_capture is None:
            self._waiting.setdefault(found.mac, []).append((now, found))
            return [do.Show(found.mac)]
        return [*self._tell(found, tracked, now), do.Show(found.mac)]

    def opened(self, tracked: Tracked, now: float) -> list[Command]:
        """A file was begun for a device, or will not be: what waits for it is told."""
        commands: list[Command] = []
        for _, found in self._waiting.pop(tracked.mac, ()):
            commands += self._tell(found, tracked, now)
        return commands

    def late(self, now: float) -> list[Command]:
        """Tell what has waited long enough: of some devices, the others come next time."""
        first = list(islice(self._waiting, AT_ONCE))
        commands: list[Command] = []
        for mac in first:
            if now - self._waiting[mac][0][0] < FINDING_WAIT:
                break
            commands += self.opened(self._roll.track(mac, now), now)
        return commands

    def ending(self, now: float) -> list[Command]:
        """Tell what still waits for a file: there is none to come, it was in the last one."""
        commands: list[Command] = []
        for mac in list(self._waiting):
            tracked = self._roll.track(mac, now)
            tracked.open_capture = tracked.open_capture or tracked.ended_capture
            commands += self.opened(tracked, now)
        return commands

    def forgive(self, now: float) -> list[Command]:
        """Let findings go that are too old to count."""
        some = [one for mac in self._found if (one := self._roll.get(mac)) is not None]
        fewer = [one.mac for one in some if suspicion.forget(one, now)]
        self._found = {one.mac for one in some if one.sighted}
        return [do.Show(mac) for mac in fewer]

    def _tell(self, found: Found, tracked: Tracked, now: float) -> list[Command]:
        """Announce a finding, once for each capture; an alarm each time it is found."""
        device = self._registry.get(found.mac)
        unnamed = f"live_{found.mac.replace(':', '')}_{found.time // SECOND}"
        capture = tracked.open_capture or unnamed
        suspicion.place(tracked, found, capture)
        commands: list[Command] = []
        if found.finding.name not in tracked.told:
            tracked.told.add(found.finding.name)
            ips = device.addresses if device is not None else ()
            commands.append(do.AnnounceFinding(found.mac, ips, capture, tracked.role, found))
        text = f"{found.finding.name.replace('-', ' ')}: {'; '.join(found.finding.reasons)}"
        commands += self._alarms.tell(do.Alarm("behaviour", found.mac, text), now)
        return commands + self._look(found.mac, now)

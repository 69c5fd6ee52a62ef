"""What is told while it happens: to watchers, to standard output, to the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.app.clock import now
from plugin.control.service import alarm_event, device_event
from plugin.engine import commands as do
from plugin.engine.view import to_document
from plugin.ml.verdict import finding_document
from plugin.ml.verdict import to_document as verdict_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugin.control.server import ControlServer
    from plugin.engine import Engine
    from plugin.engine.commands import Command


class Telling:
    """The main thread's alone.

    Args:
        engine: Whose devices are shown.
        say: Takes each verdict, finding and alarm as a document with its ``kind``.
    """

    def __init__(self, engine: Engine, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._engine, self._say = engine, say
        self.server: ControlServer | None = None
        """Where watchers are; None before it is there."""

    def show(self, mac: str) -> None:
        """Something that is shown of a device has changed."""
        if self.server is None or not self.server.watchers():
            return
        one = self._engine.view(mac)
        if one is not None:
            self.server.publish(device_event(to_document(one)))

    def forget(self, mac: str) -> None:
        """A device is no longer kept."""
        if self.server is not None and self.server.watchers():
            self.server.publish(device_event({"mac": mac, "state": "gone"}))

    def spoken(self, command: Command) -> None:
        """An announcement was kept, or an alarm was logged."""
        match command:
            case do.Announce():
                self._say(verdict_document(command.verdict))
            case do.AnnounceFinding():
                parts = (command.mac, command.ips, command.capture, command.role, command.found)
                self._say(finding_document(*parts))
            case do.Alarm():
                time = now()
                event = alarm_event(time, command.kind, command.mac, command.text)
                self._say(
                    {"kind": "alarm", **{k: event[k] for k in ("time", "alarm", "mac", "text")}}
                )
                if self.server is not None:
                    self.server.publish(event)

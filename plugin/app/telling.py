"""What is told while it happens: to watchers, to standard output, to the log and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.app.clock import now
from plugin.control.service import alarm_event, decision_event, device_event
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine.view import STATES, to_document
from plugin.events import FeedItem
from plugin.ml.verdict import finding_document
from plugin.ml.verdict import to_document as verdict_document
from plugin.policy.decision import decision_document

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from plugin.control.server import ControlServer
    from plugin.engine import Engine
    from plugin.engine.commands import Command
    from plugin.metrics import Metrics
    from plugin.notices.notices import Notices
    from plugin.policy.cases import Transition


class Telling:
    """The main thread's alone.

    Args:
        engine: Whose devices are shown.
        say: Takes each verdict, finding, decision and alarm as a document with its ``kind``.
        metrics: The figures; None: nobody reads them.
        log: Takes alarms; None: they are only said.
        notices: Takes decisions and alarms; None: nobody is told.
        clock: Seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        engine: Engine,
        say: Callable[[Mapping[str, Any]], None],
        metrics: Metrics | None = None,
        *,
        log: logging.Logger | None = None,
        notices: Notices | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        self._engine, self._say, self._metrics = engine, say, metrics
        self._clock, self._log, self._notices = clock, log, notices
        self.server: ControlServer | None = None
        """Where watchers are; None before it is there."""

    def took(self, event: Any) -> None:
        """The engine is about to take an event."""
        if self._metrics is None:
            return
        if isinstance(event, FeedItem):
            self._metrics.feed(event)
        elif isinstance(event, ev.CaptureSeen):
            for mac, ns in event.latest:
                if mac in self._engine:  # else nobody would ever let its series go
                    self._metrics.seen(mac, ns / 1e9)

    def show(self, mac: str) -> None:
        """Something that is shown of a device has changed."""
        if self.server is None or not self.server.watchers():
            return
        one = self._engine.view(mac)
        if one is not None:
            self.server.publish(device_event(to_document(one)))

    def forget(self, mac: str) -> None:
        """A device is no longer kept."""
        if self._metrics is not None:
            self._metrics.forget(mac)
        if self.server is not None and self.server.watchers():
            self.server.publish(device_event({"mac": mac, "state": "gone"}))

    def decided(self, transition: Transition) -> None:
        """A step of a case was kept."""
        document = decision_document(transition)
        self._say(document)
        if self._metrics is not None:
            self._metrics.decided(transition.case, transition.before)
        if self.server is not None and self.server.watchers():
            self.server.publish(decision_event(document))
        if self._notices is not None:
            self._notices.decided(transition)

    def spoken(self, command: Command) -> None:
        """An announcement was kept, or an alarm was logged."""
        match command:
            case do.Announce():
                self._say(verdict_document(command.verdict))
                mac = command.verdict.mac
                known = mac is not None and self._engine.view(mac) is not None
                if self._metrics is not None and mac is not None and known:
                    confidence = command.verdict.role.confidences[0]
                    self._metrics.verdict(mac, confidence)
            case do.AnnounceFinding():
                parts = (command.mac, command.ips, command.capture, command.role, command.found)
                self._say(finding_document(*parts))
                if self._metrics is not None and self._engine.view(command.mac) is not None:
                    self._metrics.finding(command.mac)
            case do.AnnounceDecision():
                self.decided(command.transition)
            case do.Alarm():
                self._alarm(command)

    def _alarm(self, alarm: do.Alarm) -> None:
        time = self._clock()
        words = {"alarm": alarm.kind, "mac": alarm.mac, "text": alarm.text}
        self._say({"kind": "alarm", "time": time, **words})
        if self._log is not None:
            about = {} if alarm.mac is None else {"mac": alarm.mac}
            self._log.warning("%s", alarm.text, extra={"kind": alarm.kind, **about})
        if self.server is not None:
            self.server.publish(alarm_event(time, *alarm))
        if self._notices is not None:
            self._notices.alarm(time, *alarm)

    def count(self) -> None:
        """Bring up to date how many devices there are by state, and how decisions are."""
        if self._metrics is None:
            return
        states = dict.fromkeys(STATES, 0)
        for one in self._engine.views():
            states[one.state] += 1
        self._metrics.devices(states)
        self._metrics.isolated(len(self._engine.deciding.wanted()))
        self._metrics.frozen(self._engine.deciding.frozen() is not None)

"""The reducer in the middle: events in, commands out; it owns the state and nothing else does.

No clock, file, socket or thread: ``now`` is an argument, and what is to be done comes back as
commands (h11's way). What costs time, judging and publishing, happens outside, and is told as
events afterwards.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from plugin import registry as reg
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine import feed, suspicion
from plugin.engine.alarms import Alarms
from plugin.engine.options import Options
from plugin.engine.view import SECOND, DeviceView, Tracked, is_suspect, says_more, view
from plugin.faucet.reach import Spot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugin.engine.commands import Command
    from plugin.engine.events import Event
    from plugin.ml.behaviour.finding import Found
    from plugin.registry import Change, Device, Registry

FINDING_WAIT = 3.0
"""Seconds that a finding waits for the file of its device to be begun."""
SWEEP_SECONDS = 60.0
"""Seconds between two looks at all devices, for those that are gone."""


class Engine:
    """All that Halia knows. :meth:`step` is the one way to change it."""

    def __init__(
        self, options: Options | None = None, vendor: Callable[[str], str | None] = lambda _: None
    ) -> None:
        """Start with nothing known.

        Args:
            options: What the operator decided.
            vendor: A pure function: who makes devices with such a MAC address.
        """
        self.options = options or Options()
        self.registry: Registry = reg.Registry(self.options.limits, vendor=vendor)
        self.feed = feed.FeedState()
        self.holding = False
        self.problems: tuple[str, ...] = ()
        """What is wrong with the hook."""
        self._mirror = ev.Mirrored(frozenset(), {}, frozenset())
        self._vendor = vendor
        self._swept = 0.0
        self._tracked: OrderedDict[str, Tracked] = OrderedDict()
        self._only_frames: OrderedDict[str, None] = OrderedDict()
        """Those of them that the controller has told nothing of."""
        self._waiting: list[tuple[float, Found]] = []
        self._found: set[str] = set()
        """Devices of which something was found lately."""
        self._alarms = Alarms()
        self._steps: dict[type, Callable[[Any, float], list[Command]]] = {
            ev.Tick: self._tick,
            ev.Ending: self._ending,
            ev.Resynced: self._resynced,
            ev.ResyncFailed: self._resync_failed,
            ev.CaptureOpened: self._opened,
            ev.CaptureFinished: self._finished,
            ev.CaptureSeen: self._seen,
            ev.Judged: self._judged,
            ev.Unjudged: self._unjudged,
            ev.Behaved: self._behaved,
            ev.Restored: self._restored,
            ev.Room: self._room,
            ev.Covered: self._covered,
            ev.Mirrored: self._mirrored,
            ev.Noticed: self._noticed,
        }

    def __len__(self) -> int:
        """How many devices there are."""
        return len(self._tracked)

    def __contains__(self, mac: str) -> bool:
        """Whether there is a device of this MAC."""
        return mac in self._tracked

    def use(self, options: Options) -> None:
        """Go on with what the operator decided meanwhile."""
        self.options, self.registry.limits = options, options.limits

    def step(self, event: Event, now: float) -> list[Command]:
        """Take one event; gives what is to be done, in order.

        Args:
            event: What happened.
            now: Seconds since 1970-01-01 UTC.
        """
        known = self._steps.get(type(event))
        commands = known(event, now) if known is not None else self._fed(event, now)
        if len(self._tracked) > self.options.limits.devices:
            commands += self._make_room()
        return commands

    def view(self, mac: str) -> DeviceView | None:
        """What is shown of one device."""
        tracked = self._tracked.get(mac)
        return None if tracked is None else self._view(tracked)

    def views(self) -> Iterator[DeviceView]:
        """What is shown of all devices, in order of their first appearance."""
        return map(self._view, self._tracked.values())

    def spots(self) -> list[Spot]:
        """Where all devices are that the controller told of, for the plan of the mirror."""
        found = []
        for device in self.registry:
            tracked = self._tracked.get(device.mac)
            suspect = tracked is not None and is_suspect(tracked)
            found.append(Spot(device.mac, *device.location, suspect=suspect))
        return found

    def _view(self, tracked: Tracked) -> DeviceView:
        device = self.registry.get(tracked.mac)
        return view(tracked, device, self._ignored(device), self._unseen(tracked.mac))

    def _unseen(self, mac: str) -> str | None:
        """Why nothing of a device can be seen now, if it is known."""
        if mac in self._mirror.waiting:
            return "its turn at the mirror port will come"
        return self._mirror.uncovered.get(mac)

    def _ignored(self, device: Device | None) -> str | None:
        """Why nothing is done about a device, if the operator said so."""
        if device is None:
            return None
        place = device.location
        if device.mac in self._mirror.ignored:
            return "its VLAN or port is not to be looked at"
        if place.vid in self.options.ignore_vlans:
            return f"VLAN {place.vid} is among mirror.ignore_vlans"
        if (place.dp_name, place.port) in self.options.ignore_ports:
            return f"{place.dp_name}:{place.port} is among mirror.ignore_ports"
        return None

    # Faucet's feed

    def _fed(self, event: Any, now: float) -> list[Command]:
        commands: list[Command] = []
        self.feed, wanted = feed.step(self.feed, event, now, page=self.options.page)
        for one in wanted:
            commands += self._alarms.tell(one, now) if isinstance(one, do.Alarm) else [one]
        for change in self.registry.step(event, now):
            commands += self._changed(change, now)
        return commands

    def _resynced(self, event: ev.Resynced, now: float) -> list[Command]:
        self.feed = self.feed._replace(asking=False, ask_at=None, page_problem=None)
        commands: list[Command] = []
        for one in feed.as_events(event.snapshot, self.registry, now):
            for change in self.registry.step(one, now):
                commands += self._changed(change, now)
        return commands

    def _resync_failed(self, event: ev.ResyncFailed, now: float) -> list[Command]:
        self.feed = self.feed._replace(
            asking=False, ask_at=now + feed.ASK_AGAIN, page_problem=event.reason
        )
        return self._alarms.tell(do.Alarm("page", None, event.reason), now)

    def _changed(self, change: Change, now: float) -> list[Command]:
        device = change.device
        if isinstance(change, reg.Gone | reg.Forgotten):
            self._drop(device.mac)
            return [do.Record("gone", {"mac": device.mac}), do.Forget(device.mac)]
        self._track(device.mac, device.first_seen)
        self._only_frames.pop(device.mac, None)
        if isinstance(change, reg.Twice):
            here, there = device.location, change.other
            text = (
                f"heard in turn at {here.dp_name}:{here.port} and {there.dp_name}:{there.port}:"
                " two devices with one address, a loop, or a lie"
            )
            return self._alarms.tell(do.Alarm("twice", device.mac, text), now)
        return [do.Record("device", reg.to_document(device)), do.Show(device.mac)]

    def _track(self, mac: str, since: float) -> Tracked:
        tracked = self._tracked.get(mac)
        if tracked is None:
            tracked = Tracked(mac=mac, first_seen=since, last_seen=since, vendor=self._vendor(mac))
            self._tracked[mac] = tracked
            if self.registry.get(mac) is None:
                self._only_frames[mac] = None
        return tracked

    def _drop(self, mac: str) -> None:
        self._tracked.pop(mac, None)
        self._only_frames.pop(mac, None)

    def _make_room(self) -> list[Command]:
        """Keep the table bounded: devices that only frames have shown go first, they are forged."""
        over = len(self._tracked) - self.options.limits.devices
        gone = list(islice(self._only_frames, over))
        for mac in gone:
            self._drop(mac)
        return [do.Forget(mac) for mac in gone]

    # Captures and verdicts

    def _opened(self, event: ev.CaptureOpened, now: float) -> list[Command]:
        tracked = self._track(event.mac, now)
        tracked.mirrored = True
        tracked.open_capture, tracked.ended_capture = event.capture, None
        tracked.told.clear()
        commands: list[Command] = [do.Show(event.mac)]
        for found in [f for _, f in self._waiting if f.mac == event.mac]:
            commands += self._tell(found, tracked, now)
        self._waiting = [one for one in self._waiting if one[1].mac != event.mac]
        return commands

    def _finished(self, event: ev.CaptureFinished, now: float) -> list[Command]:
        del now
        tracked = self._tracked.get(event.mac or "")
        if tracked is not None:
            if tracked.open_capture == event.capture:
                tracked.open_capture, tracked.ended_capture = None, event.capture
            if self._ignored(self.registry.get(tracked.mac)) is not None:
                return []
            tracked.judging += 1
        order = do.Judge(event.path, event.capture, event.mac, event.missed)
        return [order] if tracked is None else [order, do.Show(tracked.mac)]

    def _seen(self, event: ev.CaptureSeen, now: float) -> list[Command]:
        for mac, ns in event.latest:
            tracked = self._tracked.get(mac)
            if tracked is not None:
                tracked.last_seen = max(tracked.last_seen, min(ns / SECOND, now))
                self.registry.heard(mac, tracked.last_seen)
        return []

    def _judged(self, event: ev.Judged, now: float) -> list[Command]:
        verdict = event.verdict
        if verdict.mac is None:
            return [do.Announce(event.capture, verdict)]
        tracked = self._track(verdict.mac, now)
        verdict = suspicion.completed(verdict, tracked, event.capture)
        commands: list[Command] = [do.Announce(event.capture, verdict)]
        tracked.judging = max(0, tracked.judging - 1)
        if tracked.role is None or says_more(verdict.role, tracked.role):
            tracked.role, tracked.role_capture = verdict.role, event.capture
        tracked.anomaly = verdict.anomaly
        tracked.captures += 1
        tracked.last_capture = event.capture
        commands += self._named(tracked.mac, event.name)
        return [*commands, do.Show(tracked.mac)]

    def _named(self, mac: str, name: str | None) -> list[Command]:
        """Note what a device calls itself, if it is new."""
        device = self.registry.get(mac)
        if device is None or name is None or device.name == name:
            return []
        self.registry.name(mac, name)
        return [do.Record("device", reg.to_document(replace(device, name=name)))]

    def _unjudged(self, event: ev.Unjudged, now: float) -> list[Command]:
        body = {"mac": event.mac, "capture": event.capture, "reason": event.reason}
        text = f"{event.capture} cannot be judged: {event.reason}"
        commands: list[Command] = [do.Record("unjudged", body)]
        if not event.quiet:
            commands += self._alarms.tell(do.Alarm("unjudged", event.mac, text), now)
        tracked = self._tracked.get(event.mac or "")
        if tracked is not None:
            tracked.judging = max(0, tracked.judging - 1)
            commands.append(do.Show(tracked.mac))
        return commands

    def _behaved(self, event: ev.Behaved, now: float) -> list[Command]:
        found = event.found
        tracked = self._track(found.mac, now)
        if self._ignored(self.registry.get(found.mac)) is not None:
            return []
        suspicion.sight(tracked, found)
        self._found.add(found.mac)
        if tracked.open_capture is None:
            self._waiting.append((now, found))
            return [do.Show(found.mac)]
        return [*self._tell(found, tracked, now), do.Show(found.mac)]

    def _tell(self, found: Found, tracked: Tracked, now: float) -> list[Command]:
        """Announce a finding, once for each capture; an alarm each time it is found."""
        device = self.registry.get(found.mac)
        unnamed = f"live_{found.mac.replace(':', '')}_{found.time // SECOND}"
        capture = tracked.open_capture or unnamed
        suspicion.place(tracked, found, capture)
        commands: list[Command] = []
        if found.finding.name not in tracked.told:
            tracked.told.add(found.finding.name)
            ips = device.addresses if device is not None else ()
            commands.append(do.AnnounceFinding(found.mac, ips, capture, tracked.role, found))
        text = f"{found.finding.name.replace('-', ' ')}: {'; '.join(found.finding.reasons)}"
        return [*commands, *self._alarms.tell(do.Alarm("behaviour", found.mac, text), now)]

    # The rest

    def _ending(self, event: ev.Ending, now: float) -> list[Command]:
        """Tell what still waits for a file: there is none to come, it was in the last one."""
        del event
        waiting, self._waiting = self._waiting, []
        commands: list[Command] = []
        for _, found in waiting:
            tracked = self._track(found.mac, now)
            tracked.open_capture = tracked.open_capture or tracked.ended_capture
            commands += self._tell(found, tracked, now)
        return commands

    def _restored(self, event: ev.Restored, now: float) -> list[Command]:
        for device in event.devices:
            self.registry.restore(device, now)
            self._track(device.mac, device.first_seen)
        for kept in event.verdicts:
            tracked = self._track(kept.mac, now)
            tracked.role, tracked.anomaly = kept.role, kept.anomaly
            tracked.captures, tracked.last_capture = kept.captures, kept.capture
            tracked.role_capture = kept.role_capture
            if kept.seen is not None:
                tracked.last_seen = max(tracked.last_seen, min(kept.seen, now))
                self.registry.heard(kept.mac, tracked.last_seen)
        return []

    def _room(self, event: ev.Room, now: float) -> list[Command]:
        if event.there is not self.holding:
            return []
        self.holding = not event.there
        kind = "held" if self.holding else "resumed"
        return [do.Hold(self.holding), *self._alarms.tell(do.Alarm(kind, None, event.reason), now)]

    def _covered(self, event: ev.Covered, now: float) -> list[Command]:
        fresh = [one for one in event.problems if one not in self.problems]
        healed = bool(self.problems) and not event.problems
        self.problems = event.problems
        commands = [c for one in fresh for c in self._alarms.tell(do.Alarm("hook", None, one), now)]
        if healed:
            commands += self._alarms.tell(do.Alarm("hook_ok", None, "the hook is whole again"), now)
        return commands

    def _mirrored(self, event: ev.Mirrored, now: float) -> list[Command]:
        del now
        before, self._mirror = self._mirror, event
        macs = {*before.ignored, *before.uncovered, *before.waiting}
        macs ^= {*event.ignored, *event.uncovered, *event.waiting}
        return [do.Show(mac) for mac in sorted(macs) if mac in self._tracked]

    def _noticed(self, event: ev.Noticed, now: float) -> list[Command]:
        return self._alarms.tell(do.Alarm(event.kind, event.mac, event.text), now)

    def _tick(self, event: ev.Tick, now: float) -> list[Command]:
        del event
        commands: list[Command] = []
        self.feed, wanted = feed.tick(self.feed, now, feed=self.options.feed)
        for one in wanted:
            commands += self._alarms.tell(one, now) if isinstance(one, do.Alarm) else [one]
        late = [found for since, found in self._waiting if now - since >= FINDING_WAIT]
        if late:
            self._waiting = [one for one in self._waiting if one[1] not in late]
            for found in late:
                commands += self._tell(found, self._track(found.mac, now), now)
        if not 0 <= now - self._swept < SWEEP_SECONDS:
            self._swept = now
            for change in self.registry.tick(now):
                commands += self._changed(change, now)
            commands += self._sweep(now)
            commands += self._forgive(now)
        return commands

    def _forgive(self, now: float) -> list[Command]:
        """Let findings go that are too old to count."""
        some = [one for mac in self._found if (one := self._tracked.get(mac)) is not None]
        fewer = [one.mac for one in some if suspicion.forget(one, now)]
        self._found = {one.mac for one in some if one.sighted}
        return [do.Show(mac) for mac in fewer]

    def _sweep(self, now: float) -> list[Command]:
        """Forget devices that only the mirror port has shown, and that are silent for long."""
        old = [
            mac
            for mac in self._only_frames
            if now - self._tracked[mac].last_seen > self.options.limits.gone_after
            and not self._tracked[mac].judging
        ]
        for mac in old:
            self._drop(mac)
        return [do.Forget(mac) for mac in old]

"""The reducer in the middle: events in, commands out; it owns the state and nothing else does.

No clock, file, socket or thread: ``now`` is an argument, and what is to be done comes back as
commands (h11's way). What costs time, judging and publishing, happens outside, and is told as
events afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugin import registry as reg
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine import feed, subjects
from plugin.engine.alarms import Alarms
from plugin.engine.deciding import Deciding
from plugin.engine.findings import Findings
from plugin.engine.options import Options
from plugin.engine.roll import Roll
from plugin.engine.suspicion import completed
from plugin.engine.view import SECOND, Besides, DeviceView, Tracked, is_suspect, says_more, view
from plugin.faucet.reach import Spot
from plugin.ml.verdict import is_relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugin.engine.commands import Command
    from plugin.engine.events import Event
    from plugin.policy.cases import Told
    from plugin.policy.explain import Explained
    from plugin.policy.subject import Subject, Surroundings
    from plugin.registry import Change, Device, Registry

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
        self._ports: ev.Ports | None = None
        self._now = 0.0
        self._swept = 0.0
        self._alarms = Alarms()
        self.deciding = Deciding(
            self._look, lambda place: self.registry.last_at(place.dp, place.port), self._alarms
        )
        """To be looked at only."""
        self._roll = Roll(self.registry, vendor, self.deciding.holds)
        self._findings = Findings(self._roll, self.registry, self._alarms, self.deciding.device)
        self._steps: dict[type, Callable[[Any, float], list[Command]]] = {
            ev.Tick: self._tick,
            ev.Ending: lambda _, now: self._findings.ending(now),
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
            ev.Ports: self._read_ports,
            ev.Reported: lambda event, now: self.deciding.report(event.report, now),
            ev.Written: self._written,
            ev.PolicyRead: self._read_policy,
            ev.Noticed: self._noticed,
        }

    def __len__(self) -> int:
        """How many devices there are."""
        return len(self._roll)

    def __contains__(self, mac: str) -> bool:
        """Whether there is a device of this MAC."""
        return mac in self._roll

    def use(self, options: Options) -> None:
        """Go on with what the operator decided meanwhile."""
        self.options, self.registry.limits = options, options.limits

    def step(self, event: Event, now: float) -> list[Command]:
        """Take one event; gives what is to be done, in order.

        Args:
            event: What happened.
            now: Seconds since 1970-01-01 UTC.
        """
        self._now = now
        known = self._steps.get(type(event))
        commands = known(event, now) if known is not None else self._fed(event, now)
        if len(self._roll) > self.options.limits.devices:
            commands += map(do.Forget, self._roll.make_room(self.options.limits.devices))
        return commands

    def order(self, told: Told, now: float) -> list[Command]:
        """Take an order of a person's; gives what is to be done, in order.

        Raises:
            DeniedOrder: it cannot be carried out; nothing has changed.
        """
        self._now = now
        return self.deciding.tell(told, now)

    def explain(self, mac: str, now: float) -> Explained | None:
        """What each rule of the policy says of a device; None: there is no such device."""
        self._now = now
        looked = self._look(mac)
        return None if looked is None else self.deciding.explain(looked[0], now)

    def view(self, mac: str) -> DeviceView | None:
        """What is shown of one device."""
        tracked = self._roll.get(mac)
        return None if tracked is None else self._view(tracked)

    def views(self) -> Iterator[DeviceView]:
        """What is shown of all devices, in order of their first appearance."""
        return map(self._view, self._roll.all())

    def spots(self) -> list[Spot]:
        """Where all devices are that the controller told of, for who mirrors and isolates."""
        found, kept = [], self.deciding.keeps_watch()
        for device in self.registry:
            tracked = self._roll.get(device.mac)
            suspect = device.mac in kept or (tracked is not None and is_suspect(tracked))
            found.append(Spot(device.mac, *device.location, suspect, device.addresses))
        return found

    def _view(self, tracked: Tracked) -> DeviceView:
        mac, device = tracked.mac, self.registry.get(tracked.mac)
        protected = self.deciding.protected(mac) if is_suspect(tracked) else None
        besides = Besides(
            self._ignored(device), self._unseen(mac), self.deciding.case(mac), protected
        )
        return view(tracked, device, besides)

    def _look(self, mac: str) -> tuple[Subject, Surroundings] | None:
        """A device, and what is around it, for whoever decides."""
        tracked = self._roll.get(mac)
        if tracked is None:
            return None
        device = self.registry.get(mac)
        many = self.deciding.policy.many_macs
        around = subjects.surroundings(
            tracked, self.registry, self._ports, now=self._now, many=many
        )
        if (self._ports is None or device is None) and self.deciding.holds(mac):
            around = around._replace(unhooked=None)  # what stood before a restart stands
        return subjects.subject(tracked, device, self._ignored(device), self._now), around

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
        changes = self.registry.step(event, now)
        return commands + self._placed(changes, now) if changes else commands

    def _resynced(self, event: ev.Resynced, now: float) -> list[Command]:
        self.feed = self.feed._replace(asking=False, ask_at=None, page_problem=None)
        commands: list[Command] = []
        for one in feed.as_events(event.snapshot, self.registry, now):
            commands += self._placed(self.registry.step(one, now), now)
        return commands

    def _resync_failed(self, event: ev.ResyncFailed, now: float) -> list[Command]:
        self.feed = self.feed._replace(
            asking=False, ask_at=now + feed.ASK_AGAIN, page_problem=event.reason
        )
        return self._alarms.tell(do.Alarm("page", None, event.reason), now)

    def _changed(self, change: Change, now: float) -> list[Command]:
        device = change.device
        if isinstance(change, reg.Gone | reg.Forgotten):
            gone: Command = do.Record("gone", {"mac": device.mac})
            left = self._roll.left(device.mac)
            return [gone, do.Forget(device.mac) if left else do.Show(device.mac)]
        tracked = self._roll.learned(device.mac, device.first_seen)
        if isinstance(change, reg.Twice):
            return self._alarms.tell(subjects.heard_twice(tracked, change, now), now)
        if isinstance(change, reg.Moved) and subjects.moved(tracked, change, now):
            self.deciding.again(device.mac, now + subjects.SETTLE_SECONDS)
        return [do.Record("device", reg.to_document(device)), do.Show(device.mac)]

    def _placed(self, changes: list[Change], now: float) -> list[Command]:
        """Carry on what the registry says, then look at who is new or elsewhere."""
        commands: list[Command] = []
        for change in changes:
            commands += self._changed(change, now)
        for change in changes:
            mac = change.device.mac
            if isinstance(change, reg.Appeared | reg.Moved):
                commands += self.deciding.moved(mac, now)
            elif mac in self._roll:
                commands += self.deciding.device(mac, now)
        return commands

    # Captures and verdicts

    def _opened(self, event: ev.CaptureOpened, now: float) -> list[Command]:
        tracked = self._roll.track(event.mac, now)
        tracked.mirrored = True
        tracked.open_capture, tracked.ended_capture = event.capture, None
        tracked.told.clear()
        return [do.Show(event.mac), *self._findings.opened(tracked, now)]

    def _finished(self, event: ev.CaptureFinished, now: float) -> list[Command]:
        del now
        tracked = self._roll.get(event.mac or "")
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
            tracked = self._roll.get(mac)
            if tracked is not None:
                tracked.last_seen = max(tracked.last_seen, min(ns / SECOND, now))
                self.registry.heard(mac, tracked.last_seen)
        return []

    def _judged(self, event: ev.Judged, now: float) -> list[Command]:
        verdict = event.verdict
        if verdict.mac is None:
            return [do.Announce(event.capture, verdict)]
        tracked = self._roll.track(verdict.mac, now)
        verdict = completed(verdict, tracked, event.capture)
        tracked.judging = max(0, tracked.judging - 1)
        if tracked.role is None or says_more(verdict.role, tracked.role):
            tracked.role, tracked.role_capture = verdict.role, event.capture
        tracked.anomaly = verdict.anomaly
        tracked.last_capture = event.capture
        most = self.deciding.windows
        subjects.judged(tracked, verdict, event.capture, now, most=most)
        said = do.Announce(event.capture, verdict, self.registry.port(tracked.mac))
        commands = [said, *self._named(tracked.mac, event.name)]
        return [*commands, do.Show(tracked.mac), *self.deciding.device(tracked.mac, now)]

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
        tracked = self._roll.get(event.mac or "")
        if tracked is not None:
            tracked.judging = max(0, tracked.judging - 1)
            commands.append(do.Show(tracked.mac))
        return commands

    def _behaved(self, event: ev.Behaved, now: float) -> list[Command]:
        tracked = self._roll.track(event.found.mac, now)
        if self._ignored(self.registry.get(tracked.mac)) is not None:
            return []
        return self._findings.behaved(event.found, tracked, now)

    # The rest

    def _restored(self, event: ev.Restored, now: float) -> list[Command]:
        for device in event.devices:
            self.registry.restore(device, now)
            self._roll.track(device.mac, device.first_seen)
        for kept in event.verdicts:
            tracked = self._roll.track(kept.mac, now)
            tracked.role, tracked.anomaly = kept.role, kept.anomaly
            tracked.captures, tracked.last_capture = kept.captures, kept.capture
            tracked.role_capture = kept.role_capture
            if kept.window is not None:
                tracked.windows = (kept.window,)
            tracked.relay = kept.relay or (kept.role.reason if is_relay(kept.role) else None)
            if kept.seen is not None:
                tracked.last_seen = max(tracked.last_seen, min(kept.seen, now))
                self.registry.heard(kept.mac, tracked.last_seen)
        for case in event.cases:
            if case.state != "over":  # however long it is silent: it is shown with its case
                self._roll.track(case.mac, case.opened)
        self.deciding.later(one.mac for one in event.verdicts)
        return self.deciding.begin(event, now)

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
        return [do.Show(mac) for mac in sorted(macs) if mac in self._roll]

    def _read_ports(self, event: ev.Ports, now: float) -> list[Command]:
        before, self._ports = self._ports, event
        if before == event:
            return []
        commands: list[Command] = []
        for mac in self.deciding.wanted():
            commands += self.deciding.moved(mac, now)
        # What was not done because of what the ports were may be done now.
        self.deciding.later(one.mac for one in self._roll.all() if is_suspect(one))
        return commands

    def _read_policy(self, event: ev.PolicyRead, now: float) -> list[Command]:
        policy, self.deciding.refused = event.policy, None
        if policy == self.deciding.policy:
            return []
        body = {"source": policy.source, "digest": policy.digest, "rules": len(policy.rules)}
        macs = [one.mac for one in sorted(self._roll.all(), key=lambda one: not is_suspect(one))]
        return [do.Record("policy", body), *self.deciding.use(policy, macs, now)]

    def _written(self, event: ev.Written, now: float) -> list[Command]:
        del now
        return [do.Record("config", {**event._asdict(), "macs": list(event.macs)})]

    def _noticed(self, event: ev.Noticed, now: float) -> list[Command]:
        if event.kind == "policy":
            self.deciding.refused = event.text
        return self._alarms.tell(do.Alarm(event.kind, event.mac, event.text), now)

    def _tick(self, event: ev.Tick, now: float) -> list[Command]:
        del event
        commands: list[Command] = []
        self.feed, wanted = feed.tick(self.feed, now, feed=self.options.feed)
        for one in wanted:
            commands += self._alarms.tell(one, now) if isinstance(one, do.Alarm) else [one]
        commands += self._findings.late(now)
        if not 0 <= now - self._swept < SWEEP_SECONDS:
            self._swept = now
            for change in self.registry.tick(now):
                commands += self._changed(change, now)
            commands += map(do.Forget, self._roll.sweep(now, self.options.limits.gone_after))
            commands += self._findings.forgive(now)
        return commands + self.deciding.elapsed(now)

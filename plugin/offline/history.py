"""What was known of every device, moment after moment, as a journal or captures tell it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.engine import subjects, suspicion
from plugin.engine.view import SECOND, Tracked
from plugin.ml.behaviour.finding import Found
from plugin.ml.remembered import anomaly_from, role_from
from plugin.ml.verdict import UNDETERMINED, is_relay
from plugin.policy.subject import WINDOWS_KEPT, Subject, Surroundings
from plugin.registry import from_document
from plugin.vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugin.actions import Place
    from plugin.registry import Device

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
TWICE = "twice"
"""The alarm that says that a device is heard on two ports in turn."""


class Told(NamedTuple):
    """One thing that was said, as the journal has it."""

    time: float
    """Seconds since 1970-01-01 UTC."""
    kind: str
    body: Mapping[str, Any]


class Change(NamedTuple):
    """A device of which something else is known than before."""

    mac: str
    moved: bool
    """It is new, or somewhere else."""


class History:
    """All devices, as far as was told. Entries of other kinds say nothing about them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.unreadable = 0
        """Entries whose body is not as it should be."""
        self._tracked: dict[str, Tracked] = {}
        self._devices: dict[str, Device] = {}
        """What the controller told of them."""
        self._spoke_from: dict[str, tuple[str, ...]] = {}
        """Addresses as the last verdict has them."""
        self._at: dict[tuple[str, int], set[str]] = {}
        self._kinds: dict[str, Callable[[Mapping[str, Any]], Change | None]] = {
            "device": self._device,
            "gone": self._gone,
            "verdict": self._verdict,
            "finding": self._finding,
            "alarm": self._alarm,
        }

    def __len__(self) -> int:
        """How many devices are known."""
        return len(self._tracked)

    def take(self, told: Told) -> Change | None:
        """Take what was said; gives the device about which it was, if it matters to a policy."""
        self.now = max(self.now, told.time)  # a clock that was set back undoes nothing
        take = self._kinds.get(told.kind)
        try:
            return None if take is None else take(told.body)
        except (KeyError, IndexError, TypeError, ValueError):
            self.unreadable += 1
            return None

    def look(self, mac: str) -> tuple[Subject, Surroundings] | None:
        """A device as it is known now, and what is around it; None: nobody has told of it."""
        tracked = self._tracked.get(mac)
        if tracked is None:
            return None
        suspicion.forget(tracked, self.now)
        device = self._devices.get(mac)
        subject = subjects.subject(tracked, device, None, self.now)
        if device is None:
            subject = replace(subject, addresses=self._spoke_from.get(mac, ()))
        there = 0 if device is None else len(self._at[device.location[:2]])
        # Nobody has written down what the ports were: uplinks are those with many devices.
        return subject, Surroundings(len(self._tracked), there, None, tracked.relay, None)

    def mates(self, place: Place) -> list[str]:
        """MACs of the devices that are at a port now."""
        return sorted(self._at.get(place[:2], ()))

    def _of(self, mac: str) -> Tracked:
        tracked = self._tracked.get(mac)
        if tracked is None:
            if not _MAC.fullmatch(mac):
                raise ValueError("no link address")
            tracked = Tracked(mac=mac, first_seen=self.now, last_seen=self.now)
            tracked.vendor = vendor_of(mac)
            self._tracked[mac] = tracked
        tracked.last_seen = self.now
        return tracked

    def _device(self, body: Mapping[str, Any]) -> Change:
        device = from_document(body)
        before = self._devices.get(device.mac)
        self._of(device.mac)
        self._leave(before)
        self._devices[device.mac] = device
        self._at.setdefault(device.location[:2], set()).add(device.mac)
        return Change(device.mac, before is None or before.location != device.location)

    def _leave(self, device: Device | None) -> None:
        if device is not None:
            self._at[device.location[:2]].discard(device.mac)

    def _gone(self, body: Mapping[str, Any]) -> None:
        self._tracked.pop(body["mac"], None)
        self._spoke_from.pop(body["mac"], None)
        self._leave(self._devices.pop(body["mac"], None))

    def _verdict(self, body: Mapping[str, Any]) -> Change | None:
        mac, capture, document = body["mac"], str(body["capture"]), body["verdict"]
        if mac is None:
            return None
        role, anomaly = role_from(document["role"]), anomaly_from(document["anomaly"])
        counted = (int(document["packets"]), int(document["sessions"]))
        window = subjects.window(mac, capture, self.now, role, anomaly, counted=counted)
        addresses = tuple(map(str, document["ips"]))
        tracked = self._of(mac)
        tracked.windows = (window, *tracked.windows)[:WINDOWS_KEPT]
        tracked.captures += 1
        tracked.anomaly = anomaly
        if is_relay(role):
            tracked.relay = role.reason
        if role.decision != UNDETERMINED or tracked.role is None:
            tracked.role = role
        self._spoke_from[mac] = addresses
        return Change(mac, moved=False)

    def _finding(self, body: Mapping[str, Any]) -> Change | None:
        mac, capture = str(body["mac"]), body["capture"]
        anomaly = anomaly_from(body["verdict"]["anomaly"])
        for finding in () if anomaly is None else anomaly.behaviour:
            found = Found(round(self.now * SECOND), mac, finding)
            suspicion.sight(self._of(mac), found)
            if capture is not None:
                suspicion.place(self._of(mac), found, str(capture))
        return Change(mac, moved=False)

    def _alarm(self, body: Mapping[str, Any]) -> None:
        tracked = self._tracked.get(body["mac"])
        if body["alarm"] == TWICE and tracked is not None:
            tracked.twice = self.now

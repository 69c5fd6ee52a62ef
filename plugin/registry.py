"""Every device the controller has told of: what it is called, where it is, since when. Pure.

A device is known by its MAC address. Faucet says where a MAC was learned; it also says that it
forgot one, which happens at every warm restart and does not mean that the device left: a device
is *gone* only when nothing was heard of it for ``Limits.gone_after`` seconds. One MAC that is
heard on two ports in turn, again and again, is two devices with one address, or a loop, or
somebody's lie: that is an alarm, and nothing else is done about it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.events import (
    AddressLearned,
    DatapathChanged,
    DeviceExpired,
    DeviceLearned,
    FaucetRestarted,
    PortChanged,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from plugin.events import FeedItem

_GROUP_BIT, _LOCAL_BIT = 1, 2
_FIRST_OCTET = slice(0, 2)
_SKEW = 5.0
"""Seconds by which a clock may be corrected without a word."""


class Location(NamedTuple):
    """A port of a switch, and the VLAN in which the device speaks there."""

    dp_name: str
    port: int
    vid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What is known of one device. Times are seconds since 1970-01-01 UTC."""

    mac: str
    location: Location
    addresses: tuple[str, ...] = ()
    """IP addresses, the last heard of first."""
    first_seen: float
    last_seen: float
    moves: tuple[float, ...] = ()
    """When it was heard on another port than before; the last few."""
    learned: bool = True
    """Faucet has it in its table now."""
    name: str | None = None
    """What it calls itself, where the operator allows that to be read (DHCP)."""
    vendor: str | None = None
    """Who made it, as far as its MAC tells."""

    @property
    def randomised(self) -> bool:
        """The MAC is no manufacturer's: the locally administered bit of IEEE 802 is set."""
        return bool(int(self.mac[_FIRST_OCTET], 16) & _LOCAL_BIT)


class Limits(NamedTuple):
    """How much is remembered, and when something is odd."""

    devices: int = 20_000
    """Beyond it the devices longest not heard of are forgotten."""
    addresses: int = 16
    """Of one device: a router speaks for many."""
    gone_after: float = 3_600.0
    """Seconds without a word after which a device that Faucet forgot is gone."""
    moves: int = 3
    """So many moves ..."""
    moves_within: float = 60.0
    """... within so many seconds, back and forth, are one MAC on two ports."""


class Appeared(NamedTuple):
    """A device is known for the first time, or again after it was gone."""

    device: Device


class Moved(NamedTuple):
    """A device is on another port or in another VLAN."""

    device: Device
    previous: Location


class Addressed(NamedTuple):
    """A device has an IP address that it had not."""

    device: Device
    address: str


class Gone(NamedTuple):
    """Nothing was heard of a device for long."""

    device: Device


class Twice(NamedTuple):
    """One MAC is heard on two ports in turn."""

    device: Device
    other: Location


class Forgotten(NamedTuple):
    """There are too many devices: this one is no longer kept."""

    device: Device


Change = Appeared | Moved | Addressed | Gone | Twice | Forgotten


class Registry:
    """The devices by MAC. It owns its state; :meth:`step` is the one way to change it."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        vendor: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """Start with no device.

        Args:
            limits: how much is remembered.
            vendor: the maker of a MAC; the same answer for the same MAC.
        """
        self.limits = limits or Limits()
        """May be set to others."""
        self._vendor = vendor
        self._devices: OrderedDict[str, Device] = OrderedDict()
        """In order of when each was last heard of."""
        self._ports: dict[tuple[str, int], set[str]] = {}
        self._last_at: dict[tuple[str, int], set[str]] = {}
        self._most = self._spread = 0
        """What :meth:`spread` was asked last, and its answer: kept up to date."""

    def __len__(self) -> int:
        """How many devices there are."""
        return len(self._devices)

    def __iter__(self) -> Iterator[Device]:
        """The devices, the one longest not heard of first."""
        return iter(self._devices.values())

    def get(self, mac: str) -> Device | None:
        """The device of a MAC."""
        return self._devices.get(mac)

    def port(self, mac: str) -> str | None:
        """The switch and port of a device, as words; None: it is not known."""
        device = self._devices.get(mac)
        return None if device is None else f"{device.location.dp_name} {device.location.port}"

    def at(self, dp_name: str, port: int) -> tuple[Device, ...]:
        """The devices on one port, as far as Faucet has them there now."""
        return tuple(self._devices[mac] for mac in self._ports.get((dp_name, port), ()))

    def last_at(self, dp_name: str, port: int) -> frozenset[str]:
        """MACs of the devices that were heard last at one port, be they learned now or not.

        After a restart, of ours or of Faucet's, nothing is learned: a port with many devices
        behind it is one all the same.
        """
        return frozenset(self._last_at.get((dp_name, port), ()))

    def spread(self, most: int) -> int:
        """How many devices there are, if no port counts for more than ``most``."""
        if most != self._most:
            self._most = most
            self._spread = sum(min(len(macs), most) for macs in self._last_at.values())
        return self._spread

    def step(self, event: FeedItem, now: float) -> list[Change]:
        """Take one item of the feed.

        Args:
            event: What happened; its own time counts, for queued events come late.
            now: The time here: a time after it is not believed.
        """
        if isinstance(event, DeviceLearned):
            self._disbelieve(event.mac, min(event.time, now), now)
            return self._learned(event, min(event.time, now))
        if isinstance(event, AddressLearned):
            return self._addressed(event, min(event.time, now))
        if isinstance(event, DeviceExpired):
            device = self._devices.get(event.mac)
            where = (event.dp_name, event.port, event.vid)
            if device is not None and device.location == where:
                self._unlearn([device])
        elif isinstance(event, DatapathChanged):
            ports = [place for place in self._ports if place[0] == event.dp_name]
            self._unlearn([device for place in ports for device in self.at(*place)])
        elif isinstance(event, PortChanged) and not event.up:
            self._unlearn(self.at(event.dp_name, event.port))
        elif isinstance(event, FaucetRestarted):
            self._unlearn([self._devices[mac] for macs in self._ports.values() for mac in macs])
        return []

    def tick(self, now: float) -> list[Change]:
        """Let time pass: devices that Faucet forgot and that stayed silent are gone."""
        old = []
        for device in self._devices.values():
            if device.last_seen > now + _SKEW:  # the clock was ahead, and was put right
                self._disbelieve(device.mac, now, now)
                continue
            if now - device.last_seen <= self.limits.gone_after:
                break
            if not device.learned:
                old.append(device)
        for device in old:
            del self._devices[device.mac]
            self._place(device, None)
        return [Gone(device) for device in old]

    def heard(self, mac: str, time: float) -> None:
        """A frame of a device passed: it is not gone, whatever Faucet has forgotten."""
        device = self._devices.get(mac)
        if device is not None and time > device.last_seen:
            self._devices[mac] = replace(device, last_seen=time)
            self._devices.move_to_end(mac)

    def restore(self, device: Device, now: float) -> list[Change]:
        """Take a device that an earlier run knew (:func:`from_document`)."""
        return self._keep(replace(device, last_seen=min(device.last_seen, now)))

    def _disbelieve(self, mac: str, time: float, now: float) -> None:
        """Take back a time that is to come: else all that happens until then looks old."""
        device = self._devices.get(mac)
        if device is not None and device.last_seen > now + _SKEW:
            first = min(device.first_seen, time)
            self._devices[mac] = replace(device, first_seen=first, last_seen=time)

    def name(self, mac: str, name: str) -> None:
        """Note what a device calls itself."""
        device = self._devices.get(mac)
        if device is not None:
            self._devices[mac] = replace(device, name=name)

    def _learned(self, event: DeviceLearned, time: float) -> list[Change]:
        if int(event.mac[_FIRST_OCTET], 16) & _GROUP_BIT:
            return []  # nobody sends from a group address but by mistake or in malice
        here = Location(event.dp_name, event.port, event.vid)
        addresses = () if event.address is None else (event.address,)
        known = self._devices.get(event.mac)
        if known is None:
            device = Device(
                mac=event.mac,
                location=here,
                addresses=addresses,
                first_seen=time,
                last_seen=time,
                vendor=self._vendor(event.mac),
            )
            return [Appeared(device), *self._keep(device)]
        if time < known.last_seen and here != known.location:
            return []  # a queued event of where it was before
        changes: list[Change] = []
        device = replace(known, last_seen=max(time, known.last_seen), learned=True)
        if here != known.location:
            moves = (*known.moves, time)[-self.limits.moves :]
            device = replace(device, location=here, moves=moves)
            changes.append(Moved(device, known.location))
            if len(moves) == self.limits.moves and time - moves[0] <= self.limits.moves_within:
                changes.append(Twice(device, known.location))
        if event.address is not None:
            device, fresh = self._with_address(device, event.address)
            changes += fresh
        return [*changes, *self._keep(device)]

    def _addressed(self, event: AddressLearned, time: float) -> list[Change]:
        known = self._devices.get(event.mac)
        if known is None:
            return []  # its L2_LEARN says where it is, and comes first
        device, changes = self._with_address(known, event.address)
        return [*changes, *self._keep(replace(device, last_seen=max(time, known.last_seen)))]

    def _with_address(self, device: Device, address: str) -> tuple[Device, list[Change]]:
        if device.addresses[:1] == (address,):
            return device, []
        others = tuple(one for one in device.addresses if one != address)
        told = replace(device, addresses=(address, *others)[: self.limits.addresses])
        return told, ([] if address in device.addresses else [Addressed(told, address)])

    def _keep(self, device: Device) -> list[Change]:
        self._place(self._devices.get(device.mac), device)
        self._devices[device.mac] = device
        self._devices.move_to_end(device.mac)
        if len(self._devices) <= self.limits.devices:
            return []
        _, forgotten = self._devices.popitem(last=False)
        self._place(forgotten, None)
        return [Forgotten(forgotten)]

    def _unlearn(self, devices: Iterable[Device]) -> None:
        for device in devices:
            told = replace(device, learned=False)
            self._place(device, told)
            self._devices[device.mac] = told

    def _place(self, before: Device | None, after: Device | None) -> None:
        """Keep the table of ports: a device stands in it where Faucet has learned it."""
        if before is not None and before.learned:
            place = before.location[:2]
            self._ports[place].discard(before.mac)
            if not self._ports[place]:
                del self._ports[place]
        if after is not None and after.learned:
            self._ports.setdefault(after.location[:2], set()).add(after.mac)
        if before is None or after is None or before.location != after.location:
            if before is not None:
                place = before.location[:2]
                self._spread -= len(self._last_at[place]) <= self._most
                self._last_at[place].discard(before.mac)
                if not self._last_at[place]:
                    del self._last_at[place]
            if after is not None:
                there = self._last_at.setdefault(after.location[:2], set())
                there.add(after.mac)
                self._spread += len(there) <= self._most


def to_document(device: Device) -> dict[str, Any]:
    """A device as JSON holds it (times in seconds), for the journal and ``--json``."""
    return {
        "mac": device.mac,
        "dp": device.location.dp_name,
        "port": device.location.port,
        "vid": device.location.vid,
        "addresses": list(device.addresses),
        "first_seen": device.first_seen,
        "last_seen": device.last_seen,
        "moves": list(device.moves),
        "learned": device.learned,
        "randomised": device.randomised,
        "name": device.name,
        "vendor": device.vendor,
    }


def from_document(document: Mapping[str, Any]) -> Device:
    """The device of :func:`to_document`, as it comes back after a restart: not learned yet.

    Raises:
        KeyError, TypeError, ValueError: it is no such document.
    """
    return Device(
        mac=str(document["mac"]),
        location=Location(str(document["dp"]), int(document["port"]), int(document["vid"])),
        addresses=tuple(map(str, document["addresses"])),
        first_seen=float(document["first_seen"]),
        last_seen=float(document["last_seen"]),
        moves=tuple(map(float, document["moves"])),
        learned=False,
        name=None if document["name"] is None else str(document["name"]),
        vendor=None if document.get("vendor") is None else str(document["vendor"]),
    )

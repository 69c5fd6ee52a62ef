"""All devices that the engine keeps, and which of them may be let go. Pure.

A device that only frames have shown may be forged: such go first when there are too many, and
when they are silent. One about which something is decided stays, whatever else is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

from plugin.engine.view import Tracked

if TYPE_CHECKING:
    from collections.abc import Callable, ValuesView

    from plugin.registry import Registry


class Roll:
    """Devices by MAC; the engine's alone.

    Args:
        registry: What the controller has told.
        vendor: Who makes devices with such a MAC address.
        stays: Whether something is decided about a device.
    """

    def __init__(
        self,
        registry: Registry,
        vendor: Callable[[str], str | None],
        stays: Callable[[str], bool],
    ) -> None:
        self._registry, self._vendor, self._stays = registry, vendor, stays
        self._tracked: OrderedDict[str, Tracked] = OrderedDict()
        self._only_frames: OrderedDict[str, None] = OrderedDict()
        """Those of them that the controller has told nothing of."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._tracked)

    def __contains__(self, mac: str) -> bool:
        """Whether there is a device of this MAC."""
        return mac in self._tracked

    def get(self, mac: str) -> Tracked | None:
        """The device of a MAC."""
        return self._tracked.get(mac)

    def all(self) -> ValuesView[Tracked]:
        """All of them, in order of their first appearance."""
        return self._tracked.values()

    def track(self, mac: str, since: float) -> Tracked:
        """The device of a MAC; a new one if there was none."""
        tracked = self._tracked.get(mac)
        if tracked is None:
            tracked = Tracked(mac=mac, first_seen=since, last_seen=since, vendor=self._vendor(mac))
            self._tracked[mac] = tracked
            if self._registry.get(mac) is None:
                self._only_frames[mac] = None
        return tracked

    def learned(self, mac: str, since: float) -> Tracked:
        """The same of a device that the controller told of."""
        tracked = self.track(mac, since)
        self._only_frames.pop(mac, None)
        return tracked

    def left(self, mac: str) -> bool:
        """The controller knows a device no more; whether it is forgotten here too."""
        if self._stays(mac) and mac in self._tracked:
            self._only_frames[mac] = None
            return False
        self._drop(mac)
        return True

    def make_room(self, most: int) -> list[str]:
        """Keep the table bounded: devices that only frames have shown go; gives their MACs."""
        over = len(self._tracked) - most
        gone = list(islice((mac for mac in self._only_frames if not self._stays(mac)), over))
        for mac in gone:
            self._drop(mac)
        return gone

    def sweep(self, now: float, gone_after: float) -> list[str]:
        """Forget devices that only frames have shown, and that are silent for long."""
        old = [
            mac
            for mac in self._only_frames
            if now - self._tracked[mac].last_seen > gone_after
            and not self._tracked[mac].judging
            and not self._stays(mac)
        ]
        for mac in old:
            self._drop(mac)
        return old

    def _drop(self, mac: str) -> None:
        self._tracked.pop(mac, None)
        self._only_frames.pop(mac, None)

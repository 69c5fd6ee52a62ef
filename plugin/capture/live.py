"""A live capture: frames of one interface to one file a device, and to whoever wants the stream.

One thread calls :meth:`LiveCapture.poll` again and again; nothing runs beside it. The stream is a
header-only pcap of all frames, each once, which a core Engine takes as it comes.
"""

from __future__ import annotations

import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from plugin.capture.packet_socket import Link, Opening, Statistics
from plugin.capture.plain import Plain
from plugin.capture.ring import Ring
from plugin.capture.rotate import plan_idle
from plugin.capture.trace_files import Alarm
from plugin.core import new_demux
from plugin.core.layout import (
    DEMUX_DEVICE_FULL,
    DEMUX_STREAM_FULL,
    DEMUX_TOTALS,
    MAC,
)
from plugin.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.capture.packet_socket import Feed
    from plugin.capture.trace_files import Finished, TraceFiles

_PIECES = 64
"""Blocks that one poll takes at most: then files are looked after, whatever waits."""
_TICK_SECONDS = 1.0
_STREAM = 1 << 20
_QUIET_PAUSES = 3
"""Retire times without a block after which the kernel has none any more."""
_IDLE_LOOK_SECONDS = 60.0
_NOTHING = {
    Link.UP: ": frames can come again",
    Link.DOWN: ": nothing is captured until 'ip link set up'",
    Link.NO_CARRIER: ": nothing is captured until its other end is up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a live capture is to do."""

    opening: Opening
    feed: str = "auto"
    """"ring", "plain", or "auto": the ring where the kernel has one."""
    max_devices: int = 10_000
    idle: float = 3600.0
    """Seconds after which a silent device's place may be another's; 0 = never."""
    names: bool = False
    """Keep the payloads of DHCP and mDNS, which tell names."""
    repeat_ns: int = 0
    """Leave out a frame that equals one so many ns before: a switch mirrored both its ports."""
    stream: bool = False
    """Hand out the stream of all frames."""


class NewDevice(NamedTuple):
    """An address that was not known before."""

    mac: str
    first_ns: int


class Counters(NamedTuple):
    """What was seen, kept and missed since the start."""

    frames: int
    wire_bytes: int
    devices: int
    """Now."""
    records: int
    """Given to devices: one or two a frame."""
    tagged: int
    cut: int
    """Frames whose headers go on beyond the snap length."""
    repeated: int
    """Frames left out as second copies."""
    refused: int
    """Records that no file got because there are too many devices."""
    damaged: int
    kernel_packets: int
    kernel_drops: int
    kernel_freezes: int
    written_packets: int
    lost_packets: int
    """Records that the disk had no room for."""
    finished_files: int
    removed_files: int
    unread: int
    """Frames that the kernel counted and that were never seen here; known once it has stopped."""


class Batch(NamedTuple):
    """What one poll brought."""

    finished: list[Finished]
    opened: list[tuple[str, str]]
    """MAC and file name of files begun."""
    devices: list[NewDevice]
    alarms: list[Alarm]
    stream: bytes
    """Header-only pcap, continued from the batch before."""
    idle: bool
    """Nothing came."""


class LiveCapture:
    """One interface, one demux, one folder of files."""

    def __init__(
        self, settings: Settings, files: TraceFiles | None = None, feed: Feed | None = None
    ) -> None:
        """Open the interface; frames wait for :meth:`poll` from now on.

        Args:
            settings: What to do.
            files: Where devices' frames go, started; None = they are only streamed and counted.
            feed: Where frames come from; by default the interface that the settings name.

        Raises:
            OptionError: no such interface.
            CaptureError: capturing is not permitted here.
        """
        self._settings, self._files = settings, files
        self._demux = new_demux(
            max_devices=settings.max_devices,
            stream=_STREAM if settings.stream else 0,
            names=settings.names,
            repeat=settings.repeat_ns,
        )
        self._feed = open_feed(settings) if feed is None else feed
        self._poll = select.poll()
        self._poll.register(self._feed.fileno(), select.POLLIN | select.POLLERR)
        self._kernel = Statistics()
        self._parts: list[bytes] = []
        self._alarms: list[Alarm] = []
        self._latest: dict[bytes, int] = {}
        self._now = self._ticked = self._looked = 0.0
        self._unread = 0
        self.link = Link.UP
        """As it was at the last look, once a second; nothing can come while it is not up."""

    @property
    def kind(self) -> str:
        """How the interface is read: "ring" or "plain"."""
        return self._feed.kind

    def poll(self, now: float, timeout: float) -> Batch:
        """Take what is there, waiting at most ``timeout`` seconds for it.

        Args:
            now: The time, seconds since 1970.
            timeout: How long to wait when nothing is there.

        Raises:
            PeerError: the interface has gone.
            OutputError: the folder has gone.
        """
        self._now = now
        pieces = self._take()
        if not pieces:
            if any(event & ~select.POLLIN for _, event in self._poll.poll(timeout * 1000)):
                self._look_at_link()
            pieces = self._take()
        finished: list[Finished] = []
        if not 0 <= now - self._ticked < _TICK_SECONDS:
            self._look_at_link()  # not all that happens to it ends the wait above
            finished = self._tick(now)
        return self._batch(finished, idle=not pieces)

    def stop(self, now: float, pause: Callable[[float], None]) -> Batch:
        """Let nothing more in, take what is still in the kernel, finish all files.

        Args:
            now: The time.
            pause: Waits so many seconds (``time.sleep``): the kernel hands its open block over
                only after the retire time.
        """
        self._now = now
        self._feed.quiesce()
        quiet = 0
        while quiet < _QUIET_PAUSES:
            if self._take():
                quiet = 0
            else:
                quiet += 1
                pause(self._settings.opening.retire_ms / 1000)
        finished = self._tick(now)
        t = dict(zip(DEMUX_TOTALS, self._demux.totals(), strict=True))
        seen = t["frames"] + t["repeated"]
        self._unread = self._kernel.packets - self._kernel.drops - seen
        if self._files is not None:
            finished += self._files.close(now)
        batch = self._batch(finished, idle=False)
        self._feed.close()
        return batch

    def finish(self, mac: str, now: float, why: str = "asked") -> Finished | None:
        """Finish one device's file now; what it sends later begins another.

        Args:
            mac: The device.
            now: The time.
            why: What the file's record is to say.

        Returns:
            The file; None when it has none.
        """
        if self._files is None:
            return None
        self._now = now
        self._flush()
        return self._files.finish(bytes.fromhex(mac.replace(":", "")), now, why)

    def latest(self) -> tuple[tuple[str, int], ...]:
        """MAC and time (ns) of the last frame, of devices that had one since the last call."""
        rows = list(MAC.struct.iter_unpack(self._demux.devices()))
        found = {row[0]: row[7] for row in rows if any(row[0])}
        before, self._latest = self._latest, found
        return tuple((mac.hex(":"), ns) for mac, ns in found.items() if before.get(mac) != ns)

    def counters(self) -> Counters:
        """The counters now."""
        t = dict(zip(DEMUX_TOTALS, self._demux.totals(), strict=True))
        counts = self._files.counts if self._files is not None else None
        return Counters(
            frames=t["frames"],
            wire_bytes=t["wire_bytes"],
            devices=t["devices"],
            records=t["records"],
            tagged=t["tagged"],
            cut=t["cut"],
            repeated=t["repeated"],
            refused=t["refused"],
            damaged=t["damaged"],
            kernel_packets=self._kernel.packets,
            kernel_drops=self._kernel.drops,
            kernel_freezes=self._kernel.freezes,
            written_packets=counts.written_packets if counts else 0,
            lost_packets=counts.lost_packets if counts else 0,
            finished_files=counts.finished_files if counts else 0,
            removed_files=counts.removed_files if counts else 0,
            unread=self._unread,
        )

    def _look_at_link(self) -> None:
        """Tell once that it is down, and that it is up again.

        Raises:
            PeerError: the interface has gone.
        """
        before, self.link = self.link, self._feed.check()
        if self.link is before:
            return
        kind = "capture_up" if self.link is Link.UP else "capture_down"
        iface = self._settings.opening.iface
        self._alarms.append(Alarm(kind, f"{iface} {self.link.value}" + _NOTHING[self.link]))

    def _take(self) -> int:
        for number in range(_PIECES):
            if not self._feed.take(self._demux, self._relieve):
                return number
        return _PIECES

    def _relieve(self, status: int, device: int) -> None:
        """Make the room that the demux stopped for."""
        if status == DEMUX_STREAM_FULL:
            self._parts.append(self._demux.take_stream())
        elif status == DEMUX_DEVICE_FULL:
            self._write(device)
        else:
            self._flush()

    def _write(self, device: int) -> None:
        taken = self._demux.take(device)
        if self._files is not None:
            self._files.write(self._demux.devices(device, 1)[:6], taken, self._now)

    def _flush(self) -> None:
        for device in self._demux.pending():
            self._write(device)

    def _tick(self, now: float) -> list[Finished]:
        """Once a second: everything to its file, files in and out, the kernel's counters."""
        self._ticked = now
        self._kernel = self._feed.statistics()
        self._flush()
        if not 0 <= now - self._looked < _IDLE_LOOK_SECONDS:
            self._looked = now
            self._forget(now)
        if self._files is None:
            return []
        self._files.kernel_drops = self._kernel.drops
        return self._files.tick(now)

    def _forget(self, now: float) -> None:
        rows = MAC.struct.iter_unpack(self._demux.devices())
        latest = {i: row[7] for i, row in enumerate(rows) if any(row[0])}
        for device in plan_idle(latest, int(now * 1e9), self._settings.idle):
            self._demux.forget(device)

    def _batch(self, finished: list[Finished], *, idle: bool) -> Batch:
        fresh = (MAC.struct.unpack(self._demux.devices(i, 1)) for i in self._demux.fresh())
        devices = [NewDevice(row[0].hex(":"), row[6]) for row in fresh]
        alarms, self._alarms = self._alarms, []
        opened: list[tuple[str, str]] = []
        if self._files is not None:
            alarms += self._files.alarms
            self._files.alarms = []
            opened, self._files.opened = self._files.opened, []
        stream = b"".join([*self._parts, self._demux.take_stream()])
        self._parts = []
        return Batch(finished, opened, devices, alarms, stream, idle)


def open_feed(settings: Settings) -> Feed:
    """Open the interface, which needs privileges that nothing after it needs.

    Raises:
        OptionError: no such interface.
        CaptureError: capturing is not permitted here.
    """
    if settings.feed == "plain":
        return Plain(settings.opening)
    try:
        return Ring(settings.opening)
    except CaptureError as error:
        if settings.feed == "ring" or isinstance(error.__cause__, PermissionError):
            raise
        return Plain(settings.opening)

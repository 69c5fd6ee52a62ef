"""What the shell tells the engine, besides Faucet's feed: frozen records.

They stand here and not in ``plugin.events`` because they carry verdicts and findings. Times are
seconds since 1970-01-01 UTC unless a field's name says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.events import FeedItem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.faucet.prometheus import Snapshot
    from plugin.ml.behaviour.finding import Found
    from plugin.ml.verdict import Anomaly, Role, Verdict
    from plugin.registry import Device


class Tick(NamedTuple):
    """Time has passed."""


class Ending(NamedTuple):
    """No more frames come: what waits for something is told as it is."""


class Resynced(NamedTuple):
    """Faucet's page was read: this is what Faucet knows now."""

    snapshot: Snapshot


class ResyncFailed(NamedTuple):
    """Faucet's page could not be read."""

    reason: str


class CaptureOpened(NamedTuple):
    """A file was begun for a device's frames."""

    mac: str
    capture: str
    """The file's name, without its folder."""


class CaptureFinished(NamedTuple):
    """A device's file is complete and may be judged."""

    path: str
    capture: str
    mac: str | None
    """None when a run before named the file by an id of its own."""
    missed: int
    """Frames that were lost while it was written, of whichever device."""
    why: str


class CaptureSeen(NamedTuple):
    """When devices' latest frames passed the mirror port."""

    latest: tuple[tuple[str, int], ...]
    """MAC and time in ns of those that sent or were sent something since the last one."""


class Judged(NamedTuple):
    """A capture was judged."""

    capture: str
    verdict: Verdict
    name: str | None
    """What the device calls itself, where that is recorded."""


class Unjudged(NamedTuple):
    """A capture could not be judged, and will not be."""

    capture: str
    mac: str | None
    reason: str
    quiet: bool = False
    """It is no fault of anybody's: there was nothing to judge."""


class Behaved(NamedTuple):
    """A behaviour was found while it happens."""

    found: Found


class Kept(NamedTuple):
    """What the journal knows of a device's verdicts from before a restart."""

    mac: str
    role: Role
    """The last one that a capture held enough for, else the last one."""
    role_capture: str
    anomaly: Anomaly | None
    captures: int
    capture: str
    """The last one judged."""
    seen: float | None
    """When that one ended."""


class Restored(NamedTuple):
    """What the journal knows from before a restart: the first event, if there was a run before."""

    devices: tuple[Device, ...]
    verdicts: tuple[Kept, ...]


class Room(NamedTuple):
    """Whether what is said can be kept (journal and spool): if not, nothing more is finished."""

    there: bool
    reason: str


class Covered(NamedTuple):
    """What is wrong with the hook in Faucet's configuration; empty: nothing."""

    problems: tuple[str, ...]


class Mirrored(NamedTuple):
    """Whom the mirror does not show, and why."""

    ignored: frozenset[str]
    """MACs of devices that the operator told to leave alone."""
    uncovered: Mapping[str, str]
    """By MAC: why a device is not mirrored and will not be."""
    waiting: frozenset[str]
    """Devices whose turn will come."""


class Noticed(NamedTuple):
    """Something that the shell saw and an operator should know."""

    kind: str
    text: str
    mac: str | None = None


Event = (
    FeedItem
    | Tick
    | Ending
    | Resynced
    | ResyncFailed
    | CaptureOpened
    | CaptureFinished
    | CaptureSeen
    | Judged
    | Unjudged
    | Behaved
    | Restored
    | Room
    | Covered
    | Mirrored
    | Noticed
)

"""What the shell tells the engine, besides Faucet's feed: frozen records.

They stand here and not in ``plugin.events`` because they carry verdicts and findings. Times are
seconds since 1970-01-01 UTC unless a field's name says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.events import FeedItem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.actions import Report
    from plugin.faucet.prometheus import Snapshot
    from plugin.ml.behaviour.finding import Found
    from plugin.ml.verdict import Anomaly, Role, Verdict
    from plugin.policy.cases import Case
    from plugin.policy.rules import Policy
    from plugin.policy.subject import Window
    from plugin.registry import Device

OWN_MACS = frozenset({"0e:00:00:00:00:01"})
"""What Faucet speaks from where a VLAN does not say (faucet/vlan.py, FAUCET_MAC)."""


OWN_MACS = frozenset({"0e:00:00:00:00:01"})
"""What Faucet speaks from where a VLAN does not say (faucet/vlan.py, FAUCET_MAC)."""


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
    window: Window | None = None
    """What that one said."""
    relay: str | None = None
    """Why it is taken for a gateway, by the last one judged, whatever one before said."""


class Restored(NamedTuple):
    """What the journal knows from before a restart: the first event but for the policy."""

    devices: tuple[Device, ...]
    verdicts: tuple[Kept, ...]
    cases: tuple[Case, ...] = ()
    """Each as it was last; of what is over, as much as a ladder looks back at."""
    began: float | None = None
    """When this site first ran; None: it runs for the first time."""
    frozen: str | None = None
    """Why no rule isolates anybody until somebody allows it again; None: rules may."""


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


class PortKind(NamedTuple):
    """What a port is, as Faucet's files say."""

    hooked: bool
    tagged: bool = False
    """It carries tagged VLANs."""
    stack: bool = False
    """It joins two switches."""
    output: bool = False
    """It only sends: a collector."""
    words: str = ""
    """Why it is not hooked; empty if it is."""


class Ports(NamedTuple):
    """What all ports are, as Faucet's files say; told when that has changed."""

    kinds: Mapping[tuple[str, int], PortKind]
    """By switch and port."""
    own_macs: frozenset[str] = OWN_MACS
    """Addresses that Faucet itself speaks from (``faucet_mac`` of VLANs with ``faucet_vips``)."""


class Reported(NamedTuple):
    """How far what was wanted of the switches has come."""

    report: Report


class Written(NamedTuple):
    """One of Faucet's files was written."""

    file: str
    """Its name."""
    diff: str
    """What was changed, as a unified diff."""
    macs: tuple[str, ...]
    """Devices that the changed lines name."""


class PolicyRead(NamedTuple):
    """The operator's policy, at the start before anything else, and when it was read again."""

    policy: Policy


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
    | Ports
    | Reported
    | Written
    | PolicyRead
    | Noticed
)

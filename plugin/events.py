"""What happens outside, as frozen records: the engine's only input besides the clock.

Times are seconds since 1970-01-01 UTC by the clock of whoever reported it. MAC addresses are
lower case with colons; IP addresses are in their canonical spelling.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FaucetEvent:
    """One line of Faucet's event feed: who said it, when, and its place in the sequence."""

    time: float
    dp_id: int
    """The datapath; 0 where the event is about Faucet as a whole."""
    dp_name: str
    event_id: int
    """Counts up by one from 1 at Faucet's start; 0 if the line had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLearned(FaucetEvent):
    """Faucet learned a MAC on a port (L2_LEARN)."""

    port: int
    previous_port: int | None
    """The port it was learned on before, if any: another one is a move."""
    vid: int
    mac: str
    peer_mac: str | None
    """Receiver of the frame that it was learned from."""
    eth_type: int | None
    address: str | None
    """The sender's IP address in that frame, if it had one."""
    peer_address: str | None
    stack: str | None
    """Faucet's words for the other end, when it was learned through a stack port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceExpired(FaucetEvent):
    """Faucet forgot a MAC (L2_EXPIRE). Warm restarts send it too: the device may well be there."""

    port: int
    vid: int
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressLearned(FaucetEvent):
    """Faucet, routing, learned which MAC has an IP address (L3_LEARN)."""

    port: int
    vid: int
    mac: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortChanged(FaucetEvent):
    """A port came or went (PORT_CHANGE)."""

    port: int
    reason: str
    """``ADD``, ``DELETE``, ``MODIFY`` or ``UNKNOWN``."""
    state: int | None
    """OpenFlow's port state bits: 1 link down, 2 blocked, 4 live."""
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsStatus(FaucetEvent):
    """All ports of a datapath at once, at its cold start (PORTS_STATUS)."""

    up: tuple[tuple[int, bool], ...]
    """Port number and whether it is up, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatapathChanged(FaucetEvent):
    """A switch connected or left (DP_CHANGE)."""

    reason: str
    """``cold_start``: it is connected and being filled; ``disconnect``: it left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatapathRestarted(FaucetEvent):
    """What a new configuration meant for one datapath (CONFIG_CHANGE with ``restart_type``)."""

    restart: str | None
    """``new``, ``cold``, ``warm``, or None: nothing changed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A file of the configuration as Faucet read it."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigLoaded(FaucetEvent):
    """Faucet parsed a changed configuration (CONFIG_CHANGE with success).

    A file that is not listed was not loaded: Faucet skips a broken optional file in silence.
    It says nothing about the switch: see the three states in docs/faucet.md.
    """

    files: tuple[LoadedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRefused(FaucetEvent):
    """Faucet refused a changed configuration and keeps the old one."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(FaucetEvent):
    """Faucet's event socket is alive (EVENT_SOCK_HEARTBEAT)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused(FaucetEvent):
    """A well-formed event of a kind that Halia makes no use of (LAG, stack, 802.1X, new ones)."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOpened:
    """The event feed is connected: what happened before is to be asked for."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedClosed:
    """The event feed is gone; it will be tried again."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedGap:
    """Events are missing from the feed: what they told is to be asked for.

    Faucet keeps 120 events for an absent reader and drops the oldest.
    """

    missed: int
    before: int
    """The event_id that came instead of the missing ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaucetRestarted:
    """The numbering began anew: this is another run of Faucet, which has learned nothing yet."""

    last: int
    """The last event_id of the run before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """Something in the feed that is no event; counted, never fatal."""

    reason: str
    sample: str
    """The beginning of it, escaped."""


FeedItem = FaucetEvent | FeedOpened | FeedClosed | FeedGap | FaucetRestarted | Garbage

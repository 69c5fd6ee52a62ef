"""A device as policies look at it: what is known of it at one moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plugin.actions import Place

WINDOWS_KEPT = 16
"""Judged captures of a device that a rule can look back at."""


class RoleSeen(NamedTuple):
    """What a device is, as the last capture with enough in it says."""

    decision: str
    """``known``, ``unknown`` or ``undetermined``."""
    label: str
    """The likeliest class, also when it is not known."""
    confidence: float
    """0 to 1, calibrated."""
    model: str
    stands_out: bool = True
    """It is well above the next likeliest: of what is like no class, all classes are as likely."""


class Seen(NamedTuple):
    """A behaviour that was found."""

    name: str
    score: float
    threshold: float
    reasons: tuple[str, ...]
    time: float
    """Seconds since 1970-01-01 UTC."""
    evidence: str
    """Id of the message that told it, or the capture's name."""


class Window(NamedTuple):
    """One judged capture."""

    capture: str
    evidence: str
    """Id of its verdict's message."""
    time: float
    """When its capture ended; where that is not known, when it was judged."""
    packets: int
    sessions: int
    decision: str
    label: str
    confidence: float
    anomaly: str
    """``normal``, ``novel``, ``changed``, ``anomalous`` or ``undetermined``."""
    novelty: float | None
    """Score over its threshold: 1 and more is novel; None: nothing has looked."""
    change: float | None
    behaviours: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A device at one moment. Times are seconds since 1970-01-01 UTC."""

    mac: str
    place: Place | None = None
    addresses: tuple[str, ...] = ()
    vendor: str | None = None
    name: str | None = None
    randomised: bool = False
    first_seen: float = 0.0
    last_seen: float = 0.0
    role: RoleSeen | None = None
    behaviours: tuple[Seen, ...] = ()
    """Found lately and not yet forgotten, the last first; of each name one."""
    windows: tuple[Window, ...] = ()
    """The last judged captures, the last first."""
    captures: int = 0
    os: str | None = None
    """Its operating system, as p0f calls it; None: nobody has told."""
    source: str = "halia"
    """Who judged it."""
    twice: bool = False
    """Heard on two ports in turn lately: somebody may pretend to be it."""
    ignored: str | None = None
    """Why nothing is done about it, if the operator said so."""

    @property
    def packets(self) -> int:
        """Of the last judged capture."""
        return self.windows[0].packets if self.windows else 0


class Surroundings(NamedTuple):
    """What of the network counts when a device is to be isolated."""

    devices: int
    """Known devices, everywhere."""
    macs_on_port: int
    """Known devices at its port, itself included."""
    uplink: str | None
    """Why its port is taken for an uplink, if it is: stack, tagged, output, many devices."""
    gateway: str | None
    """Why it is taken for a gateway, if it is."""
    unhooked: str | None
    """Why an isolation cannot hold where it is: its port has no hook."""
    doubt: str | None = None
    """Why it is not sure yet whose deeds are told of it: no rule isolates it meanwhile."""


NOWHERE = Surroundings(0, 0, None, None, None)

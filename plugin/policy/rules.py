"""A policy as it was read: rules, what is protected, caps. Frozen; :mod:`document` makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network

    from plugin.actions import Action, Service

Mode = Literal["simulate", "enforce"]
Scope = Literal["device", "port"]
HOUR, DAY = 3_600.0, 86_400.0
DURATION = HOUR
"""How long an isolation lasts if the rule does not say."""
APPROVE_WITHIN = 4 * HOUR
GRACE = 600.0
LEARNING = 7 * DAY
MANY_MACS = 8


class AtLeast(NamedTuple):
    """So many of the last so many judged captures."""

    k: int
    n: int


class Hours(NamedTuple):
    """A part of the week, in local time."""

    days: frozenset[int]
    """0 is Monday."""
    begin: int
    """Minute of the day."""
    end: int
    """Minute of the day; not after ``begin``: of the next day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """A set of devices by what is known of them: who is in any of these is in it."""

    macs: tuple[str, ...] = ()
    """Addresses, or prefixes of whole octets (``02:00:5e``)."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    """Switch's name and port number."""
    switches: tuple[str, ...] = ()
    vlans: tuple[int, ...] = ()
    vendors: tuple[str, ...] = ()
    """Patterns of :mod:`fnmatch`, case ignored."""
    roles: tuple[str, ...] = ()
    """Labels; a *known* role counts, and for protection the likeliest label too."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a rule asks of a device; all that is given must hold."""

    roles: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    min_confidence: float | None = None
    """0 to 1."""
    anomalies: tuple[str, ...] = ()
    behaviours: tuple[str, ...] = ()
    novelty: float | None = None
    """At least."""
    change: float | None = None
    windows: AtLeast | None = None
    """Of the judged captures, so many must each match what this rule asks of a capture."""
    min_packets: int | None = None
    min_sessions: int | None = None
    min_captures: int | None = None
    within: Devices | None = None
    """Here each kind that is given must hold: one of its macs, and one of its networks, and ..."""
    hours: tuple[Hours, ...] = ()
    sources: tuple[str, ...] = ()
    randomised: bool | None = None
    os: tuple[str, ...] = ()
    """Operating systems, as p0f calls them."""


class Step(NamedTuple):
    """One step of a ladder: what happens to who offends again."""

    action: Action
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule."""

    name: str
    place: str
    """FILE:LINE:COLUMN."""
    match: Match
    action: Action
    mode: Mode = "simulate"
    approve: bool = False
    approve_within: float = APPROVE_WITHIN
    """Seconds after which a question that nobody answered is answered with no."""
    delay: float = 0.0
    """Seconds between match and action; it must match at the end too."""
    duration: float = DURATION
    escalate: tuple[Step, ...] = ()
    """For the second offence, the third …; beyond the last one that stays."""
    grace: float = GRACE
    """Seconds after a release in which rules that are no harder leave the device alone."""
    forget: float = 30 * DAY
    """After so long without a case a device begins at the first step."""
    scope: Scope = "device"
    accept_novelty_alone: bool = False
    reason: str | None = None
    """The operator's words for the help desk."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The whole ladder."""
        return (Step(self.action, self.duration), *self.escalate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much may be isolated by rules; a breach stops new isolations until somebody thaws it."""

    devices: int = 10
    percent: float = 5.0
    """Of all known devices; one is always allowed."""
    per_switch: int = 5
    per_hour: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All that the operator wrote."""

    rules: tuple[Rule, ...] = ()
    protect: Devices = field(default_factory=Devices)
    many_macs: int = MANY_MACS
    """A port with so many devices is an uplink."""
    caps: Caps = field(default_factory=Caps)
    learning: float = LEARNING
    """Seconds from the first start in which nothing is enforced."""
    maintenance: tuple[Hours, ...] = ()
    """When nothing new is enforced."""
    allow: tuple[Service, ...] = ()
    """Of every quarantine without its own, an operator's order too."""
    tags: Mapping[str, Devices] = field(default_factory=dict)
    source: str = ""
    """The file."""
    digest: str = ""
    """sha256 of its text."""
    warnings: tuple[str, ...] = ()
    """What is allowed and probably not meant."""


HARD_CAP = 200
"""Isolated devices at most, whatever the policy says: each rewrite of the hook costs everybody
a gap that grows with the list (docs/faucet.md)."""
EMPTY = Policy()
"""Nobody is ever isolated by it."""

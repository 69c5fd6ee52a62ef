"""What can be done about a device, and how it is told between those who decide and who do. Pure.

``policy`` decides, ``faucet`` renders and proves; neither imports the other: they share these
records. docs/policy.md tells what each action does to the device and to its neighbours.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["notify", "watch", "limit", "quarantine", "revlan", "block"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""From the mildest to the hardest."""
ISOLATING: frozenset[Kind] = frozenset({"limit", "quarantine", "revlan", "block"})
"""What takes something from a device: it is written into Faucet's files and counts for caps."""
COOKIES = range(1, 0x8000)
"""Cookies of isolations; those above are of watches (:mod:`plugin.faucet.turns`)."""
RATE_MAX = 100_000_000
"""kbit/s: 100 Gbit/s."""
_RATE = re.compile(r"([0-9]{1,9})([kKmMgG]?)")
_KBIT = {"": 0.001, "k": 1.0, "m": 1e3, "g": 1e6}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Place(NamedTuple):
    """A port of a switch, and the VLAN in which a device speaks there."""

    dp: str
    port: int
    vid: int


class Service(NamedTuple):
    """What a quarantined device may still reach."""

    kind: Literal["dhcp", "dns", "host"]
    """``dhcp`` (DHCP and DHCPv6 to whom it may concern), ``dns`` (one server), ``host`` (all IP to
    one address, such as a remediation server). The neighbour discovery that it takes is part."""
    address: str | None = None
    """Of ``dns`` and ``host``: IPv4 or IPv6, canonical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action with what it needs."""

    kind: Kind
    rate: int | None = None
    """Of ``limit``: kbit/s that the device may send."""
    vlan: str | None = None
    """Of ``revlan``: the VLAN's name in faucet.yaml."""
    allow: tuple[Service, ...] = ()
    """Of ``quarantine``."""
    redirect: bool = False
    """Of ``quarantine``: what it sends goes to the remediation port that was installed."""

    def __str__(self) -> str:
        """As :func:`parse_action` takes it."""
        if self.kind == "limit":
            return f"limit:{self.rate}k"
        return f"revlan:{self.vlan}" if self.kind == "revlan" else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What is to stand at the switches about one device."""

    cookie: int
    """In :data:`COOKIES`; of one case, and of no other that is known."""
    mac: str
    action: Action
    """Of a kind in :data:`ISOLATING`."""
    place: Place | None = None
    """Where it was heard last; None: nobody has told."""
    addresses: tuple[str, ...] = ()
    """Its own, the last heard of first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far what was wanted has come, as the shell saw it. Sets are of cookies."""

    wanted: frozenset[int] = frozenset()
    """What the writer was last asked for: a report about other wishes is an old one."""
    written: frozenset[int] = frozenset()
    """Their rules stand in our file now."""
    loaded: frozenset[int] = frozenset()
    """Faucet says that it has loaded the file with them."""
    proven: frozenset[int] = frozenset()
    """Read back, whole, from every hooked port of every switch."""
    absent: frozenset[int] = frozenset()
    """Not wanted (any more), not in our file, and at no switch that could be read."""
    probing: bool = False
    """The switches can be read; if not, nothing is ever proven or absent by them: ``absent`` then
    says that Faucet has loaded a file without it."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Why it cannot be done at all: it is not in our file, and trying again is vain until something
    changes."""
    left_out: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Services of a quarantine that the operator's own ACLs deny, or might."""
    unproven: Mapping[int, str] = field(default_factory=dict)
    """What is missing at which switch, of what is loaded and not proven; why what is not wanted any
    more is not absent."""
    strangers: tuple[Isolation, ...] = ()
    """Isolations that stand in our file and were not asked for: of a journal that was lost."""
    problem: str | None = None
    """Why nothing can be written or loaded now; it is tried again."""


def parse_action(text: str) -> Action:
    """Read ``notify``, ``watch``, ``limit:RATE``, ``quarantine``, ``revlan:NAME`` or ``block``.

    A rate is in bits per second, with k, M or G (1,000 each): ``limit:512k``, ``limit:2M``.

    Raises:
        ValueError: it is none of them; the text says what is expected.
    """
    kind, colon, rest = text.strip().partition(":")
    if kind not in KINDS:
        raise ValueError(f"{text!r} is no action; known: {', '.join(KINDS)}")
    if kind == "limit":
        return Action(kind=kind, rate=_kbits(rest))
    if kind == "revlan":
        if not _NAME.fullmatch(rest):
            raise ValueError("revlan needs a VLAN's name: revlan:NAME")
        return Action(kind=kind, vlan=rest)
    if colon:
        raise ValueError(f"{kind} takes nothing after a colon")
    return Action(kind=kind)


def parse_service(kind: str, address: str | None) -> Service:
    """Read a service of a quarantine.

    Raises:
        ValueError: there is no such service, or the address is missing, wrong or too much.
    """
    if kind == "dhcp":
        if address is not None:
            raise ValueError("dhcp takes no address")
        return Service("dhcp")
    if kind not in {"dns", "host"}:
        raise ValueError(f"{kind!r} is no service; known: dhcp, dns, host")
    try:
        one = ipaddress.ip_address(address or "")
    except ValueError as error:
        raise ValueError(f"{kind} needs an IP address") from error
    zone = getattr(one, "scope_id", None) is not None  # fe80::1%eth0 is of no frame
    if zone or one.is_multicast or one.is_unspecified or one.is_loopback:
        raise ValueError(f"{kind}: {one} is no host's address")
    return Service(cast("Literal['dns', 'host']", kind), str(one))


def _kbits(text: str) -> int:
    found = _RATE.fullmatch(text)
    rate = 0.0 if found is None else int(found[1]) * _KBIT[found[2].lower()]
    if not 1 <= rate <= RATE_MAX:
        raise ValueError("limit needs a rate from 1k to 100G, in bits per second: limit:2M")
    return round(rate)

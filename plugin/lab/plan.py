"""What a bad host is to do: the truth that a detector is held to. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """What exactly a bad host does."""

    host: str
    kind: str
    target: str
    """An address, or a network for a sweep."""
    rate: float
    """Connections, attempts, calls or packets a second."""
    seconds: float | None
    """How long; None: until it is calmed."""
    seed: int
    mac: str
    about: str
    """For ARP spoofing: the address that the host claims to have."""
    target_mac: str
    targets: tuple[str, ...] = ()
    """All addresses it goes to, where there are several."""

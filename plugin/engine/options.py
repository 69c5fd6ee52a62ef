"""What the operator decided, as far as the engine goes by it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from plugin import registry as reg


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator decided."""

    limits: reg.Limits = field(default_factory=reg.Limits)
    feed: bool = True
    """Faucet's events are to come."""
    page: bool = True
    """There is a page of Faucet's to ask after lost events."""
    ignore_vlans: frozenset[int] = frozenset()
    ignore_ports: frozenset[tuple[str, int]] = frozenset()
    """Switch and port."""

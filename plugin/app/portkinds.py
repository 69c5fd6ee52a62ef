"""What each port is, for who decides about the devices there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.engine.events import OWN_MACS, PortKind, Ports
from plugin.faucet.document import read_situation
from plugin.faucet.notes import KINDS
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.faucet.ground import Ground, GroundPort

_SENDS = frozenset({"output_only", "mirror"})


def ports(ground: Ground, texts: Mapping[str, str]) -> Ports:
    """Say what all ports are, and which addresses are Faucet's own.

    Args:
        ground: What Faucet's files say.
        texts: Those files, by path.
    """
    macs = {mac for text in texts.values() for mac in _own_macs(text)}
    kinds = {key: _kind(port) for key, port in ground.ports.items()}
    return Ports(kinds, OWN_MACS | macs)


def _kind(port: GroundPort) -> PortKind:
    words = ""
    if not port.hooked:
        words = KINDS.get(port.kind, "it has no hook: halia faucet install")
    return PortKind(
        hooked=port.hooked,
        tagged=bool(port.tagged),
        stack=port.kind == "stack",
        output=port.kind in _SENDS,
        words=f"{port.label}: {words}" if words else "",
    )


def _own_macs(text: str) -> Iterator[str]:
    """Give the addresses that VLANs with an address of Faucet's speak from."""
    if "faucet_mac" not in text:
        return
    try:
        vlans = read_situation(Tree(text), {}).vlans
    except UnreadableError:  # a piece that is only whole with the other files
        return
    for conf in vlans.values():
        mac = conf.get("faucet_mac")
        if conf.get("faucet_vips") and isinstance(mac, str):
            yield mac.lower()

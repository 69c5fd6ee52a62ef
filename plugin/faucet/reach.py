"""Which devices the installed mirror reaches, and why it does not reach the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet.hook import TAIL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.faucet.coverage import Coverage, PortCover
    from plugin.faucet.hook import Layout, Mode
    from plugin.faucet.load import Place


class Spot(NamedTuple):
    """Where a device is."""

    mac: str
    dp: str
    port: int
    vid: int
    suspect: bool = False
    """Its last verdict asks for more: it is watched on, if others have their turn all the same."""
    addresses: tuple[str, ...] = ()
    """Its own, canonical."""

    @property
    def place(self) -> Place:
        """Its port."""
        return (self.dp, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What of the network the installation can mirror."""

    mode: Mode | None = None
    """None: the hook is not installed."""
    ports: Mapping[Place, PortCover] = field(default_factory=dict)
    collectors: Mapping[str, int] = field(default_factory=dict)
    """By datapath: number of the port that copies go to."""
    ignored_vlans: frozenset[int] = frozenset()
    """VLANs that the installation left unmirrored."""

    def why_not_mirrored(self, spot: Spot) -> str:
        """Tell why what a device sends is not copied; empty if it is."""
        return self._missing(spot) or self._why(spot, mirrored=self.ports[spot.place].mirrored)

    def why_not_watched(self, spot: Spot) -> str:
        """Tell why a device cannot be watched by itself; empty if it can."""
        if missing := self._missing(spot):
            return missing
        cover = self.ports[spot.place]
        if cover.watchable or not cover.hooked:
            return self._why(spot, mirrored=cover.watchable)
        return (
            f"{_label(cover)} ends in your ACL {cover.chain[-1]}: a watch there would let pass what"
            " it denies"
        )

    def blind(self) -> tuple[str, ...]:
        """Name the hooked ports whose frames no watch sees, whoever they are for."""
        odd = (c for c in self.ports.values() if c.hooked and not c.watchable)
        return tuple(dict.fromkeys(_label(cover) for cover in odd))

    def names(self, place: Place) -> frozenset[str]:
        """Give what ``DP:PORT`` may call a port: by its number, by its name."""
        cover = self.ports.get(place)
        named = cover.name if cover is not None and len(cover.numbers) == 1 else None
        return frozenset(f"{place[0]}:{word}" for word in (place[1], named) if word is not None)

    def _missing(self, spot: Spot) -> str:
        if self.mode is None:
            return "the hook is not installed"
        if spot.place not in self.ports:
            return f"{spot.dp} port {spot.port} is not in faucet.yaml"
        return "" if spot.dp in self.collectors else f"{spot.dp} has no collector port"

    def _why(self, spot: Spot, *, mirrored: bool) -> str:
        if mirrored:
            return ""
        cover = self.ports[spot.place]
        if cover.why:
            return f"{_label(cover)}: {cover.why}"
        if not str(cover.chain[-1]).startswith(TAIL):
            return f"{_label(cover)} ends in your ACL {cover.chain[-1]}, so it is not mirrored"
        return f"{_label(cover)} is not mirrored"


def reach(found: Coverage, layout: Layout | None) -> Reach:
    """Tell what an installation reaches.

    Args:
        found: what stands in Faucet's files.
        layout: what was installed, by its journal; None: nothing.
    """
    if layout is None or not found.installed:
        return Reach()
    ports = {(c.dp, n): c for c in found.ports for n in c.numbers}
    collectors = {
        place[0]: place[1]
        for target in layout.targets
        for place, cover in ports.items()
        if place[0] == target.dp and target.collector in {place[1], cover.name}
    }
    return Reach(
        mode=layout.mode, ports=ports, collectors=collectors, ignored_vlans=layout.ignored_vlans
    )


def _label(cover: PortCover) -> str:
    return f"{cover.dp} port {cover.port}"

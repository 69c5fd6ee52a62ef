"""How far each isolation has come: from what was wanted, written, loaded and read back. Pure.

When Faucet loads a file, it takes the rules out of the switch and puts them in again, and nothing
passes meanwhile. So while it does so for us, something proven that one read does not find is
doubted first, and reported when the next read does not find it either. What was released is absent
only when Faucet has loaded a file without it, where Faucet can be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import COOKIES, Report
from plugin.faucet.proof import astray, proof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plugin.actions import Isolation
    from plugin.app.desired import Desired, Wish
    from plugin.app.proving import Read
    from plugin.faucet.ground import Ground, PortKey


class Stage(NamedTuple):
    """Our include, and what Faucet says of it."""

    standing: Mapping[int, Isolation]
    """By cookie: what the file isolates now."""
    loaded: bool
    """Faucet has loaded the file as it is."""
    deaf: bool
    """Faucet cannot be asked."""
    problem: str | None


class Progress:
    """Remembers what was loaded and proven; used by one thread."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._loaded: Mapping[int, Isolation] = {}
        self._proven: frozenset[int] = frozenset()
        self._doubted: frozenset[int] = frozenset()
        self._unproven: Mapping[int, str] = {}
        self._present: frozenset[int] | None = None
        """Cookies of isolations at the switches; None: they were not read."""
        self._known: set[int] = set()
        """Of all isolations that there were in this run."""
        self._ports: set[int] = set()
        """Of those, what may have moved a port: what stood as something else did not."""
        self._astray: Mapping[PortKey, str] | None = None
        """Ports in another VLAN than the root file has for them; None: not all was read."""
        self.probing = False

    def knows(self, cookies: Iterable[int]) -> None:
        """Take isolations that there are: once released, their absence is told.

        Of one of an earlier run nobody knows what it was: it may have moved a port.
        """
        new = set(cookies) - self._known
        self._known |= new
        self._ports |= new

    @property
    def known(self) -> frozenset[int]:
        """All of them."""
        return frozenset(self._known)

    @property
    def moves(self) -> bool:
        """Whether a port that was moved may not be back yet: all tables must be read for that."""
        return bool(self._ports)

    @property
    def strays(self) -> bool:
        """Whether one is not back: Faucet has not loaded the root file as it is."""
        return bool(self._ports and self._astray)

    @property
    def doubts(self) -> bool:
        """Whether the switches must be read again soon."""
        return bool(self._doubted)

    def prove(
        self, want: Desired, ground: Ground, read: Read, *, reloads: bool, whole: bool = True
    ) -> None:
        """Take what was read from the switches.

        Args:
            want: What must be there.
            ground: Where its rules must be.
            read: What is there.
            reloads: Faucet may be loading what we wrote.
            whole: all tables were read.
        """
        self.probing = read.probing
        if not read.probing:
            self._proven, self._doubted, self._unproven = frozenset(), frozenset(), {}
            self._present = self._astray = None
            return
        isolations = want.isolations
        found = proof(tuple(isolations.values()), ground, read.flows, spots=want.spots)
        names = {dp_id: name for name, dp_id in ground.dp_ids.items()}
        silent = "; ".join(f"{names.get(i, i)}: {why}" for i, why in sorted(read.silent.items()))
        lost = (self._proven & isolations.keys()) - found.proven - self._doubted
        lost = lost if reloads else frozenset()
        self._doubted, self._proven = lost, found.proven | lost
        unproven = {c: why for c, why in found.unproven.items() if c not in lost}
        self._unproven = {c: f"{why} ({silent})" if silent else why for c, why in unproven.items()}
        blind = bool(read.silent) and not read.flows
        self._astray = astray(ground, read.flows) if whole and not read.silent else None
        self._present = None if blind else frozenset(c for c in read.cookies() if c in COOKIES)

    def forget_proofs(self, cookies: Iterable[int]) -> None:
        """Doubt nothing of these any more: they are to be something else from now on."""
        gone = frozenset(cookies)
        self._proven, self._doubted = self._proven - gone, self._doubted - gone

    def report(self, wish: Wish, want: Desired, stage: Stage) -> Report:
        """Say how far it has come.

        Args:
            wish: What was wanted last.
            want: What must stand therefore.
            stage: What stands.
        """
        wanted = {one.cookie: one for one in wish.isolations}
        self._known.update(wanted)
        for one in (*wanted.values(), *stage.standing.values()):
            (self._ports.add if one.action.kind == "revlan" else self._ports.discard)(one.cookie)
        if stage.loaded:
            self._loaded = dict(stage.standing)
        written = frozenset(c for c, one in wanted.items() if stage.standing.get(c) == one)
        loaded = frozenset(c for c in written if self._loaded.get(c) == wanted[c])
        proven = self._proven & wanted.keys()
        absent = self._absent(wanted, stage)
        left = {c: self._why_left(c, stage) for c in wish.leaving - absent - wanted.keys()}
        unproven = {c: why for c, why in self._unproven.items() if c in loaded - proven}
        return Report(
            wanted=frozenset(wanted),
            written=written,
            loaded=loaded,
            proven=proven,
            absent=absent,
            probing=self.probing,
            refused=want.refused,
            left_out=want.left_out,
            unproven={**unproven, **left},
            problem=stage.problem,
        )

    def _why_left(self, cookie: int, stage: Stage) -> str:
        """Say why something that is to be gone is not called gone."""
        if cookie in stage.standing:
            return stage.problem or "it stands in Faucet's files still"
        if self._present is not None and cookie in self._present:
            return stage.problem or "a switch has rules of it still"
        if cookie in self._ports and self._astray:
            return "; ".join(self._astray.values())
        if not stage.loaded:
            return stage.problem or "Faucet has not loaded the files without it yet"
        return "not all switches were read yet"

    def _absent(self, wanted: Mapping[int, Isolation], stage: Stage) -> frozenset[int]:
        gone = self._known - wanted.keys() - stage.standing.keys()
        if not stage.loaded and not (stage.deaf and self.probing):
            gone = gone - self._loaded.keys()
        if not self.probing:
            return frozenset(gone) if stage.loaded else frozenset()
        if self._present is None:
            return frozenset()
        if self._astray is None or self._astray:
            gone = gone - self._ports
        absent = frozenset(gone - self._present)
        self._ports -= absent
        return absent

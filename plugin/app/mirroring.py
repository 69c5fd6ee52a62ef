"""The mirror as it is installed, looked after in a thread of its own.

Every few seconds: what stands in Faucet's files, whom the mirror reaches, what passes the ports;
then, where devices are watched in turn, whose turn it is. All decisions are those of
:mod:`plugin.faucet.mirror`; nothing is written unless the operator installed ``--mirror none`` and
set a budget.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.engine import events as ev
from plugin.errors import FaucetFileError, PeerError
from plugin.faucet import mirror
from plugin.faucet.flows import Query
from plugin.faucet.probe import Probe
from plugin.faucet.reach import reach
from plugin.offline.faucet import JOURNAL, apply_stages, dp_names, read_place, status
from plugin.settings.urls import split_address

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from plugin.app.inbox import Inbox
    from plugin.faucet.coverage import Coverage
    from plugin.faucet.mirror import MirrorPlan, MirrorSettings
    from plugin.faucet.reach import Reach, Spot
    from plugin.offline.faucet import Place, Running

TURN_SECONDS = 5.0
PROVEN_SECONDS = 15.0
"""Seconds in which what was written must be at the switches."""
_ANSWER_SECONDS = 10.0
_NOT_INSTALLED = "the hook is not installed: nothing is mirrored; see 'halia faucet install'"


Stamps = tuple[tuple[int, int] | None, ...]
"""Of each file: when it was changed, and its size."""


class Looked(NamedTuple):
    """Faucet's files as they were looked at."""

    place: Place
    found: Coverage
    names: Mapping[int, str]
    """Switches by datapath id."""


class Mirroring:
    """Looks after the mirror.

    Args:
        config: The faucet.yaml.
        running: How the running Faucet is reached, for writes.
        probe: ``HOST:PORT`` where switches reach our reader; None: ports are not measured.
        settings: What the operator decides; asked at each turn, for a reload changes it.
        inbox: Where findings go, and by which the main thread is asked.
        spots: Where all devices are; called in the main thread.
    """

    def __init__(
        self,
        config: Path,
        running: Running,
        probe: str | None,
        settings: Callable[[], MirrorSettings],
        inbox: Inbox,
        spots: Callable[[], list[Spot]],
    ) -> None:
        self._config, self._running, self._settings = config, running, settings
        self._inbox, self._spots = inbox, spots
        self._address = None if probe is None else split_address(probe)
        self._probe: Probe | None = None
        self._state = mirror.begin()
        self._looked: Looked | None = None
        self._stamps: Stamps = ()
        self._unproven: float | None = None
        """Since when a watch is at no switch."""
        self.plan: MirrorPlan | None = None
        """The last one."""
        self.problem: str | None = None
        """Why the switches cannot be read; None: they can, or need not be."""

    def run(self, stopping: threading.Event) -> None:
        """Look after it until stopped."""
        try:
            while not stopping.is_set():
                self._turn()
                stopping.wait(TURN_SECONDS)
        finally:
            if self._probe is not None:
                self._probe.close()

    def _turn(self) -> None:
        try:
            place, found, names = self._look()
        except FaucetFileError as error:
            self._inbox.put(ev.Covered((str(error),)))
            return
        if not found.installed:
            self._inbox.put(ev.Covered((_NOT_INSTALLED,)))
            return
        layout = place.journal.layout if place.journal is not None else None
        reached = reach(found, layout)
        problems = list(found.problems)
        settings = self._settings()
        if settings.budget is not None:
            self._measure(reached, names)
        try:
            spots = self._inbox.ask(self._spots, _ANSWER_SECONDS)
        except TimeoutError:
            return  # the main thread is ending, or very busy: the next turn is soon
        self._state, plan = mirror.plan(self._state, reached, spots, settings, time.monotonic())
        problems += plan.problems
        if reached.mode == "none" and settings.budget is not None:
            problems += self._apply(plan) or self._prove(plan, names)
        self.plan = plan
        self._inbox.put(ev.Covered(tuple(problems)))
        self._inbox.put(ev.Mirrored(plan.ignored, dict(plan.uncovered), plan.waiting))

    def _look(self) -> Looked:
        """Read Faucet's files; only if one of them has changed, for a large one takes a while."""
        if self._looked is not None:
            place = self._looked.place
            if self._stamps == _stamps(place):
                return self._looked
        place = read_place(self._config)
        self._stamps = _stamps(place)
        self._looked = Looked(place, status(place), dp_names(place.text))
        return self._looked

    def _apply(self, plan: MirrorPlan) -> list[str]:
        try:
            applied = apply_stages(self._config, plan.stages, self._running)
        except (FaucetFileError, PeerError) as error:
            return [f"the watches cannot be written: {error}"]
        if applied.written and applied.loaded is False:
            return ["the watches were written, and Faucet has not loaded them"]
        return []

    def _prove(self, plan: MirrorPlan, names: Mapping[int, str]) -> list[str]:
        """Read the watches back from the switches: that Faucet has loaded them proves nothing."""
        wanted = {rule.cookie for rule in plan.stages.watches}
        if self._probe is None or not wanted:
            self._unproven = None
            return []
        try:
            switches = [dp_id for dp_id in self._probe.datapaths() if dp_id in names]
            there = {f.cookie for dp_id in switches for f in self._probe.flows(Query(dp_id))}
        except PeerError as error:
            self._lose(error)
            return []
        missing = wanted - there
        self._unproven = (self._unproven or time.monotonic()) if missing else None
        if self._unproven is None or time.monotonic() - self._unproven < PROVEN_SECONDS:
            return []
        return [f"{len(missing)} of {len(wanted)} watches are written, and at no switch"]

    def _lose(self, error: PeerError) -> None:
        """The probe does not work: it is begun anew at the next turn."""
        self.problem = str(error)
        if self._probe is not None:
            self._probe.close()
            self._probe = None

    def _measure(self, reached: Reach, names: Mapping[int, str]) -> None:
        """Count what passes the ports of each datapath that answers."""
        if self._address is None:
            self.problem = "faucet.probe is not set: no port is measured"
            return
        try:
            if self._probe is None:
                host, port = self._address
                self._probe = Probe(host=host, port=port)
                self._probe.start()
            for dp_id in self._probe.datapaths():
                name = names.get(dp_id)
                if name is not None:
                    counters = self._probe.ports(dp_id)
                    self._state = mirror.count(
                        self._state, reached, name, counters, time.monotonic()
                    )
            self.problem = None
        except PeerError as error:
            self._lose(error)


def _stamps(place: Place) -> Stamps:
    files = [place.root, place.include, place.root.parent / JOURNAL, *map(Path, place.included)]
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

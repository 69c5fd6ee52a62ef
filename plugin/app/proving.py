"""The switches read back: one probe, begun when it is needed, begun anew when it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import PeerError
from plugin.faucet.flows import Query
from plugin.faucet.probe import Probe
from plugin.settings.urls import split_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from plugin.faucet.flows import Flow, PortCounters

AGAIN_SECONDS = 5.0
"""Before something that did not answer is asked again: each question may take seconds."""
PORT_TABLE = 0
"""Faucet's table of port ACLs, wherever there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the switches hold."""

    probing: bool = False
    """The probe works."""
    flows: Mapping[int, tuple[Flow, ...]] = field(default_factory=dict)
    """By datapath id, of those that answered."""
    silent: Mapping[int, str] = field(default_factory=dict)
    """By datapath id: why it did not."""

    def cookies(self) -> frozenset[int]:
        """Give the cookies of all flows, at whichever switch."""
        return frozenset(flow.cookie for flows in self.flows.values() for flow in flows)


class Probed(NamedTuple):
    """How the switches are read back, for ``halia status``."""

    address: str | None
    """Where they call the probe; None: nobody set one up."""
    switches: int
    """How many have called it."""
    problem: str | None
    """Why they cannot be read; None: they can."""


class Proving:
    """Reads flows and counters; used by one thread.

    Args:
        address: ``HOST:PORT`` where switches reach our reader; None: there is no probe.
        clock: Seconds that never go back.
    """

    def __init__(self, address: str | None, clock: Callable[[], float]) -> None:
        self._written = address
        self._address = None if address is None else split_address(address)
        self._clock = clock
        self._probe: Probe | None = None
        self._not_before = 0.0
        self._silent: dict[int, tuple[float, str]] = {}
        """Switches that did not answer: when, and why."""
        self._called = 0
        """How many switches had called it when it was looked at last."""
        self.problem: str | None = None
        """Why the switches cannot be read; None: they can, or need not be."""

    @property
    def wanted(self) -> bool:
        """Whether the operator set up a probe."""
        return self._address is not None

    @property
    def probed(self) -> Probed:
        """How they are read back; from any thread."""
        return Probed(self._written, self._called, self.problem)

    def ready(self) -> None:
        """Have the probe run, and switches call it, before anything is to be read."""
        self._ready()

    def read(self, dp_ids: Iterable[int], *, table: int | None = PORT_TABLE) -> Read:
        """Read the flows of these datapaths.

        Args:
            dp_ids: The datapaths.
            table: The one to read; None: all.
        """
        flows: dict[int, tuple[Flow, ...]] = {}
        silent: dict[int, str] = {}
        probe, there = self._ready()
        if probe is None:
            return Read()
        for dp_id in sorted(set(dp_ids)):
            why = self._why_not(dp_id, there)
            if why is None:
                try:
                    flows[dp_id] = probe.flows(Query(dp_id, table=table))
                    continue
                except PeerError as error:
                    why = error.reason
                    self._silent[dp_id] = (self._clock(), why)
            silent[dp_id] = why
        return Read(probing=True, flows=flows, silent=silent)

    def ports(self, names: Mapping[int, str]) -> dict[str, tuple[PortCounters, ...]]:
        """Read the port counters of each datapath that answers, by its name."""
        probe, there = self._ready()
        found: dict[str, tuple[PortCounters, ...]] = {}
        if probe is None:
            return found
        for dp_id, name in names.items():
            if self._why_not(dp_id, there) is None:
                try:
                    found[name] = probe.ports(dp_id)
                except PeerError as error:
                    self._silent[dp_id] = (self._clock(), error.reason)
        return found

    def close(self) -> None:
        """End the probe; it is begun again when something is read."""
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.close()

    def _why_not(self, dp_id: int, there: frozenset[int]) -> str | None:
        if dp_id not in there:
            return "it has not called our probe"
        since, why = self._silent.get(dp_id, (None, ""))
        if since is not None and self._clock() - since < AGAIN_SECONDS:
            return why
        self._silent.pop(dp_id, None)
        return None

    def _ready(self) -> tuple[Probe | None, frozenset[int]]:
        """Give a probe that works, and the datapaths that have called it."""
        if self._address is None or self._clock() < self._not_before:
            return None, frozenset()
        try:
            if self._probe is None:
                host, port = self._address
                probe = Probe(host=host, port=port)
                probe.start()
                self._probe = probe
            there = frozenset(self._probe.datapaths())
        except PeerError as error:
            self.problem = str(error)
            self._not_before = self._clock() + AGAIN_SECONDS
            self.close()
            self._called = 0
            return None, frozenset()
        self.problem, self._called = None, len(there)
        return self._probe, there

"""What the demo promises of each host, and whether it was kept. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.lab.isolation import Isolation

NAMED_WITHIN = 30.0
"""Seconds from turning bad to being named, at most; beacons take their time."""
GADGET = "unknown gadget"
TOLD_APART = ("printer", "file server", "workstation")
"""Profiles that the demo promises to tell apart."""
DISPUTE = frozenset({"address-conflict"})
"""What is told of both who claim an address."""
NAMES: Mapping[str, frozenset[str]] = {
    "scan": frozenset({"vertical-scan"}),
    "sweep": frozenset({"arp-scan", "horizontal-scan"}),
    "ping-sweep": frozenset({"icmp-sweep"}),
    "brute": frozenset({"brute-force"}),
    "fan-out": frozenset({"admin-fan-out"}),
    "beacon": frozenset({"beacon"}),
    "dns-tunnel": frozenset({"dns-tunnel"}),
    "icmp-tunnel": frozenset({"icmp-tunnel"}),
    "exfiltrate": frozenset({"exfiltration"}),
    "flood": frozenset({"udp-flood"}),
    "syn-flood": frozenset({"syn-flood"}),
    "icmp-flood": frozenset({"icmp-flood"}),
    "dhcp-flood": frozenset({"dhcp-flood"}),
    "amplify": frozenset({"amplification"}),
    "arp-spoof": frozenset({"arp-spoofing", "address-conflict"}),
    "conflict": frozenset({"mac-conflict"}),
}
"""What Halia is to call each way to be bad."""


class Row(NamedTuple):
    """One host at the end."""

    host: str
    profile: str
    truth: str | None
    """Its role in the vocabulary's spelling; None of what no model can know."""
    device: Mapping[str, Any] | None
    """What Halia shows of it; None: nothing."""

    @property
    def decision(self) -> str:
        """What Halia says of its role."""
        role = self.device["role"] if self.device is not None else None
        return "unseen" if role is None else str(role["decision"])

    @property
    def right(self) -> bool | None:
        """Whether its role is right; None where nothing is claimed."""
        if self.decision != "known" or self.device is None:
            return None
        return bool(self.device["role"]["labels"][0] == self.truth)

    @property
    def behaviours(self) -> tuple[str, ...]:
        """Names of the behaviours that Halia shows of it."""
        found = self.device["anomaly"] if self.device is not None else None
        return () if found is None else tuple(one["name"] for one in found["behaviour"])

    @property
    def case(self) -> str | None:
        """State of what was decided about it; None: nothing was."""
        found = self.device.get("case") if self.device is not None else None
        return None if found is None else str(found["state"])

    @property
    def anomalous(self) -> bool:
        """Whether Halia names a behaviour of it."""
        found = self.device["anomaly"] if self.device is not None else None
        return found is not None and found["verdict"] == "anomalous"


class Outcome(NamedTuple):
    """What came of it."""

    rows: tuple[Row, ...]
    bad: str | None
    named_after: float | None
    """Seconds from turning bad to the first finding about that host; None: none came."""
    live: bool
    """A real network, or a recorded run."""
    within: float = NAMED_WITHIN
    """Seconds from turning bad to that finding, at most, as it should be."""
    kind: str = "scan"
    """What the bad host did."""
    isolation: Isolation | None = None
    """What was seen of its isolation; None: nobody was to be isolated, or it was not looked at."""

    def _is_named(self) -> bool:
        """Whether the bad host is called what it is, at the end."""
        names = {name for row in self.rows if row.host == self.bad for name in row.behaviours}
        return bool(names & NAMES[self.kind])

    def _is_robbed(self, row: Row) -> bool:
        """Whether the bad host claims its address: nobody can tell so early whose it is."""
        return self.kind == "arp-spoof" and set(row.behaviours) == DISPUTE

    def failures(self) -> list[str]:
        """What is not as the demo promises; empty: it holds."""
        found = [
            f"{row.host} ({row.profile}) is taken for {row.device['role']['labels'][0]}"
            for row in self.rows
            if row.right is False and row.device is not None
        ]
        recognised = {row.profile for row in self.rows if row.right}
        recognised |= {row.profile for row in self.rows if row.host == self.bad} - {
            row.profile for row in self.rows if row.host != self.bad
        }  # the only one of its kind may look like nobody once it is bad
        found += [
            f"no {profile} is recognised" for profile in TOLD_APART if profile not in recognised
        ]
        found += [
            f"{row.host} ({row.profile}) is {row.decision}, and should be unknown"
            for row in self.rows
            if row.profile == GADGET and row.decision in {"undetermined", "unseen"}
        ]
        innocent = [
            row
            for row in self.rows
            if row.anomalous and row.host != self.bad and not self._is_robbed(row)
        ]
        found += [f"{row.host} ({row.profile}) is called anomalous" for row in innocent]
        if self.bad is not None and self.named_after is None:
            found.append(f"{self.bad} turned bad, and was not named")
        elif self.bad is not None and not self._is_named():
            found.append(f"{self.bad} turned bad, and is not called so at the end")
        if self.named_after is not None and self.named_after > self.within:
            found.append(f"{self.bad} was named after {self.named_after:.0f} s only")
        if self.isolation is not None:
            found += self.isolation.failures()
        found += [
            f"{row.host} ({row.profile}) is {row.case}, and should be left in peace"
            for row in self.rows
            if row.host != self.bad and row.case is not None
        ]
        return found

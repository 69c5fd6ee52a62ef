"""Named behaviours of a device that is up to no good, told from events as they happen.

Each detector is explainable, sees headers only and takes each event in constant time; its
parameters stand in configs/behaviours.yaml, its rule in docs/behaviours.md. What is new is not
bad: these find what is bad whoever does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.ml.behaviour.admin_fan_out import AdminFanOut
from plugin.ml.behaviour.arp import ArpSpoofing
from plugin.ml.behaviour.arp_scan import ArpScan
from plugin.ml.behaviour.attempts import Attempts
from plugin.ml.behaviour.beacon import Beacon
from plugin.ml.behaviour.brute_force import BruteForce
from plugin.ml.behaviour.dhcp_flood import DhcpFlood
from plugin.ml.behaviour.flood import Flood
from plugin.ml.behaviour.icmp_sweep import IcmpSweep
from plugin.ml.behaviour.mac_conflict import MacConflict
from plugin.ml.behaviour.scan import HorizontalScan, VerticalScan
from plugin.ml.behaviour.tunnel import DnsTunnel, IcmpTunnel
from plugin.ml.behaviour.volume import Amplification, Exfiltration
from plugin.traffic import Counted, Passed, Used

if TYPE_CHECKING:
    from plugin.ml.behaviour.finding import Detector, Found
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.traffic import Event

NAMES = frozenset(
    {
        "address-conflict",
        "admin-fan-out",
        "amplification",
        "arp-scan",
        "arp-spoofing",
        "beacon",
        "brute-force",
        "dhcp-flood",
        "dns-tunnel",
        "exfiltration",
        "horizontal-scan",
        "icmp-flood",
        "icmp-sweep",
        "icmp-tunnel",
        "mac-conflict",
        "syn-flood",
        "udp-flood",
        "vertical-scan",
    }
)
"""Of all findings."""


class Behaviours:
    """All detectors on one stream of events."""

    def __init__(self, parameters: Parameters) -> None:
        """Start with nothing seen.

        Args:
            parameters: Of every detector.
        """
        self._attempts = Attempts(parameters.attempts)
        self._scans: tuple[Detector, ...] = (
            HorizontalScan(parameters.horizontal_scan),
            VerticalScan(parameters.vertical_scan),
        )
        arp_scan = ArpScan(parameters.arp_scan)
        flood = Flood(parameters.flood)
        # Questions that nobody answers grow old without a further packet, and so do seconds.
        self._detectors: dict[type[Event] | str, list[Detector]] = {Passed: [arp_scan, flood]}
        spoofing = ArpSpoofing(parameters.arp_spoofing)
        self._detectors[Used] = [spoofing]  # its owner's IP packets keep an address
        for detector in (
            BruteForce(parameters.brute_force),
            AdminFanOut(parameters.admin_fan_out),
            arp_scan,
            spoofing,
            MacConflict(parameters.mac_conflict),
            Beacon(parameters.beacon),
        ):
            self._detectors.setdefault(detector.takes, []).append(detector)
        for counting in (
            flood,
            IcmpSweep(parameters.icmp_sweep),
            DhcpFlood(parameters.dhcp_flood),
            Amplification(parameters.amplification),
            DnsTunnel(parameters.dns_tunnel),
            IcmpTunnel(parameters.icmp_tunnel),
            Exfiltration(parameters.exfiltration),
        ):
            for kind in counting.kinds:
                self._detectors.setdefault(kind, []).append(counting)

    def step(self, event: Event) -> list[Found]:
        """Take one event; what it completes is returned, each finding once an episode.

        Counts reach the detectors of their kind, all others those that take their type.
        """
        found: list[Found] = []
        key = event.kind if isinstance(event, Counted) else type(event)
        for detector in self._detectors.get(key, ()):
            found += detector.step(event)
        if type(event) is Counted and not self._attempts.waiting:
            return found
        for became in self._attempts.step(event):
            for detector in self._scans:
                found += detector.step(became)
        return found

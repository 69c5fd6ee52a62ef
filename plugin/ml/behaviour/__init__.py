"""Named behaviours of a device that is up to no good, told from events as they happen.

Each detector is explainable, sees headers only and takes each event in constant time; its
parameters stand in configs/behaviours.yaml, its rule in docs/behaviours.md. What is new is not
bad: these find what is bad whoever does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.ml.behaviour.arp import ArpSpoofing
from plugin.ml.behaviour.arp_scan import ArpScan
from plugin.ml.behaviour.attempts import Attempts
from plugin.ml.behaviour.beacon import Beacon
from plugin.ml.behaviour.brute_force import BruteForce
from plugin.ml.behaviour.flood import Flood
from plugin.ml.behaviour.scan import HorizontalScan, VerticalScan
from plugin.traffic import Passed

if TYPE_CHECKING:
    from plugin.ml.behaviour.finding import Detector, Found
    from plugin.ml.behaviour.parameters import Parameters
    from plugin.traffic import Event

NAMES = frozenset(
    {
        "arp-scan",
        "arp-spoofing",
        "beacon",
        "brute-force",
        "horizontal-scan",
        "icmp-flood",
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
        self._after_failures: tuple[Detector, ...] = (
            HorizontalScan(parameters.horizontal_scan),
            VerticalScan(parameters.vertical_scan),
        )
        arp_scan = ArpScan(parameters.arp_scan)
        # Questions that nobody answers grow old without a further packet.
        self._detectors: dict[type[Event], list[Detector]] = {Passed: [arp_scan]}
        for detector in (
            BruteForce(parameters.brute_force),
            Flood(parameters.flood),
            arp_scan,
            ArpSpoofing(parameters.arp_spoofing),
            Beacon(parameters.beacon),
        ):
            self._detectors.setdefault(detector.takes, []).append(detector)

    def step(self, event: Event) -> list[Found]:
        """Take one event; what it completes is returned, each finding once an episode."""
        found: list[Found] = []
        for detector in self._detectors.get(type(event), ()):
            found += detector.step(event)
        for failed in self._attempts.step(event):
            for detector in self._after_failures:
                found += detector.step(failed)
        return found

"""The parameters of the detectors: what configs/behaviours.yaml may say. Times in seconds."""

from __future__ import annotations

from typing import NamedTuple

_REPEAT = 300.0
_TRACKED = 20_000


class AttemptParameters(NamedTuple):
    """When an opened session counts as failed.

    Attributes:
        grace: seconds without an answer.
        waiting: sessions that wait at most; beyond it the oldest count as failed at once.
    """

    grace: float = 3.0
    waiting: int = 50_000


class ScanParameters(NamedTuple):
    """A scan.

    Attributes:
        targets: distinct hosts (or ports) asked in vain ...
        window: ... within so many seconds.
        repeat: seconds until the same is told again.
        tracked: device and port (or host) pairs that are remembered.
    """

    targets: int = 25
    window: float = 60.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class BruteForceParameters(NamedTuple):
    """Guessing passwords.

    Attributes:
        sessions: answered sessions to one service ...
        window: ... within so many seconds.
        ports: of services that ask for a password.
        repeat: seconds until the same is told again.
        tracked: services of hosts that are remembered.
    """

    sessions: int = 25
    window: float = 60.0
    ports: tuple[int, ...] = (
        21, 22, 23, 110, 143, 389, 445, 993, 995, 1433, 3306, 3389, 5432, 5900, 5985, 6379,
    )  # fmt: skip
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class FloodParameters(NamedTuple):
    """Floods.

    Attributes:
        syn: TCP SYN packets a second to one address.
        udp: UDP packets a second to one address.
        icmp: echo requests a second to one address.
        seconds: in a row above the rate.
        repeat: seconds until the same is told again.
        tracked: device and target pairs that are remembered.
    """

    syn: int = 100
    udp: int = 2_000
    icmp: int = 100
    seconds: int = 3
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class ArpScanParameters(NamedTuple):
    """Asking for addresses that are nobody's.

    Attributes:
        targets: distinct addresses asked for by ARP in vain ...
        window: ... within so many seconds.
        grace: seconds without an answer.
        answered: told only where less than this share of what is asked for is answered.
        answers: devices that must have answered the asker at some time: else its answers cannot be
            seen.
        waiting: questions that wait at most; beyond it the oldest count as unanswered at once.
        repeat: seconds until the same is told again.
        tracked: devices that ask, and addresses that were heard of, that are remembered.
    """

    targets: int = 25
    window: float = 60.0
    grace: float = 3.0
    answered: float = 0.5
    answers: int = 2
    waiting: int = 50_000
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class ArpParameters(NamedTuple):
    """ARP spoofing.

    Attributes:
        claims: of addresses that others own ...
        window: ... within so many seconds.
        silence: seconds after which a silent owner has given its address up.
        repeat: seconds until the same is told again.
        tracked: addresses, and devices, that are remembered.
    """

    claims: int = 3
    window: float = 60.0
    silence: float = 120.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class BeaconParameters(NamedTuple):
    """Beacons.

    Attributes:
        intervals: in a row that must agree.
        period: shortest period, seconds.
        lasting: seconds for which they have agreed.
        jitter: median deviation from the median interval, as a share of it.
        merge: sessions that begin within so many seconds are one visit.
        ignored_ports: of services that are regular by nature.
        repeat: seconds until the same is told again.
        tracked: services of outside addresses that are remembered.
    """

    intervals: int = 8
    period: float = 2.0
    lasting: float = 300.0
    jitter: float = 0.05
    merge: float = 1.0
    ignored_ports: tuple[int, ...] = (53, 67, 123, 500, 853, 4500)
    repeat: float = 86_400.0
    tracked: int = _TRACKED


class Parameters(NamedTuple):
    """Of all detectors."""

    attempts: AttemptParameters = AttemptParameters()
    horizontal_scan: ScanParameters = ScanParameters()
    vertical_scan: ScanParameters = ScanParameters()
    brute_force: BruteForceParameters = BruteForceParameters()
    flood: FloodParameters = FloodParameters()
    arp_scan: ArpScanParameters = ArpScanParameters()
    arp_spoofing: ArpParameters = ArpParameters()
    beacon: BeaconParameters = BeaconParameters()

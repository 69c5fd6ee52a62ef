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
    """A scan of many hosts.

    Attributes:
        targets: distinct hosts asked in vain ...
        window: ... within so many seconds.
        answered: told only where less than this share of the hosts asked at that port answered.
        everyday_ports: at which silence of outside hosts does not count while none answers anybody,
            and some did before: the way out is down.
        repeat: seconds until the same is told again.
        tracked: device and port pairs that are remembered.
    """

    targets: int = 25
    window: float = 60.0
    answered: float = 0.34
    everyday_ports: tuple[int, ...] = (53, 80, 123, 443, 853)
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class PortScanParameters(NamedTuple):
    """A scan of one host's ports.

    Attributes:
        targets: distinct ports asked in vain ...
        window: ... within so many seconds ...
        burst: ... or so many ...
        burst_window: ... within so many seconds.
        repeat: seconds until the same is told again.
        tracked: device and host pairs that are remembered.
    """

    targets: int = 25
    window: float = 60.0
    burst: int = 10
    burst_window: float = 0.005
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class BruteForceParameters(NamedTuple):
    """Guessing passwords.

    Attributes:
        sessions: answered sessions to one service ...
        window: ... within so many seconds.
        ports: of services that ask a person for a password, so that sessions are few.
        repeat: seconds until the same is told again.
        tracked: services of hosts that are remembered.
    """

    sessions: int = 25
    window: float = 60.0
    ports: tuple[int, ...] = (21, 22, 23, 110, 143, 445, 993, 995, 3389, 5900, 5985)
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class FloodParameters(NamedTuple):
    """Floods.

    Attributes:
        syn: TCP SYN packets a second to one address.
        udp: UDP packets a second to one address.
        icmp: echo requests a second to one address.
        seconds: in a row above the rate ...
        burst: ... or so many times the rate in one second.
        answered: UDP of which at least this share comes back within the second is no flood.
        repeat: seconds until the same is told again.
        tracked: device and target pairs that are remembered.
    """

    syn: int = 100
    udp: int = 2_000
    icmp: int = 100
    seconds: int = 3
    burst: int = 10
    answered: float = 0.05
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

    intervals: int = 10
    period: float = 2.0
    lasting: float = 300.0
    jitter: float = 0.05
    merge: float = 1.0
    ignored_ports: tuple[int, ...] = (53, 67, 110, 123, 143, 500, 853, 993, 995, 4500)
    repeat: float = 900.0
    tracked: int = _TRACKED


class SweepParameters(NamedTuple):
    """A sweep by pings.

    Attributes:
        targets: distinct addresses pinged ...
        window: ... within so many seconds.
        repeat: seconds until the same is told again.
        tracked: devices that are remembered.
    """

    targets: int = 10
    window: float = 10.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class DhcpFloodParameters(NamedTuple):
    """Emptying a DHCP server's pool.

    Attributes:
        messages: of a client to DHCP servers ...
        window: ... within so many seconds.
        repeat: seconds until the same is told again.
        tracked: devices that are remembered.
    """

    messages: int = 60
    window: float = 60.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class AmplificationParameters(NamedTuple):
    """Answers far larger than what was asked, or not asked for.

    Attributes:
        packets: of answers to one address ...
        bytes: ... and their payload ...
        window: ... within so many seconds.
        factor: times what was asked from there.
        repeat: seconds until the same is told again.
        tracked: pairs of device and address that are remembered.
    """

    packets: int = 100
    bytes: int = 100_000
    window: float = 60.0
    factor: float = 10.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class ConflictParameters(NamedTuple):
    """Speaking in the name of another's MAC.

    Attributes:
        claims: ARP packets that name a MAC that another device uses ...
        window: ... within so many seconds.
        silence: seconds after which nobody uses a MAC that was not heard of.
        repeat: seconds until the same is told again.
        tracked: MACs that are remembered.
    """

    claims: int = 3
    window: float = 60.0
    silence: float = 120.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class DnsTunnelParameters(NamedTuple):
    """What is carried in DNS.

    Attributes:
        queries: to one server, or answers from it, at least ...
        window: ... within so many seconds.
        query: bytes of a query, on average (the DNS message, without UDP's header).
        answer: bytes of an answer, on average.
        repeat: seconds until the same is told again.
        tracked: pairs of device and server that are remembered.
    """

    queries: int = 30
    window: float = 60.0
    query: float = 100.0
    answer: float = 1000.0
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class IcmpTunnelParameters(NamedTuple):
    """What is carried in pings.

    Attributes:
        echoes: requests to one address, and as many back, at least ...
        window: ... within so many seconds.
        differ: bytes by which a request and what comes back differ, on average.
        bytes: that are too many for any measuring, there and back.
        repeat: seconds until the same is told again.
        tracked: pairs of device and address that are remembered.
    """

    echoes: int = 10
    window: float = 60.0
    differ: float = 8.0
    bytes: int = 1_000_000
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class FanOutParameters(NamedTuple):
    """Many hosts' remote administration.

    Attributes:
        hosts: that answered ...
        window: ... within so many seconds.
        ports: SSH, NetBIOS and SMB, RDP, WinRM.
        repeat: seconds until the same is told again.
        tracked: devices that are remembered.
    """

    hosts: int = 10
    window: float = 300.0
    ports: tuple[int, ...] = (22, 139, 445, 3389, 5985, 5986)
    repeat: float = _REPEAT
    tracked: int = _TRACKED


class ExfiltrationParameters(NamedTuple):
    """Much sent out, little back.

    Attributes:
        bytes: of payload sent to one outside address ...
        window: ... within so many seconds.
        ratio: times what came back.
        repeat: seconds until the same is told again.
        tracked: pairs of device and address that are remembered.
    """

    bytes: int = 50_000_000
    window: float = 600.0
    ratio: float = 10.0
    repeat: float = 3600.0
    tracked: int = _TRACKED


class Parameters(NamedTuple):
    """Of all detectors."""

    attempts: AttemptParameters = AttemptParameters()
    horizontal_scan: ScanParameters = ScanParameters()
    vertical_scan: PortScanParameters = PortScanParameters()
    icmp_sweep: SweepParameters = SweepParameters()
    brute_force: BruteForceParameters = BruteForceParameters()
    admin_fan_out: FanOutParameters = FanOutParameters()
    flood: FloodParameters = FloodParameters()
    dhcp_flood: DhcpFloodParameters = DhcpFloodParameters()
    amplification: AmplificationParameters = AmplificationParameters()
    arp_scan: ArpScanParameters = ArpScanParameters()
    arp_spoofing: ArpParameters = ArpParameters()
    mac_conflict: ConflictParameters = ConflictParameters()
    beacon: BeaconParameters = BeaconParameters()
    dns_tunnel: DnsTunnelParameters = DnsTunnelParameters()
    icmp_tunnel: IcmpTunnelParameters = IcmpTunnelParameters()
    exfiltration: ExfiltrationParameters = ExfiltrationParameters()

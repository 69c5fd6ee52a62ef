"""Captures as arrays that no network would send, and rules: for behaviours of both cores.

Times lie on a grid that windows, graces and episodes are multiples of, so that much happens at once
or exactly at a bound; few devices and addresses do all of it, each rule asks for little, and little
is remembered.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.core.layout import MAC, SESSION
from plugin.ml.behaviour.parameters import (
    AmplificationParameters,
    ArpParameters,
    ArpScanParameters,
    AttemptParameters,
    BeaconParameters,
    BruteForceParameters,
    ConflictParameters,
    DhcpFloodParameters,
    DnsTunnelParameters,
    ExfiltrationParameters,
    FanOutParameters,
    FloodParameters,
    IcmpTunnelParameters,
    Parameters,
    PortScanParameters,
    ScanParameters,
    SweepParameters,
)
from plugin.records import Capture, Totals, Watched
from plugin.sessions.uses import USES
from plugin.sessions.watch import ARP, KINDS, SECOND, SECONDS

if TYPE_CHECKING:
    from plugin.records import Rows

START = 1_700_000_000
HALF = SECOND // 2
MACS = np.array([[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 3], [1, 0, 94, 0, 0, 1]])
PORTS = (0, 22, 23, 53, 80, 445, 8080, 33_434, 33_523, 33_524, 44_450)
HISTORIES = (b"S", b"SA", b"SAr", b"Sr", b"SR", b"Sh", b"^h", b"A", b"Ar", b"", b"D", b"Dd")


def rules(chance: Random) -> Parameters:
    """Rules that ask for little; some remember next to nothing."""
    tracked = chance.choice((1, 2, 5, 1000))
    repeat, window = chance.choice((0.5, 2.0, 6.0)), chance.choice((1.0, 2.5, 5.0, 150.0))
    both: dict[str, Any] = {"repeat": repeat, "tracked": tracked}
    each: dict[str, Any] = {"window": window, **both}
    few = chance.choice((1, 2, 3, 30))
    share = chance.choice((0.5, 1.0, 1.5))
    return Parameters(
        attempts=AttemptParameters(grace=chance.choice((0.5, 1.0, 3.0)), waiting=few),
        horizontal_scan=ScanParameters(targets=few, answered=share / 2, **each),
        vertical_scan=PortScanParameters(targets=few + 2, burst=few, burst_window=0.5, **each),
        icmp_sweep=SweepParameters(targets=few, **each),
        brute_force=BruteForceParameters(sessions=few, **each),
        admin_fan_out=FanOutParameters(hosts=few, **each),
        flood=FloodParameters(
            syn=few, udp=2 * few, icmp=few, seconds=2, burst=2, answered=share, **both
        ),
        dhcp_flood=DhcpFloodParameters(messages=few, **each),
        amplification=AmplificationParameters(packets=few, bytes=90 * few, factor=share, **each),
        arp_scan=ArpScanParameters(
            targets=few, grace=1.0, answered=share, answers=1, waiting=2 * few, **each
        ),
        arp_spoofing=ArpParameters(claims=few, silence=2.0, **each),
        mac_conflict=ConflictParameters(claims=few, silence=2.0, **each),
        beacon=BeaconParameters(
            intervals=few, period=0.5, lasting=2.0, jitter=share / 3, merge=0.5, **both
        ),
        dns_tunnel=DnsTunnelParameters(queries=few, query=100 * share, answer=200.0, **each),
        icmp_tunnel=IcmpTunnelParameters(echoes=few, differ=20 * share, bytes=2_000, **each),
        exfiltration=ExfiltrationParameters(bytes=900 * few, ratio=share, **each),
    )


def capture(chance: Random) -> Capture:
    """Few rows of each kind, or so many that windows are full."""
    most = chance.choice((30, 90, 400))
    array = np.random.default_rng(chance.randrange(1 << 32))
    long = chance.choice((4, 20, 200))
    watched = Watched(
        _seconds(array, chance.randint(0, most), long),
        _arp(array, chance.randint(0, most), long),
        _uses(array, chance.randint(0, most), long),
    )
    sessions = _sessions(array, chance.randint(0, most), long)
    macs = np.zeros(len(MACS), MAC.dtype())
    macs["mac"] = MACS
    totals: dict[str, Any] = dict.fromkeys(Totals._fields, 0)
    totals["last_ns"] = chance.choice((None, (START + long) * SECOND, (START + 2 * long) * SECOND))
    return Capture("made", Totals(**totals), sessions, macs, None, None, watched)


def _times(array: np.random.Generator, number: int, long: float) -> np.ndarray[Any, Any]:
    """Half seconds, in order but for a few; now and then a nanosecond beside."""
    times = array.integers(0, int(2 * long), number)
    times = np.where(array.random() < 0.8, np.sort(times), times) * HALF
    beside = array.choice([0, 0, 0, 1, -1], number)
    found: np.ndarray[Any, Any] = START * SECOND + times + beside
    return found


def _ips(array: np.random.Generator, number: int) -> np.ndarray[Any, Any]:
    """Few addresses: inside, outside, nobody's, to many, and of IPv6."""
    some = [bytes(10) + b"\xff\xff" + bytes((10, 0, 0, n)) for n in range(6)]
    some += [bytes(10) + b"\xff\xff" + bytes((203, 0, 113, n)) for n in range(3)]
    some += [bytes(10) + b"\xff\xff" + bytes(4), bytes(16), b"\xfd" + bytes(15)]
    some += [bytes(10) + b"\xff\xff" + bytes((239, 1, 1, 1)), b"\x20\x01" + bytes(13) + b"\7"]
    likely = array.dirichlet(np.ones(len(some)))
    chosen = array.choice(len(some), number, p=likely)
    return np.array([list(one) for one in some], np.uint8)[chosen].reshape(number, 16)


def _sessions(array: np.random.Generator, number: int, long: float) -> Rows:
    rows = np.zeros(number, SESSION.dtype())
    rows["id"], rows["start"] = np.arange(number), _times(array, number, long)
    rows["proto"] = array.choice([6, 6, 6, 17, 1], number)
    rows["orig_mac"] = array.choice([0, 0, 0, 1, 2, -1], number)
    rows["resp_mac"] = array.choice([0, 1, 2, -1, 3], number, p=[0.3, 0.3, 0.2, 0.15, 0.05])
    rows["resp_ip"] = _ips(array, number)
    rows["orig_port"] = array.choice([0, 40_000, 40_001, 40_002], number)
    rows["resp_port"] = array.choice(array.choice(PORTS, array.integers(1, 7)), number)
    if array.random() < 0.4:  # a beat, for beacons
        rows["start"] = START * SECOND + np.arange(number) * SECOND // array.integers(1, 3)
        to_one = array.random(number) < array.choice([0.5, 1.0])
        rows["orig_mac"][to_one], rows["resp_port"][to_one], rows["proto"][to_one] = 0, 8080, 17
        rows["resp_ip"][to_one] = (*[0] * 10, 255, 255, 203, 0, 113, 9)
    rows["history"] = np.array([list(one.ljust(16, b"\0")) for one in HISTORIES], np.uint8)[
        array.integers(0, len(HISTORIES), number)
    ].reshape(number, 16)
    rows["orig_tcp_flags"] = array.choice([2, 2, 16, 24], number)
    rows["resp_packets"] = array.integers(0, 2, number)
    late = array.choice([-1, 0, 0, 1, 2, 6, 7, 40], number) * HALF
    rows["resp_first"] = rows["start"] + late
    return rows


def _seconds(array: np.random.Generator, number: int, long: float) -> Rows:
    rows = np.zeros(number, SECONDS)
    rows["second"] = _times(array, number, long) // SECOND
    rows["ip"] = np.ascontiguousarray(_ips(array, number)).view("<u8")
    rows["mac"] = array.choice([0, 0, 0, 1, 2], number)
    rows["kind"] = array.choice(array.choice(len(KINDS), array.integers(1, 8)), number)
    rows["packets"], rows["back_packets"] = array.integers(0, 5, (2, number))
    rows["payload"] = rows["packets"] * array.choice([60, 100, 200, 1_000], number)
    rows["back_payload"] = rows["back_packets"] * array.choice([0, 60, 120, 1_000], number)
    return rows


def _arp(array: np.random.Generator, number: int, long: float) -> Rows:
    rows = np.zeros(number, ARP)
    rows["time"] = _times(array, number, long)
    rows["src_mac"] = array.choice([0, 0, 1, 2], number)
    named = array.integers(0, 3, number)
    rows["arp_sha"] = np.where(array.random(number) < 0.7, rows["src_mac"], named)
    rows["arp_op"] = array.choice([1, 1, 1, 2, 3], number)
    rows["src_ip"], rows["dst_ip"] = _ips(array, number), _ips(array, number)
    nobodys = array.random(number) < array.random()
    rows["dst_ip"][nobodys] = (*[0] * 10, 255, 255, 10, 0, 1, 0)
    rows["dst_ip"][nobodys, 15] = array.integers(0, 20, nobodys.sum())
    answers = np.flatnonzero(rows["arp_op"] == 2)
    if len(answers):  # to some question, often just when it has waited long enough
        asked = rows[array.integers(0, number, len(answers))]
        rows["src_ip"][answers], rows["dst_ip"][answers] = asked["dst_ip"], asked["src_ip"]
        rows["time"][answers] = asked["time"] + array.choice([1, 2, 2, 3], len(answers)) * HALF
    ordered: Rows = rows[np.argsort(rows["time"], kind="stable")]
    return ordered if array.random() < 0.8 else rows


def _uses(array: np.random.Generator, number: int, long: float) -> Rows:
    rows = np.zeros(number, USES)
    rows["time"] = _times(array, number, long)
    rows["mac"], rows["ip"] = array.integers(0, 3, number), _ips(array, number)
    return rows

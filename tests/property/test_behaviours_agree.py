"""Whatever is asked by ARP, the whole capture is judged as the stream is, however it was cut."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.ml.behaviour.parameters import (
    AmplificationParameters,
    ArpParameters,
    ArpScanParameters,
    AttemptParameters,
    ConflictParameters,
    DhcpFloodParameters,
    DnsTunnelParameters,
    ExfiltrationParameters,
    FanOutParameters,
    FloodParameters,
    IcmpTunnelParameters,
    Parameters,
    ScanParameters,
    SweepParameters,
)
from tests import attacks
from tests import frames as f
from tests.streams import Named, afterwards, streamed

if TYPE_CHECKING:
    from random import Random

FEW = Parameters(
    attempts=AttemptParameters(grace=1),
    horizontal_scan=ScanParameters(targets=3, window=5, answered=0.5, repeat=4),
    arp_scan=ArpScanParameters(targets=3, window=5, grace=1, answers=1, repeat=4),
    arp_spoofing=ArpParameters(claims=2, window=5, silence=3, repeat=4),
    mac_conflict=ConflictParameters(claims=2, window=5, silence=6, repeat=4),
    icmp_sweep=SweepParameters(targets=3, window=3, repeat=4),
    admin_fan_out=FanOutParameters(hosts=3, window=4, repeat=4),
    flood=FloodParameters(syn=3, udp=3, icmp=2, seconds=2, burst=2, answered=0.6, repeat=4),
    dhcp_flood=DhcpFloodParameters(messages=4, window=3, repeat=4),
    amplification=AmplificationParameters(packets=3, bytes=900, window=4, factor=3, repeat=4),
    dns_tunnel=DnsTunnelParameters(queries=3, window=4, query=90, answer=300, repeat=4),
    icmp_tunnel=IcmpTunnelParameters(echoes=2, window=5, differ=50, bytes=3000, repeat=4),
    exfiltration=ExfiltrationParameters(bytes=2500, window=120, ratio=2, repeat=60),
)


def packet(time: float, operation: int, source: int, target: int, mac: int) -> f.Frame:
    sha = bytes((2, 0, 0, 0, 0, mac))
    spa, tpa = (bytes((10, 0, 0, n)) if n else bytes(4) for n in (source, target))
    content = f.arp(operation, sha=sha, spa=spa, tpa=tpa)
    return f.Frame(round(time * f.SECOND), f.ethernet(content, 0x0806, src=sha, dst=b"\xff" * 6))


def spoken(time: float, number: int, mac: int) -> f.Frame:
    content = f.ipv4(f.udp(5, 9), 17, bytes((10, 0, 0, number)), f.IP_B)
    sender = bytes((2, 0, 0, 0, 0, mac))
    return f.Frame(round(time * f.SECOND), f.ethernet(content, src=sender, dst=b"\xff" * 6))


def questions(chance: Random) -> list[f.Frame]:
    """Few ask for many; some are answered, some late, some by a liar; and some go on talking."""
    frames = []
    for _ in range(chance.randint(0, 30)):
        number = chance.randint(1, 4)
        frames.append(spoken(chance.uniform(0, 15), number, number + (chance.random() < 0.2)))
    for _ in range(chance.randint(5, 60)):
        time, source, target = chance.uniform(0, 15), chance.randint(0, 4), chance.randint(0, 20)
        frames.append(packet(time, 1, source, target, source or 1))
        if chance.random() < 0.3:
            owner = target + 1 if chance.random() < 0.8 else 1
            frames.append(packet(time + chance.uniform(0, 1.5), 2, target, source, owner))
    return sorted(frames)


PORTS = ((40_000, 53), (40_000, 9), (123, 40_000), (4500, 9), (123, 123))
TARGETS = (f.IP_B, attacks.host(1), attacks.OUTSIDE)
SIZES = ((60, 60), (200, 900), (900, 40))


def exchange(chance: Random, kind: str, time: float, number: int) -> list[f.Frame]:
    """One packet of a kind, and sometimes what comes back."""
    target, (sent, returned) = chance.choice(TARGETS), chance.choice(SIZES)
    if kind == "ping":
        target = chance.choice((f.IP_B, attacks.host(number)))
        both = [attacks.echo(time, target, sent), attacks.echo(time, target, returned, back=True)]
    elif kind == "datagram":
        ports, turned = chance.choice(PORTS), chance.random() < 0.3
        both = [
            attacks.datagram(time, ports, sent, target, back=turned),
            attacks.datagram(time, ports, returned, target, back=not turned),
        ]
    elif kind == "request":
        return [attacks.dhcp_requests(1)[0]._replace(time=attacks.at(time))]
    elif kind == "log-in":
        port, host = chance.choice((22, 445, 80)), attacks.host(number)
        both = [
            attacks.asked(time, host, 40_000 + number, port),
            attacks.told(time, host, 40_000 + number, port, f.SYN | f.ACK),
        ]
    else:
        load = attacks.upload(1, 1_000, chance.choice((0, 700)))[:-1]
        both = [one._replace(time=attacks.at(time)) for one in load]
    return both if chance.random() < 0.7 else both[:1]


def talks(chance: Random) -> list[f.Frame]:
    """All kinds of packets that are counted, there and back, to few addresses, in bursts."""
    frames: list[f.Frame] = []
    for _ in range(chance.randint(2, 12)):
        begin, pause = chance.uniform(0, 20), chance.choice((0.05, 0.7))
        kind = chance.choice(("ping", "datagram", "datagram", "request", "log-in", "load"))
        for i in range(chance.randint(1, 12)):
            frames += exchange(chance, kind, begin + i * pause, i)
    return sorted(frames)


def openings(chance: Random) -> list[f.Frame]:
    """Hosts inside and outside are asked at few ports; some answer, some late, some refuse."""
    frames: list[f.Frame] = []
    for i in range(chance.randint(5, 60)):
        time, port = chance.uniform(0, 12), chance.choice((443, 443, 445))
        number = chance.randint(1, 8)
        host = attacks.host(number) if chance.random() < 0.4 else bytes((203, 0, 113, number))
        frames.append(attacks.asked(time, host, 40_000 + i, port))
        if chance.random() < 0.2:
            frames.append(attacks.asked(time + 1e-6, host, 40_000 + i, port, f.ACK))
        if chance.random() < 0.1:
            reply = f.ipv4(f.tcp(port, 40_000 + i, f.SYN | f.ACK), 6, host, attacks.BAD_IP)
            frames.append(attacks.sent(time + 0.01, reply))
        if chance.random() < 0.35:
            flags = chance.choice((f.SYN | f.ACK, f.SYN | f.ACK, f.RST | f.ACK))
            delay = chance.choice((0.1, 0.1, 0.6, 1.5))
            frames.append(attacks.told(time + delay, host, 40_000 + i, port, flags))
    return sorted(frames)


def judged(packets: list[f.Frame], most: int) -> tuple[Named, Named, Named]:
    """Afterwards, as a stream, as a stream of so many packets at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pcap"
        path.write_bytes(f.pcap(*packets))
        return afterwards(path, FEW), streamed(path, FEW), streamed(path, FEW, most)


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), most=st.integers(1, 9))
def test_arp_is_judged_afterwards_as_it_is_while_it_passes(seed: int, most: int) -> None:
    found, whole, cut = judged(questions(random.Random(seed)), most)
    assert found == whole == cut


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), most=st.integers(1, 9))
def test_counts_are_judged_afterwards_as_they_are_while_they_pass(seed: int, most: int) -> None:
    found, whole, cut = judged(talks(random.Random(seed)), most)
    assert found == whole
    assert set(found) <= set(cut)  # in the middle of a second a mean may be higher for a moment


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), most=st.integers(1, 9))
def test_openings_are_judged_afterwards_as_they_are_while_they_pass(seed: int, most: int) -> None:
    found, whole, cut = judged(openings(random.Random(seed)), most)
    assert found == whole == cut


def test_there_is_something_to_find() -> None:
    seen: Named = Named()
    assert any(judged(openings(random.Random(seed)), 5)[0] for seed in range(20))
    for seed in range(40):
        seen += judged(questions(random.Random(seed)), 5)[0]
        seen += judged(talks(random.Random(seed)), 5)[0]
    assert {name for _, name in seen} >= {
        "address-conflict", "admin-fan-out", "amplification", "arp-scan", "arp-spoofing",
        "dhcp-flood", "dns-tunnel",
        "exfiltration", "icmp-flood", "icmp-sweep", "icmp-tunnel", "udp-flood",
    }  # fmt: skip

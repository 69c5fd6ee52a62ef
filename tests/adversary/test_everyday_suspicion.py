"""What ordinary office devices do comes to no suspicion, as shipped; the same gone wrong does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.ml.devices import addresses_of, devices_of
from plugin.offline.classify import load_signs
from plugin.offline.read import read_capture
from plugin.offline.suspicion import Suspicions
from tests import attacks as a
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from plugin.ml.suspicion import Suspicion

MSS = b"\x02\x04\x05\xb4"
PEER = bytes((10, 0, 0, 9))
GROUP = bytes((239, 1, 2, 3))


def sent(start: float, packet: bytes, target: bytes, proto: int = 17) -> f.Frame:
    return a.sent(start, f.ipv4(packet, proto, a.BAD_IP, target))


def back(start: float, packet: bytes, source: bytes, proto: int = 17) -> f.Frame:
    data = f.ethernet(f.ipv4(packet, proto, source, a.BAD_IP), src=f.B, dst=a.BAD)
    return f.Frame(a.at(start), data)


def talk(
    start: float, target: bytes, port: int, up: int = 200, down: int = 200, sport: int = 0
) -> list[f.Frame]:
    """A TCP session with its handshake, its payload in packets of 1,400 bytes."""
    sport = sport or 40_000 + round(start * 100) % 20_000
    plan = [(True, f.SYN, 0), (False, f.SYN | f.ACK, 0), (True, f.ACK, 0)]
    for mine, size in ((True, up), (False, down)):
        plan += [(mine, f.ACK, min(1400, size - done)) for done in range(0, size, 1400)]
    frames = []
    for number, (mine, flags, size) in enumerate(plan):
        ports = (sport, port) if mine else (port, sport)
        options = MSS if flags & f.SYN else b""
        segment = f.tcp(*ports, flags, b"x" * size, options=options)
        way = sent if mine else back
        frames.append(way(start + number * 1e-4, segment, target, 6))
    return frames


def vain(start: float, target: bytes, port: int) -> list[f.Frame]:
    """A SYN as systems send it, thrice, which nobody answers."""
    syn = f.tcp(40_000 + port % 9999, port, f.SYN, options=MSS)
    return [sent(start + later, syn, target, 6) for later in (0, 1, 3)]


def flat(parts: Iterable[Sequence[f.Frame]]) -> list[f.Frame]:
    return sorted((one for part in parts for one in part), key=lambda one: one.time)


def stream(rate: int, target: bytes, answers: int = 0, seconds: int = 2) -> list[f.Frame]:
    """UDP at a rate; every so many packets are answered."""
    frames = []
    for k in range(rate * seconds):
        frames.append(sent(k / rate, f.udp(50_010, 3480, b"x" * 99), target))
        if answers and k % answers == 0:
            frames.append(back((k + 0.5) / rate, f.udp(3480, 50_010, b"x" * 40), target))
    return frames


def asked_names(lookups: int, size: int = 50) -> list[f.Frame]:
    frames = []
    for k in range(lookups):
        frames.append(sent(k * 2, f.udp(20_000 + k, 53, b"q" * size), a.OUTSIDE))
        frames.append(back(k * 2 + 0.02, f.udp(53, 20_000 + k, b"a" * 180), a.OUTSIDE))
    return frames


def pinged(hosts: int, *, up: bool) -> list[f.Frame]:
    frames = []
    for k in range(hosts):
        frames.append(sent(k, f.icmp(8), a.host(k), 1))
        if up:
            frames.append(back(k + 0.01, f.icmp(0), a.host(k), 1))
    return frames


def peers(hosts: int, answer: int) -> list[f.Frame]:
    """Asks many over UDP, of which one in so many answers."""
    frames = []
    for k in range(hosts):
        target = bytes((203, 0, 113, k))
        frames.append(sent(k * 3, f.udp(6881, 6881, b"p" * 90), target))
        if k % answer == 0:
            frames.append(back(k * 3 + 0.1, f.udp(6881, 6881, b"p" * 90), target))
    return frames


PRINTER = (9100, 515, 631, 80, 443, 161)
CONTROLLER = (53, 88, 135, 389, 445, 464, 3268, 123)
FTP = talk(0, a.OUTSIDE, 21)


@pytest.fixture(scope="module")
def model() -> Suspicion:
    shipped = load_signs()
    assert shipped is not None
    return shipped


def score(tmp_path: Path, frames: Sequence[f.Frame], model: Suspicion) -> float:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*flat([frames])))
    capture = read_capture(path, watched=True)
    devices = devices_of(capture)
    found = Suspicions(capture, devices, addresses_of(capture, devices), model)
    one = found.of(devices.macs.index(a.BAD_TEXT))
    assert model.manifest.threshold == 1
    return one.score if one else 0


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(a.traceroute(33_434), id="traceroute of thirty hops"),
        pytest.param(a.traceroute(44_444, 60), id="tracepath"),
        pytest.param(flat(vain(4 * k, PEER, p) for k, p in enumerate(PRINTER)), id="printer off"),
        pytest.param(
            flat(vain(4 * k, PEER, p) for k, p in enumerate(CONTROLLER)),
            id="domain controller down",
        ),
        pytest.param(stream(300, a.OUTSIDE, 1), id="video call"),
        pytest.param(stream(3000, a.OUTSIDE, 2, 1), id="upload through a VPN over UDP"),
        pytest.param(stream(1000, PEER), id="camera to its recorder, one way"),
        pytest.param(stream(400, GROUP), id="multicast video"),
        pytest.param(asked_names(400), id="names for a busy PC"),
        pytest.param(asked_names(6, 129), id="IPv6 addresses looked up"),
        pytest.param([*FTP, *talk(1, a.OUTSIDE, 48_211, 0, 100_000)], id="passive FTP"),
        pytest.param(
            flat([FTP, *(talk(1 + k / 90, a.OUTSIDE, 48_300 + k) for k in range(40))]),
            id="forty files by passive FTP within a second",
        ),
        pytest.param(talk(0, a.OUTSIDE, 10_443, 60_000, 200_000), id="VPN over TLS"),
        pytest.param(
            flat(talk(k / 50, PEER, 8080, sport=41_000 + k) for k in range(50)),
            id="reverse proxy",
        ),
        pytest.param(
            [a.who_has(k, PEER, sender=bytes((10, 0, 0, 50 + k))) for k in range(16)],
            id="a server's addresses",
        ),
        pytest.param(pinged(150, up=True), id="monitoring pings"),
        pytest.param(peers(200, 2), id="peers, half of which are gone"),
        pytest.param(
            flat(talk(k * 30, a.OUTSIDE, 443, sport=41_000 + k) for k in range(30)),
            id="asks every thirty seconds",
        ),
    ],
)
def test_everyday_acts_come_to_no_suspicion(
    tmp_path: Path, frames: Sequence[f.Frame], model: Suspicion
) -> None:
    assert score(tmp_path, frames, model) < 1


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(a.traceroute(1, 40), id="ports that no traceroute asks"),
        pytest.param(stream(2500, a.OUTSIDE, 0, 1), id="a flood that nobody answers"),
        pytest.param(stream(400, b"\xff" * 4), id="a flood of everybody"),
        pytest.param(asked_names(20, 300), id="names that carry data"),
        pytest.param(
            flat(talk(1 + k / 90, a.OUTSIDE, 48_300 + k) for k in range(40)),
            id="forty ports without FTP",
        ),
        pytest.param(pinged(150, up=False), id="a sweep"),
        pytest.param(peers(200, 20), id="nearly none is there"),
    ],
)
def test_the_same_gone_wrong_does(
    tmp_path: Path, frames: Sequence[f.Frame], model: Suspicion
) -> None:
    assert score(tmp_path, frames, model) >= 1

"""What offices do every day accuses nobody, as shipped. No capture in the references has it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from plugin.offline.classify import DEFAULTS, Options, classify_capture, load_models, load_signs
from plugin.offline.read import read_capture
from tests import attacks as a
from tests import frames as f
from tests.streams import afterwards, streamed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MSS = b"\x02\x04\x05\xb4"


class Host(NamedTuple):
    mac: bytes
    ip: bytes


X, Y, Z = (Host(bytes((2, 0, 0, 0, 0, k)), bytes((10, 0, 0, k))) for k in (2, 3, 4))
RESOLVER = Host(bytes((2, 0, 0, 0, 0, 1)), bytes((9, 9, 9, 9)))


def talk(start: float, one: Host, other: Host, port: int, up: int, down: int) -> list[f.Frame]:
    """A TCP session that is opened, used and closed."""
    sport, there, back = 40_000 + int(start), (one, other), (other, one)
    plan = [(there, f.SYN, 0), (back, f.SYN | f.ACK, 0), (there, f.ACK, 0)]
    for way, size in ((there, up), (back, down)):
        plan += [(way, f.ACK, min(1400, size - done)) for done in range(0, size, 1400)]
    plan += [(there, f.FIN | f.ACK, 0), (back, f.FIN | f.ACK, 0)]
    frames = []
    for number, ((src, dst), flags, size) in enumerate(plan):
        ports = (sport, port) if src is one else (port, sport)
        options = MSS if flags & f.SYN else b""
        segment = f.tcp(*ports, flags, b"x" * size, options=options)
        data = f.ethernet(f.ipv4(segment, 6, src.ip, dst.ip), src=src.mac, dst=dst.mac)
        frames.append(f.Frame(a.at(start + number * 0.002), data))
    return frames


def claim(start: float, mac: bytes) -> f.Frame:
    question = f.arp(1, sha=mac, spa=X.ip, tpa=bytes((10, 0, 0, 1)))
    return f.Frame(a.at(start), f.ethernet(question, 0x0806, src=mac, dst=b"\xff" * 6))


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(talk(0, X, RESOLVER, 53, 60, 1800), id="one name asked for over TCP"),
        pytest.param(
            talk(0, X, Y, 22, 3000, 4000) + talk(10, Y, Z, 22, 3000, 4000), id="SSH bastion"
        ),
        pytest.param(
            talk(0, X, Y, 445, 3000, 40_000) + talk(10, Y, X, 445, 3000, 40_000),
            id="two share with each other",
        ),
        pytest.param(talk(0, X, Y, 6514, 20_000, 0), id="logs to a collector"),
        pytest.param(talk(0, X, Y, 6514, 900_000, 0), id="many logs to a collector"),
        pytest.param([claim(0, X.mac), claim(600, Y.mac)], id="a laptop docks"),
    ],
)
def test_everyday_acts_accuse_nobody(tmp_path: Path, frames: Sequence[f.Frame]) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*frames))
    options = Options(behaviours=DEFAULTS, suspicion=load_signs())
    assert options.suspicion is not None
    found = classify_capture(read_capture(path, watched=True), load_models("enterprise"), options)
    assert {one.anomaly.verdict for one in found if one.anomaly} == {"undetermined"}


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(a.uploaded(3_000, 4, every=2), id="an upload over a VPN"),
        pytest.param(a.partners(), id="file sharing"),
        pytest.param(a.cut_off(), id="the way out is down"),
        pytest.param(a.guesses(40, 3306), id="a web page asks its database"),
        pytest.param(a.guesses(40, 389), id="a program asks the directory"),
        pytest.param(a.beacons(40, 60, port=995), id="mail is fetched each minute"),
        pytest.param(a.queries(80, 60, 900), id="answers that are signed"),
        pytest.param(a.guesses(24, 993), id="a few mailboxes"),
        pytest.param(a.traceroute(), id="traceroute"),
        pytest.param(a.traceroute(44_444, 64), id="tracepath"),
    ],
)
def test_everyday_acts_have_no_name(tmp_path: Path, frames: Sequence[f.Frame]) -> None:
    """Suspicion may say something of them; no behaviour does, in a stream or afterwards."""
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*frames))
    assert afterwards(path) == streamed(path) == Counter()


def test_ports_that_no_traceroute_asks_have_a_name(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*a.traceroute(33_524), *a.end()))
    assert afterwards(path) == streamed(path) == Counter({(a.BAD_TEXT, "vertical-scan"): 1})

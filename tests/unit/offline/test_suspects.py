"""What is left for the detectors: of a good capture little, of a bad one all that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.read import read_capture
from plugin.offline.suspects import Suspects, suspects_in
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def left(tmp_path: Path, frames: Sequence[f.Frame]) -> Suspects:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*frames))
    return suspects_in(read_capture(path, watched=True), Parameters())


@pytest.mark.parametrize(
    ("frames", "sessions", "seconds", "arp"),
    [
        (attacks.horizontal(24), 0, 0, 0),
        (attacks.horizontal(25), 25, 0, 0),
        (attacks.vertical(24), 0, 0, 0),
        (attacks.vertical(30), 30, 0, 0),
        (attacks.visits(100), 0, 0, 0),
        (attacks.guesses(24), 0, 0, 0),
        (attacks.guesses(25), 25, 0, 0),
        (attacks.guesses(40, 443), 0, 0, 0),
        (attacks.syn_flood(90), 0, 0, 0),
        (attacks.syn_flood(150, 2), 0, 0, 0),
        (attacks.syn_flood(150, 3), 0, 3, 0),
        (attacks.syn_flood(1_000, 1), 0, 1, 0),
        (attacks.fan_out(9), 0, 0, 0),
        (attacks.fan_out(10), 10, 0, 0),
        (attacks.fan_out(20, pause=60), 0, 0, 0),
        (attacks.in_anothers_name(), 0, 0, 6),
        (attacks.udp_flood(2_100, 3), 0, 3, 0),
        (attacks.icmp_flood(150, 3), 0, 3, 0),
        (attacks.poisoning(2), 0, 0, 5),
        (attacks.sweep(24), 0, 0, 0),
        (attacks.sweep(30), 0, 0, 33),
        (attacks.sweep(60, pause=3), 0, 0, 0),
        (attacks.beacons(8), 0, 0, 0),
        (attacks.beacons(14), 0, 0, 0),
        (attacks.beacons(20), 20, 0, 0),
        (attacks.beacons(10, period=40), 0, 0, 0),
        (attacks.beacons(11, period=40), 11, 0, 0),
    ],
)
def test_what_is_left(
    tmp_path: Path, frames: Sequence[f.Frame], sessions: int, seconds: int, arp: int
) -> None:
    found = left(tmp_path, frames)
    assert (len(found.sessions), len(found.seconds), len(found.arp)) == (sessions, seconds, arp)
    assert found.any() == bool(sessions or seconds or arp)


def test_a_burst_of_few_ports_is_left(tmp_path: Path) -> None:
    p = Parameters().vertical_scan
    frames = []
    for i in range(p.burst):
        start = i * p.burst_window / p.burst / 2
        frames.append(attacks.asked(start, f.IP_B, 40_000 + i, 1 + i))
        frames.append(attacks.told(start + 1e-4, f.IP_B, 40_000 + i, 1 + i, f.RST | f.ACK))
    assert p.burst < p.targets
    assert len(left(tmp_path, frames).sessions) == p.burst


def test_a_silence_that_began_before_the_window_is_left(tmp_path: Path) -> None:
    """A silence is told when the grace has passed, a refusal at once."""
    p = Parameters()
    span, grace = p.horizontal_scan.window, p.attempts.grace
    half = p.horizontal_scan.targets // 2 + 1
    frames = []
    for i in range(half):
        frames.append(attacks.asked(i * 0.001, attacks.host(i), 40_000 + i, 445))
        late, sport = span + grace / 2 + i * 0.01, 41_000 + i
        target = attacks.host(100 + i)
        frames.append(attacks.asked(late, target, sport, 445))
        frames.append(attacks.told(late + 0.001, target, sport, 445, f.RST | f.ACK))
    frames.sort(key=lambda one: one.time)
    assert len(left(tmp_path, frames).sessions) == 2 * half


def test_broadcasts_multicasts_and_fragments_are_no_attempts(tmp_path: Path) -> None:
    frames = []
    for i in range(40):
        group = bytes((239, 1, 1, i))
        frames.append(attacks.sent(i, f.ipv4(f.udp(5, 9), 17, attacks.BAD_IP, group)))
        spread = f.ethernet(
            f.ipv4(f.udp(5, 137), 17, attacks.BAD_IP, attacks.host(i)), src=attacks.BAD,
            dst=b"\xff" * 6,
        )  # fmt: skip
        frames.append(f.Frame(attacks.at(i), spread))
        later = f.ipv4(b"x" * 40, 17, attacks.BAD_IP, attacks.host(i), frag=100)
        frames.append(attacks.sent(i, later))
    assert not left(tmp_path, frames).any()


def test_a_capture_of_nothing_has_no_suspects(tmp_path: Path) -> None:
    found = left(tmp_path, [])
    assert not found.any()
    assert (len(found.sessions), len(found.seconds), len(found.arp)) == (0, 0, 0)

"""Each sign counts what it says, of the device that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.devices import devices_of
from plugin.ml.signs import NAMES, WINDOW
from plugin.offline.evidence import Evidence, evidence
from plugin.offline.read import read_capture
from tests import attacks as a
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MSS = b"\x02\x04\x05\xb4"


def counted(
    tmp_path: Path, frames: Sequence[f.Frame], window: float = WINDOW
) -> dict[str, Evidence]:
    """The evidence of each device that was seen, by address."""
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*frames))
    capture = read_capture(path, watched=True)
    devices = devices_of(capture)
    found = evidence(capture, devices, window)
    names = [devices.macs[k] or "" for k in found.device.tolist()]
    shown = np.array(names)
    return {name: Evidence(*(column[shown == name] for column in found)) for name in set(names)}


def highest(tmp_path: Path, frames: Sequence[f.Frame]) -> dict[str, float]:
    """Of the bad device, its signs that are not 0."""
    values = counted(tmp_path, frames)[a.BAD_TEXT].values.max(axis=0)
    return {name: value for name, value in zip(NAMES, values.tolist(), strict=True) if value}


def calls(
    start: float, target: bytes, sport: int, dport: int, up: int = 0, down: int = 0
) -> list[f.Frame]:
    """A session with a handshake as systems make it, and its payload in one segment each way."""
    syn = f.ipv4(f.tcp(sport, dport, f.SYN, options=MSS), 6, a.BAD_IP, target)
    sent = f.ipv4(f.tcp(sport, dport, f.ACK, b"x" * up), 6, a.BAD_IP, target)
    back = f.ipv4(f.tcp(dport, sport, f.ACK, b"x" * down), 6, target, a.BAD_IP)
    return [
        a.sent(start, syn),
        a.told(start + 0.01, target, sport, dport, f.SYN | f.ACK),
        a.sent(start + 0.02, sent),
        f.Frame(a.at(start + 0.03), f.ethernet(back, src=f.B, dst=a.BAD)),
    ]


def served(
    start: float, client: bytes, sport: int, dport: int, data: bytes = b"data"
) -> list[f.Frame]:
    """Somebody else uses a service of the bad device."""
    there = f.ipv4(f.tcp(sport, dport, f.SYN, options=MSS), 6, client, a.BAD_IP)
    back = f.ipv4(f.tcp(dport, sport, f.ACK, data), 6, a.BAD_IP, client)
    return [
        f.Frame(a.at(start), f.ethernet(there, src=f.B, dst=a.BAD)),
        a.sent(start + 0.01, back),
    ]


def refused(start: float, target: bytes, sport: int, dport: int, up: int) -> list[f.Frame]:
    """Data sent with the first packet, and a reset for it."""
    syn = f.tcp(sport, dport, f.SYN, b"x" * up, options=MSS)
    return [
        a.sent(start, f.ipv4(syn, 6, a.BAD_IP, target)),
        a.told(start + 0.01, target, sport, dport, f.RST | f.ACK),
    ]


def many(*parts: Sequence[f.Frame]) -> list[f.Frame]:
    return sorted((one for part in parts for one in part), key=lambda one: one.time)


UNNAMED = 50_001  # no service's port
QUERY = f.ipv4(f.udp(5, 53, b"q" * 148), 17, a.BAD_IP, a.host(1))
PING = f.ipv4(f.icmp(8) + b"p" * 1000, 1, a.BAD_IP, a.host(1))


@pytest.mark.parametrize(
    ("frames", "sign", "value"),
    [
        (a.horizontal(7), "hosts_failed", 7),
        (a.visits(7), "hosts_failed", None),
        (many(a.horizontal(7), a.visits(5, 445)), "hosts_failed", None),
        (many(a.horizontal(7), a.visits(2, 445)), "hosts_failed", 3),
        (many(a.vertical(9), calls(50, f.IP_B, 6, 2)), "ports_failed", 8),
        (
            many(calls(1, a.OUTSIDE, 5, 21, 9, 9), calls(2, a.OUTSIDE, 6, 50_001, 9)),
            "outside_unnamed_bytes",
            None,
        ),
        (a.vertical(9), "ports_failed", 9),
        (a.vertical(30), "ports_at_once", 10),
        ([a.asked(i, a.OUTSIDE, 40_000 + i, 443) for i in range(5)], "tries_failed", 5),
        ([a.asked(i, a.OUTSIDE, 40_000 + i, 443) for i in range(5)], "outside_failed", 1),
        (a.visits(6, port=3389), "admin_hosts", 6),
        (a.visits(6, port=445), "admin_hosts", 6),
        (a.visits(6, port=5985), "admin_hosts", 6),
        (a.visits(6, port=5986), "admin_hosts", 6),
        (a.visits(6, port=443), "admin_hosts", None),
        (a.guesses(8), "admin_sessions", 8),
        (many(served(1, a.host(1), 5, 445), calls(2, a.host(2), 6, 445)), "turned", 1),
        (many(calls(1, a.host(2), 6, 445), served(2, a.host(1), 5, 445)), "turned", None),
        (many(served(1, a.host(1), 5, 445, b""), calls(2, a.host(2), 6, 445)), "turned", None),
        (many(calls(1, a.host(1), 5, 445, 9, 9), calls(2, a.host(2), 6, 445)), "turned", None),
        (many(served(1, a.host(1), 5, 445), calls(2, a.host(2), 6, 443)), "turned", None),
        ([a.asked(i / 50, f.IP_B, 1024 + i, 80) for i in range(20)], "burst", 20),
        (calls(1, a.OUTSIDE, 5, UNNAMED, 300, 700), "outside_unnamed", 1),
        (calls(1, a.OUTSIDE, 5, UNNAMED, 300, 700), "outside_unnamed_bytes", 1000),
        (calls(1, a.OUTSIDE, 5, 443, 300, 700), "outside_unnamed", None),
        (calls(1, a.OUTSIDE, 5, 443), "unasked", 1),
        (many([a.sent(0, QUERY)], calls(1, a.OUTSIDE, 5, 443)), "unasked", None),
        (calls(1, a.OUTSIDE, 5, 80, 10, 1400), "plain_download", 1400),
        (calls(1, a.host(1), 5, 80, 10, 1400), "plain_download", None),
        (calls(1, a.OUTSIDE, 5, 53, 10, 10), "tcp_queries", 1),
        (calls(1, a.host(1), 5, UNNAMED, 900, 200), "push", 700),
        (calls(1, a.host(1), 5, UNNAMED, 200, 900), "push", None),
        (many(calls(1, a.host(1), 4, 135), calls(2, a.host(1), 5, UNNAMED, 900)), "push", None),
        (refused(1, a.host(1), 5, UNNAMED, 900), "push", None),
        ([a.sent(i, QUERY) for i in range(5)], "query_size", 100),
        ([a.sent(i, QUERY) for i in range(3)], "query_size", None),
        ([a.sent(i, QUERY) for i in range(5)], "dns_bytes", 740),
        ([a.sent(i, PING) for i in range(4)], "ping_size", 936),
        (a.pings(3), "ping_hosts", 1),
        (a.syn_flood(120, 2), "syn_rate", 120),
        (a.udp_flood(500, 2), "udp_rate", 500),
        (a.icmp_flood(60, 2), "ping_rate", 60),
        (a.sweep(20, every=10), "arp_unanswered", 18),
        (a.poisoning(3), "arp_claims", 1),
        (a.horizontal(3), "bare_syn", 3),
        (calls(1, a.host(1), 5, 443), "bare_syn", None),
        (a.beacons(12, period=60), "beat", 11),
        (a.beacons(12, period=10), "beat", None),
        ([a.asked(i * 60, a.OUTSIDE, 40_000 + i, 54) for i in range(12)], "beat", 11),
        ([a.asked(i * 60, a.OUTSIDE, 40_000 + i, 53) for i in range(12)], "beat", None),
    ],
)
def test_a_sign_counts_what_it_says(
    tmp_path: Path, frames: Sequence[f.Frame], sign: str, value: float | None
) -> None:
    assert highest(tmp_path, frames).get(sign) == value


def test_packets_to_everybody_are_a_rate(tmp_path: Path) -> None:
    packet = f.ipv4(f.udp(68, 67), 17, bytes(4), b"\xff" * 4)
    data = f.ethernet(packet, src=a.BAD, dst=b"\xff" * 6)
    frames = [f.Frame(a.at(i / 100), data) for i in range(301)]
    assert highest(tmp_path, frames)["group_rate"] == pytest.approx(301 / 3)


def test_many_senders_behind_one_device(tmp_path: Path) -> None:
    packets = [f.ipv4(f.tcp(5, 80, f.SYN), 6, a.host(i), a.OUTSIDE) for i in range(30)]
    found = highest(tmp_path, [a.sent(i / 10, one) for i, one in enumerate(packets)])
    assert found["senders"] == 30


def test_several_addresses_claimed_by_arp(tmp_path: Path) -> None:
    frames = [a.who_has(i, a.host(9), sender=a.host(i)) for i in range(4)]
    assert highest(tmp_path, frames)["arp_addresses"] == 3
    own = [a.who_has(9 + i, a.host(9), sender=bytes((169, 254, 1, i))) for i in range(4)]
    assert highest(tmp_path, frames + own)["arp_addresses"] == 3, "link-local ones are free"


def test_who_is_attacked_is_not_the_suspect(tmp_path: Path) -> None:
    found = counted(tmp_path, a.vertical(40))
    victim = found[f.B.hex(":")].values if f.B.hex(":") in found else np.zeros((1, len(NAMES)))
    assert not victim[:, NAMES.index("ports_failed")].any()
    assert not victim[:, NAMES.index("bare_syn")].any()


def test_rows_are_windows_of_devices(tmp_path: Path) -> None:
    frames = [a.asked(i * 400, a.host(i), 5, 445) for i in range(5)]
    found = counted(tmp_path, frames)[a.BAD_TEXT]
    assert found.values[:, NAMES.index("hosts_failed")].tolist() == [3, 2]
    assert np.diff(found.begin).tolist() == [900 * f.SECOND]
    whole = counted(tmp_path, frames, window=3600)[a.BAD_TEXT]
    assert whole.values[:, NAMES.index("hosts_failed")].tolist() == [5]
    assert found.steps()[0, NAMES.index("hosts_failed")] == 2


def test_the_rows_of_relays_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*a.horizontal(3)))
    capture = read_capture(path, watched=True)
    devices = devices_of(capture)
    found = evidence(capture, devices)
    relays = np.array([mac == a.BAD_TEXT for mac in devices.macs])
    left = found.without(relays)
    assert len(left.values) == len(found.values) - 1
    assert not relays[left.device].any()
    assert len(left.begin) == len(left.device)


def test_an_empty_capture_has_no_rows(tmp_path: Path) -> None:
    assert counted(tmp_path, []) == {}


def test_what_is_sent_as_an_outside_address_counts_for_the_senders_alone(tmp_path: Path) -> None:
    forged = [
        a.sent(i, f.ipv4(f.tcp(5, 445, f.SYN), 6, bytes((8, 8, 8, i)), a.host(i))) for i in range(9)
    ]
    found = highest(tmp_path, many(calls(10, a.host(1), 6, 443), forged))
    assert found["senders"] == 2
    assert not {"hosts_failed", "bare_syn", "admin_hosts"} & set(found)
    inside = [a.sent(i, f.ipv4(f.tcp(5, 445, f.SYN), 6, a.host(90), a.host(i))) for i in range(9)]
    assert highest(tmp_path, inside)["hosts_failed"] == 9, "an alias is its own"

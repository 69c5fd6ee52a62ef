"""Packets a second and ARP of packet records, whatever the chunks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from plugin.core import new_engine
from plugin.sessions import watch
from plugin.sessions.watch import Watch, Watching, merged
from tests import attacks
from tests import frames as f
from tests.engines import Result, make, run

PACKETS = (
    *attacks.syn_flood(20, 2),
    *attacks.udp_flood(30, 2),
    *attacks.icmp_flood(10, 2),
    *attacks.visits(20),
    *attacks.poisoning(),
    f.Frame(attacks.at(0), f.ethernet(f.ipv4(f.udp(1, 2), 17), dst=b"\xff" * 6)),
)


def read() -> Result:
    return run(make(type(new_engine())), f.pcap(*sorted(PACKETS)))


def told(chunk: int) -> Counter[tuple[int, str, bytes]]:
    rows, seen = read().packet_rows(), Watch()
    for i in range(0, len(rows), chunk):
        seen.take(rows[i : i + chunk])
    counts: Counter[tuple[int, str, bytes]] = Counter()
    for row in seen.seen().seconds:
        key = (int(row["second"]), watch.KINDS[row["kind"]], row["ip"].tobytes()[12:])
        counts[key] += int(row["packets"])
    return counts


@pytest.mark.usefixtures("core")
def test_packets_are_counted_by_second_kind_and_receiver() -> None:
    counts = told(1000)
    second = attacks.START // f.SECOND
    assert counts[second, "udp", f.IP_B] == counts[second + 1, "udp", f.IP_B] == 30
    assert counts[second, "icmp", f.IP_B] == 10
    assert counts[second, "syn", f.IP_B] == 20
    assert counts[second, "syn", attacks.host(0)] == 1
    assert {told(1) == counts, told(7) == counts} == {True}


def amounts(*packets: f.Frame) -> dict[tuple[str, bytes], list[int]]:
    """What went there and back, by kind and address, of one second."""
    rows = run(make(type(new_engine())), f.pcap(*sorted(packets))).packet_rows()
    seconds = Watching().take(rows).seconds
    assert len(set(seconds["second"].tolist())) == 1
    return {
        (watch.KINDS[row["kind"]], row["ip"].tobytes()[12:]): [row[name] for name in watch.AMOUNTS]
        for row in seconds
    }


@pytest.mark.usefixtures("core")
def test_what_goes_there_and_back_is_counted_by_its_kind() -> None:
    a = attacks
    talk = amounts(
        a.datagram(0, (40_000, 53), 60), a.datagram(0.1, (40_000, 53), 300, back=True),
        a.datagram(0.2, (40_000, 7), 10, a.host(3)),
        a.echo(0.3, f.IP_B, 64), a.echo(0.4, f.IP_B, 100, back=True),
        *a.upload(2, 500)[:2], *(one._replace(time=a.at(0.5)) for one in a.upload(2, 500)[2:4]),
    )  # fmt: skip
    assert talk == {
        ("dns", f.IP_B): [1, 60, 1, 300],
        ("served", a.BAD_IP): [1, 300, 1, 60],
        ("udp", a.host(3)): [1, 10, 0, 0],
        ("icmp", f.IP_B): [1, 64, 1, 100],
        ("syn", a.OUTSIDE): [1, 0, 0, 0],
        ("load", a.OUTSIDE): [2, 1_000, 0, 0],
    }


@pytest.mark.usefixtures("core")
def test_answers_that_nobody_asked_for_and_dhcp_to_all_are_kinds_of_their_own() -> None:
    a = attacks
    asked, unasked = a.reflections(1)[:2], a.reflections(1, asked=0)[:1]
    assert amounts(*asked) == {
        ("udp", a.BAD_IP): [1, 8, 1, 1_000],
        ("served", a.OUTSIDE): [1, 1_000, 1, 8],
    }
    assert amounts(*unasked) == {("unasked", a.OUTSIDE): [1, 1_000, 0, 0]}
    clocks = a.datagram(0, (123, 123), 48)
    assert set(amounts(clocks)) == {("udp", f.IP_B), ("served", a.BAD_IP)}
    assert amounts(*a.dhcp_requests(3)[:3]) == {("dhcp", b"\xff" * 4): [3, 900, 0, 0]}


def test_counts_of_one_second_are_added_up_even_where_hashes_fall_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = read().packet_rows()
    parts = [Watching().take(rows[i : i + 5]).seconds for i in range(0, len(rows), 5)]
    whole = merged(np.concatenate(parts))
    assert np.array_equal(merged(whole), whole)
    assert (np.diff(whole["second"]) >= 0).all()
    monkeypatch.setattr(watch, "_MIX", np.uint64(0))  # all have one
    again = merged(np.concatenate(parts))
    assert sorted(map(bytes, again)) == sorted(map(bytes, whole))


@pytest.mark.usefixtures("core")
def test_arp_is_kept() -> None:
    seen = Watch()
    assert len(seen.seen().arp) == len(seen.seen().seconds) == 0
    rows = read().packet_rows()
    seen.take(rows)
    arp = seen.seen().arp
    assert len(arp) == 8
    for name in ("time", "src_mac", "arp_sha", "arp_op", "src_ip", "dst_ip"):
        assert np.array_equal(arp[name], rows[rows["arp_op"] != 0][name])

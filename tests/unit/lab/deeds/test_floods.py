from __future__ import annotations

import itertools
import socket
from typing import TYPE_CHECKING

import dpkt
import pytest

from plugin.lab import bad
from plugin.lab.deeds import floods
from tests.deeds import HERE, MAC, plan_here, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugin.lab.plan import Plan


def test_a_flood_reaches_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind((HERE, 0))
        sink.settimeout(10)
        monkeypatch.setattr(floods, "FLOOD_PORT", sink.getsockname()[1])
        bad.run(plan_here("flood")._replace(seconds=0.2, rate=200.0))
        assert len(sink.recv(2000)) == floods.FLOOD_BYTES


def sent(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[Plan], Iterator[None]], kind: str, steps: int
) -> list[bytes]:
    sock = raw(monkeypatch)
    plan = plan_here(kind)._replace(target="10.0.0.2")
    list(itertools.islice(act(plan), steps))
    return [packet for packet, _ in sock.sent]


def test_a_syn_flood_asks_one_port_from_many(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = [dpkt.ip.IP(one) for one in sent(monkeypatch, floods.syn_flood, "syn-flood", 100)]
    assert {one.tcp.flags for one in packets} == {dpkt.tcp.TH_SYN}
    assert {(one.src, one.dst, one.tcp.dport) for one in packets} == {
        (bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)), floods.SYN_PORT)
    }
    assert len({one.tcp.sport for one in packets}) > 90


def test_a_ping_flood_is_of_echo_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = sent(monkeypatch, floods.icmp_flood, "icmp-flood", 20)
    assert {one[:2] for one in packets} == {b"\x08\0"}
    assert len({one[6:8] for one in packets}) == 20


def test_starvation_asks_all_for_addresses_in_ever_new_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = [dpkt.ethernet.Ethernet(one) for one in sent(monkeypatch, floods.dhcp_flood, "", 50)]
    asked = [dpkt.dhcp.DHCP(frame.data.data.data) for frame in frames]
    assert {(f.src.hex(":"), f.dst, f.data.src, f.data.dst) for f in frames} == {
        (MAC, b"\xff" * 6, bytes(4), b"\xff" * 4)
    }
    assert {(f.data.data.sport, f.data.data.dport) for f in frames} == {(68, 67)}
    assert len({one.chaddr for one in asked}) == len({one.xid for one in asked}) == 50
    assert {dict(one.opts)[dpkt.dhcp.DHCP_OPT_MSGTYPE] for one in asked} == {b"\x01"}


def test_amplification_is_of_large_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    list(itertools.islice(floods.amplify(plan_here("amplify")), 30))
    assert sock.bound == ("", floods.AMPLIFIER_PORT)
    assert {(len(packet), where) for packet, where in sock.sent} == {(floods.ANSWER_BYTES, HERE)}
    assert floods.ANSWER_BYTES <= 1472


def test_nobody_there_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    for act in (floods.udp_flood, floods.syn_flood, floods.icmp_flood, floods.amplify):
        list(itertools.islice(act(plan_here("")._replace(target="10.0.0.7")), 3))
    assert len(sock.sent) == 12

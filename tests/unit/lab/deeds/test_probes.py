from __future__ import annotations

import itertools
import socket
import threading

import pytest

from plugin.lab import bad
from plugin.lab.deeds import probes
from plugin.lab.offices import office
from plugin.lab.profiles import SERVICES
from tests.deeds import HERE, plan_here, raw


def test_a_scan_tries_every_port_once_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    monkeypatch.setattr(probes.Waiting, "try_connect", lambda _, __, port: tried.append(port))
    steps = probes.scan(plan_here("scan"))
    list(itertools.islice(steps, len(probes.SCANNED_PORTS)))
    assert sorted(tried) == list(probes.SCANNED_PORTS)
    assert tried != sorted(tried)


def test_a_sweep_asks_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(probes.Waiting, "try_connect", lambda _, where, __: asked.append(where))
    list(itertools.islice(probes.sweep(bad.plan(office(1), "ben", "sweep")), 254))
    assert len(set(asked)) == 254


def test_few_connections_stay_open() -> None:
    waiting = probes.Waiting()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        for _ in range(probes.OPEN_MAX + 5):
            waiting.try_connect("127.0.0.1", server.getsockname()[1])
        assert len(waiting.open) == probes.OPEN_MAX
    for sock in waiting.open:
        sock.close()


def test_a_peer_that_is_away_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    for act in (probes.brute, probes.fan_out):
        assert len(list(itertools.islice(act(plan_here("brute")), 3))) == 3


def test_a_fan_out_knocks_at_each_door_once_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    knocked: list[tuple[str, int]] = []

    def note(place: tuple[str, int], _: float) -> None:
        knocked.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", note)
    targets = tuple(f"10.0.0.{n}" for n in range(1, 41))
    steps = probes.fan_out(plan_here("fan-out")._replace(targets=targets))
    list(itertools.islice(steps, 80))
    assert set(knocked) == {(address, port) for address in targets for port in (3389, 5985)}
    assert len(knocked) == 80


@pytest.mark.parametrize(("door", "first"), [("rdp", b"\x03\0\0\x13"), ("winrm", b"POST /wsman ")])
def test_a_door_is_answered(door: str, first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []
    with socket.socket() as server:
        server.bind((HERE, 0))
        server.listen(1)
        port = server.getsockname()[1]

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                heard.append(peer.recv(4096))
                peer.sendall(b"yes")

        monkeypatch.setattr(probes, "DOORS", (door,))
        service = SERVICES[door]._replace(port=port)
        monkeypatch.setattr(probes, "SERVICES", {door: service})
        thread = threading.Thread(target=answer)
        thread.start()
        next(probes.fan_out(plan_here("fan-out")._replace(targets=(HERE,))))
        thread.join(10)
    assert heard
    assert heard[0].startswith(first)


def test_a_ping_sweep_asks_every_address_whoever_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    steps = probes.ping_sweep(plan_here("ping-sweep")._replace(target="198.51.100.0/24"))
    list(itertools.islice(steps, 254))
    assert {where for _, where in sock.sent} == {f"198.51.100.{n}" for n in range(1, 255)}
    assert {packet[:2] for packet, _ in sock.sent} == {b"\x08\0"}

from __future__ import annotations

import itertools
import socket
import threading

import dpkt
import pytest

from plugin.lab.deeds import hidden
from plugin.lab.profiles import SERVICES
from tests.deeds import HERE, plan_here, raw


@pytest.mark.parametrize("act", [hidden.beacon, hidden.exfiltrate])
def test_a_home_that_is_away_does_not_stop_it(act: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    assert callable(act)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert len(list(itertools.islice(act(plan_here("beacon")), 3))) == 3


@pytest.mark.parametrize(
    ("act", "size"),
    [(hidden.beacon, hidden.BEACON_BYTES), (hidden.exfiltrate, hidden.UPLOAD_BYTES)],
)
def test_home_gets_as_much_each_time(
    act: object, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[int] = []
    with socket.socket() as server:
        server.bind((HERE, 0))
        server.listen(1)
        home = SERVICES["home"]._replace(port=server.getsockname()[1])
        monkeypatch.setattr(hidden, "SERVICES", {"home": home})

        def serve() -> None:
            for _ in range(2):
                peer, _address = server.accept()
                with peer, peer.makefile("rb") as stream:
                    length = 0
                    while line := stream.readline().strip():
                        if line.lower().startswith(b"content-length"):
                            length = int(line.rpartition(b" ")[2])
                    got.append(len(stream.read(length)))

        thread = threading.Thread(target=serve)
        thread.start()
        assert callable(act)
        list(itertools.islice(act(plan_here("beacon")), 2))
        thread.join(20)
    assert got == [size, size]


def test_names_of_a_tunnel_are_long_and_never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    list(itertools.islice(hidden.dns_tunnel(plan_here("dns-tunnel")), 50))
    names = [dpkt.dns.DNS(query).qd[0].name for query, _ in sock.sent]
    assert len(set(names)) == 50
    assert all(100 < len(name) <= 253 for name in names)
    assert {name.rpartition(hidden.TUNNEL_ZONE)[1] for name in names} == {hidden.TUNNEL_ZONE}
    assert all(len(label) <= 63 for name in names for label in name.split("."))


def test_pings_of_a_tunnel_are_large_and_fit_into_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    sock = raw(monkeypatch)
    list(itertools.islice(hidden.icmp_tunnel(plan_here("icmp-tunnel")), 50))
    sizes = [len(packet) - 8 for packet, _ in sock.sent]
    assert min(sizes) >= hidden.PING_BYTES[0]
    assert max(sizes) <= hidden.PING_BYTES[1]
    assert len(set(sizes)) > 25
    assert {packet[:2] for packet, _ in sock.sent} == {b"\x08\0"}

"""The reader on os-ken, against a switch made of bytes (OpenFlow 1.3.5)."""

from __future__ import annotations

import importlib.util
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from plugin.errors import PeerError
from plugin.faucet.flows import Query
from plugin.faucet.probe import Probe

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("os_ken") is None, reason="os-ken (extra sdn) is not installed"
)
PATIENCE = 30.0
HELLO, ERROR, FEATURES, FEATURES_REPLY = 0, 1, 5, 6
MULTIPART, MULTIPART_REPLY, ROLE, ROLE_REPLY = 18, 19, 24, 25
SLAVE = 3
PORT_DESCRIPTION, FLOW, PORT_STATS = 13, 1, 4
MAC = bytes.fromhex("020000000001")


def flow(table: int, cookie: int, vid: int | None = None) -> bytes:
    """One flow: in_port 2, eth_src, perhaps a VLAN's tag, output to port 7, goto table 3."""
    fields = struct.pack("!HBBI", 0x8000, 0, 4, 2) + struct.pack("!HBB6s", 0x8000, 8, 6, MAC)
    match = struct.pack("!HH", 1, 4 + len(fields)) + fields
    match += bytes(-len(match) % 8)
    output = struct.pack("!HHIH6x", 0, 16, 7, 0)
    if vid is not None:
        tag = struct.pack("!HHH2xHHHBBH6x", 17, 8, 0x8100, 25, 16, 0x8000, 12, 2, 0x1000 | vid)
        output = tag + output
    steps = struct.pack("!HH4x", 4, 8 + len(output)) + output + struct.pack("!HHB3x", 1, 8, 3)
    head = struct.pack("!BxIIHHHH4xQQQ", table, 1, 0, 9, 0, 0, 0, cookie, 5, 300)
    return struct.pack("!H", 2 + len(head) + len(match) + len(steps)) + head + match + steps


class Switch:
    """Speaks as much OpenFlow as a reader asks for."""

    def __init__(self, port: int, *, role: int = SLAVE) -> None:
        self.role = role
        self.asked: list[tuple[int, bytes]] = []
        self.sock = connected(port)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def send(self, kind: int, body: bytes, xid: int) -> None:
        self.sock.sendall(struct.pack("!BBHI", 4, kind, 8 + len(body), xid) + body)

    def run(self) -> None:
        self.send(HELLO, b"", 1)
        with self.sock.makefile("rb") as stream:
            while len(head := stream.read(8)) == 8:
                _, kind, length, xid = struct.unpack("!BBHI", head)
                body = stream.read(length - 8)
                self.asked.append((kind, body))
                self.reply(kind, body, xid)

    def reply(self, kind: int, body: bytes, xid: int) -> None:
        if kind == FEATURES:
            self.send(FEATURES_REPLY, struct.pack("!QIBB2xII", 0x2A, 0, 254, 1, 0, 0), xid)
        elif kind == ROLE:
            self.send(ROLE_REPLY, struct.pack("!I4xQ", self.role, 0), xid)
        elif kind == MULTIPART:
            what = struct.unpack_from("!H", body)[0]
            if what == FLOW and body[8] == 99:  # a table that it does not have
                self.send(ERROR, struct.pack("!HH", 1, 9), xid)
            elif what == FLOW:
                # in two parts, as a switch with many flows answers
                self.send(MULTIPART_REPLY, struct.pack("!HH4x", what, 1) + flow(0, 7), xid)
                self.send(MULTIPART_REPLY, struct.pack("!HH4x", what, 0) + flow(4, 8, 100), xid)
            elif what == PORT_STATS:
                counters = struct.pack("!I4x12QII", 2, *range(1, 13), 0, 0)
                self.send(MULTIPART_REPLY, struct.pack("!HH4x", what, 0) + counters, xid)
            else:
                self.send(MULTIPART_REPLY, struct.pack("!HH4x", what, 0), xid)

    def close(self) -> None:
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.sock.close()


def connected(port: int) -> socket.socket:
    def attempt() -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            return None

    found = until(attempt)
    assert isinstance(found, socket.socket)
    return found


def until(condition: Callable[[], object]) -> object:
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found


@contextmanager
def connection(role: int = SLAVE) -> Iterator[tuple[Probe, Switch]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Probe(port=port) as probe:
        switch = Switch(port, role=role)
        try:
            yield probe, switch
        finally:
            switch.close()


def test_flows_and_counters_of_a_switch_that_made_us_a_reader() -> None:
    with connection() as (probe, switch):
        until(lambda: probe.datapaths() == (0x2A,))
        first, second = probe.flows(Query(0x2A, cookie=7))
        assert (first.table, first.cookie, first.packets, first.bytes) == (0, 7, 5, 300)
        assert first.match == {"in_port": 2, "eth_src": "02:00:00:00:00:01"}
        assert (first.goto, first.outputs, first.meter) == (3, (7,), None)
        assert (second.table, second.outputs) == (4, (7,))
        assert (first.vid, second.vid) == (None, 100)
        assert len(probe.flows(Query(0x2A, mac="02:00:00:00:00:01", in_port=2))) == 4
        (port,) = probe.ports(0x2A)
        assert (port.port, port.rx_packets, port.tx_packets) == (2, 1, 2)
        with pytest.raises(PeerError, match="OpenFlow error 1/9"):
            probe.flows(Query(0x2A, table=99))
        with pytest.raises(PeerError, match="not connected"):
            probe.flows(Query(1))
        assert until(lambda: any(kind == ROLE for kind, _ in switch.asked))
        roles = [struct.unpack_from("!I", body)[0] for kind, body in switch.asked if kind == ROLE]
        assert roles == [SLAVE]
        changes = {14, 15, 16, 17, 29}  # flow, group, port, table, meter modifications
        assert not changes & {kind for kind, _ in switch.asked}


def test_a_switch_that_does_not_grant_the_role_is_not_used() -> None:
    with connection(role=1) as (probe, switch):
        until(lambda: any(kind == ROLE for kind, _ in switch.asked))
        with pytest.raises(PeerError, match="has not made us a reader"):
            probe.flows(Query(0x2A))


def test_a_port_that_is_taken_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(PeerError, match="cannot listen"),
    ):
        Probe(port=taken.getsockname()[1]).start()

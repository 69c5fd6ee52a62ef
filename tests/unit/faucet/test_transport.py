"""The event socket against a server that behaves as Faucet does; its page against a small one."""

from __future__ import annotations

import http.server
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugin import events as e
from plugin.errors import PeerError
from plugin.faucet.transport import EventSocket, read_page
from tests.unit.faucet.test_event import line

DEADLINE = 30.0


def kept(item: e.FeedItem) -> bool:
    return not (isinstance(item, e.FeedClosed) and item.reason.startswith(item.source))


@contextmanager
def reader(
    path: Path, raw: list[bytes] | None = None
) -> Iterator[tuple[EventSocket, Callable[[], e.FeedItem]]]:
    """A running reader, and a call that waits for its next item.

    That nobody listens yet is passed over: it depends on who comes first.
    """
    items: queue.Queue[e.FeedItem] = queue.Queue()
    one = EventSocket(
        path, items.put, raw=([] if raw is None else raw).append, backoff=(0.01, 0.05)
    )

    def following() -> e.FeedItem:
        while True:
            item = items.get(timeout=DEADLINE)
            if not isinstance(item, e.FeedClosed) or not item.reason.startswith(str(path)):
                return item

    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        yield one, following
    finally:
        one.stop()
        thread.join(DEADLINE)
        one.close()
        assert not thread.is_alive()


def serve(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()
    server.settimeout(DEADLINE)
    return server


def test_it_waits_for_faucet_reads_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "event.sock"
    raw: list[bytes] = []
    with reader(path, raw) as (one, following):
        with serve(path) as server, server.accept()[0] as faucet:
            assert following() == e.FeedOpened(source=str(path))
            whole = line(1, DP_CHANGE={"reason": "cold_start"})
            faucet.sendall(whole[:9])
            faucet.sendall(whole[9:] + b'{"torn')
            assert isinstance(following(), e.DatapathChanged)
        assert isinstance(following(), e.Garbage)
        assert following() == e.FeedClosed(source=str(path), reason="closed by Faucet")
        # Faucet has started anew: a new socket, and numbers from 1.
        with serve(path) as server, server.accept()[0] as faucet:
            assert isinstance(following(), e.FeedOpened)
            faucet.sendall(line(1, 99.0, DP_CHANGE={}))
            assert following() == e.FaucetRestarted(last=1)
            assert isinstance(following(), e.DatapathChanged)
            assert (one.feed.events, one.feed.garbage) == (2, 1)
    assert raw == [whole.rstrip(), line(1, 99.0, DP_CHANGE={}).rstrip()]


def test_a_reader_that_is_turned_away_tries_again(tmp_path: Path) -> None:
    path = tmp_path / "event.sock"
    with serve(path) as server, reader(path) as (_, following):
        for _ in range(3):
            server.accept()[0].close()  # what Faucet does with a second client
            assert isinstance(following(), e.FeedOpened)
            assert isinstance(following(), e.FeedClosed)


def test_why_it_cannot_be_connected_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "event.sock"
    items: list[e.FeedItem] = []
    one = EventSocket(path, items.append)
    assert [one._once() for _ in range(2)] == [f"{path}: No such file or directory", None]
    with serve(path):
        pass  # its end of the socket is gone, the file stays
    assert [one._once() for _ in range(2)] == [f"{path}: Connection refused", None]
    assert items == []
    one.close()


def test_it_stops_while_nothing_comes(tmp_path: Path) -> None:
    path = tmp_path / "event.sock"
    with serve(path) as server, reader(path) as (_, following), server.accept()[0]:
        assert isinstance(following(), e.FeedOpened)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"faucet_event_id 3\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_page_is_read(address: str) -> None:
    assert read_page(address).event_id == 3


def test_no_page_is_a_peer_that_is_away(address: str) -> None:
    with pytest.raises(PeerError, match="Prometheus page cannot be read"):
        read_page(address + "/none")
    with pytest.raises(PeerError, match="FAUCET_PROMETHEUS"):
        read_page("http://127.0.0.1:1", timeout=DEADLINE)


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 1000\r\n\r\nfaucet_event_id 3",
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_page_that_breaks_off_is_a_peer_that_is_away(answer: bytes) -> None:
    # As of a Faucet that ends, or is ended, while it is asked.
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\n" + answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(PeerError, match="Prometheus page cannot be read"):
                read_page(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=DEADLINE)
        finally:
            thread.join(DEADLINE)

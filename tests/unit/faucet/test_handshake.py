"""Why a server will not talk to us, found out by a handshake of our own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.faucet import handshake
from plugin.faucet.credentials import Credentials
from plugin.faucet.handshake import why_refused
from tests.certificates import authority, signed
from tests.confrpc import Pairs, Server, pairs, serving


@pytest.fixture
def known(tmp_path: Path) -> Pairs:
    return pairs(tmp_path / "certificates")


@pytest.fixture
def address(known: Pairs, tmp_path: Path) -> Iterator[str]:
    with serving(Server(tmp_path), known) as found:
        yield found


def test_nothing_is_wrong(known: Pairs, address: str) -> None:
    assert why_refused(address, known.credentials()) is None


def test_a_name_that_the_certificate_has_not(known: Pairs, address: str) -> None:
    why = why_refused(address.replace("localhost", "127.0.0.1"), known.credentials())
    assert why is not None
    assert why.reason == "its certificate is not for 127.0.0.1"
    assert "isolation.confrpc_address" in why.advice


def test_a_server_that_nobody_vouches_for(known: Pairs, address: str, tmp_path: Path) -> None:
    other = authority(tmp_path / "other")
    why = why_refused(address, Credentials(other.cert, known.client.cert, known.client.key))
    assert why is not None
    assert "not one of isolation.confrpc_ca" in why.reason


def test_a_client_that_nobody_vouches_for(known: Pairs, address: str, tmp_path: Path) -> None:
    ours = signed(authority(tmp_path / "other"), "ours")
    why = why_refused(address, Credentials(known.ca.cert, ours.cert, ours.key))
    assert why is not None
    assert "refuses our certificate" in why.reason
    assert "--cacert" in why.advice


def test_nobody_listens(known: Pairs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    why = why_refused(f"127.0.0.1:{port}", known.credentials())
    assert why is not None
    assert why.reason == "cannot be reached: Connection refused"


def test_somebody_without_tls_and_somebody_silent(
    known: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        why = why_refused(address, known.credentials())
        assert why is not None
        assert "nothing answers there within 0.5 s" in why.reason
        server.accept()[0].close()

        def answer() -> None:
            with server.accept()[0] as stream:
                stream.recv(1000)
                stream.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        why = why_refused(address, known.credentials())
        thread.join()
        assert why is not None
        assert why.reason.startswith("no TLS there")

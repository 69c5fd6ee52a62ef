"""faucetconfrpc's calls, against a gRPC server with mutual TLS; each fault has its own words."""

from __future__ import annotations

import builtins
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from plugin.errors import FaucetFileError, PeerError, SettingsError
from plugin.faucet.remote import Remote, load_grpc
from plugin.faucet.wire import get_request
from tests.certificates import authority, signed
from tests.confrpc import Pairs, Server, pairs, remote, serving

RULES = "acls:\n  a:\n  - rule:\n      dl_src: 02:00:00:00:00:01\n"


@pytest.fixture
def known(tmp_path: Path) -> Pairs:
    return pairs(tmp_path / "certificates")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    folder = tmp_path / "faucet"
    folder.mkdir()
    return Server(folder)


def test_a_file_is_set_and_given_back(known: Pairs, server: Server) -> None:
    with remote(server, known) as one:
        one.set("ours.yaml", RULES)
        assert one.get("ours.yaml") == RULES
        one.set("ours.yaml", "{acls: {b: 1}}", merge=True)
        assert "b: 1" in one.get("ours.yaml")
    assert [asked[::3] for asked in server.asked] == [
        ("SetConfigFile", False),
        ("GetConfigFile", False),
        ("SetConfigFile", True),
        ("GetConfigFile", False),
    ]


def test_long_texts_pass(known: Pairs, server: Server) -> None:
    server.says = get_request("y" * 6_000_000)  # the same field
    with remote(server, known) as one:
        assert len(one.get("a.yaml")) == 6_000_000


def test_an_answer_that_is_no_message(known: Pairs, server: Server) -> None:
    server.says = b"\x0a\x7fx"
    with remote(server, known) as one, pytest.raises(PeerError, match="something else: ends"):
        one.get("a.yaml")


@pytest.mark.parametrize("name", ["ha-lia.yaml", "a.yml", "../a.yaml", "é.json", "a b.yaml", ""])
def test_names_that_it_refuses_are_told_before_it_is_asked(
    known: Pairs, server: Server, name: str
) -> None:
    with remote(server, known) as one, pytest.raises(FaucetFileError, match="takes only names"):
        one.set(name, "{}")
    assert not server.asked


@pytest.mark.parametrize("name", ["halia_isolation.yaml", "faucet.yaml", "a.b_2.yaml", "_a.yaml"])
def test_names_that_it_takes(known: Pairs, server: Server, name: str) -> None:
    with remote(server, known) as one:
        one.set(name, "a: 1")
    assert (server.folder / name).exists()


def test_what_it_refuses_is_told_without_the_request(known: Pairs, server: Server) -> None:
    server.refuses = "Invalid config: no error at all in DP sw1"
    with remote(server, known) as one:
        with pytest.raises(FaucetFileError) as told:
            one.set("ours.yaml", RULES)
        assert f"localhost:{one.address[10:]}: SetConfigFile ours.yaml" in str(told.value)
        assert told.value.reason == f"refused: {server.refuses}"
        with pytest.raises(FaucetFileError, match=r"GetConfigFile no.yaml: .*No such file"):
            one.get("no.yaml")


def test_a_socket_in_its_folder(known: Pairs, server: Server) -> None:
    with socket.socket(socket.AF_UNIX) as events, remote(server, known) as one:
        events.bind(str(server.folder / "event.sock"))
        with pytest.raises(FaucetFileError, match=r"cannot copy .*/event.sock") as told:
            one.set("ours.yaml", RULES)
        assert "FAUCET_EVENT_SOCK" in str(told.value)


def test_a_server_that_is_down(known: Pairs, server: Server) -> None:
    with serving(server, known) as address:
        one = Remote(address, known.credentials())
    with pytest.raises(PeerError, match="cannot be reached: Connection refused") as told:
        one.get("ours.yaml")
    assert address in str(told.value)
    assert "faucetconfrpc_server running" in str(told.value)


def test_a_server_that_comes_up_is_asked_at_once(known: Pairs, server: Server) -> None:
    """No back-off of a connection that failed is waited out."""
    (server.folder / "ours.yaml").write_text(RULES)
    with serving(server, known) as address:
        one = Remote(address, known.credentials())
        assert one.get("ours.yaml") == RULES
    for _ in range(5):
        with pytest.raises(PeerError, match="cannot be reached"):
            one.get("ours.yaml")
    with serving(server, known, int(address.rpartition(":")[2])):
        assert one.get("ours.yaml") == RULES


def test_certificates_and_names_that_are_wrong(
    known: Pairs, server: Server, tmp_path: Path
) -> None:
    other = authority(tmp_path / "other")
    wrong_ca = known._replace(ca=other).credentials()
    wrong_client = known._replace(client=signed(other, "x")).credentials()
    with serving(server, known) as address:
        for one, words in (
            (Remote(address, wrong_ca), "not one of isolation.confrpc_ca"),
            (Remote(address, wrong_client), "refuses our certificate"),
            (
                Remote(address.replace("localhost", "127.0.0.1"), known.credentials()),
                "certificate is not for 127.0.0.1",
            ),
        ):
            with pytest.raises(PeerError, match=words) as told:
                one.set("ours.yaml", RULES)
            assert "isolation.confrpc_" in str(told.value)
    assert not server.asked


def test_a_slow_server_has_a_deadline(known: Pairs, server: Server) -> None:
    server.slow.clear()
    with (
        remote(server, known, seconds=0.5) as one,
        pytest.raises(PeerError, match=r"SetConfigFile ours.yaml: no answer within 0.5 s"),
    ):
        one.set("ours.yaml", RULES)


def test_a_call_is_ended_from_another_thread(known: Pairs, server: Server) -> None:
    server.slow.clear()
    with remote(server, known, seconds=60.0) as one:
        found: list[Exception] = []

        def ask() -> None:
            try:
                one.set("ours.yaml", RULES)
            except PeerError as error:
                found.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.asked:
            time.sleep(0.01)
        one.close()
        thread.join(20)
        assert len(found) == 1
        with pytest.raises(PeerError, match="is closed"):
            one.get("ours.yaml")


def test_what_is_no_faucetconfrpc(known: Pairs, server: Server) -> None:
    server.methods = lambda grpc: grpc.method_handlers_generic_handler("other", {})  # type: ignore[method-assign]  # another service
    with (
        remote(server, known) as one,
        pytest.raises(PeerError, match=r"unimplemented: .*is that faucetconfrpc\?"),
    ):
        one.get("ours.yaml")


def test_grpc_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **also: Any) -> Any:
        if name == "grpc":
            raise ImportError(name)
        return real(name, *more, **also)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError) as told:
        load_grpc()
    assert str(told.value).startswith("isolation.adapter: confrpc needs the library grpcio: pip")
    assert "halia[confrpc]" in str(told.value)
    assert "\n" not in str(told.value)

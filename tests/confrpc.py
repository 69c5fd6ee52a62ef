"""A faucetconfrpc that is not there: a real gRPC server with real TLS, in this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from plugin.faucet import wire
from plugin.faucet.credentials import Credentials
from plugin.faucet.remote import Remote
from plugin.faucet.tree import Tree
from tests.certificates import Pair, authority, signed


class Pairs(NamedTuple):
    """Who vouches for both, and both."""

    ca: Pair
    server: Pair
    client: Pair

    def credentials(self) -> Credentials:
        return Credentials(self.ca.cert, self.client.cert, self.client.key)


def pairs(folder: Path) -> Pairs:
    ca = authority(folder)
    return Pairs(ca, signed(ca, "server", "DNS:localhost"), signed(ca, "client"))


def redumped(text: str) -> str:
    """The same in the server's form: no comments, keys in order, nothing on one line."""
    return str(yaml.safe_dump(Tree(text).plain, default_flow_style=False))


class Server:
    """Serves one folder, as the real one does; what goes wrong is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str, str, bool]] = []
        """Call, name, text, whether merged."""
        self.lies = False
        """It says yes, and does nothing."""
        self.elsewhere: Path | None = None
        """It writes into another folder."""
        self.says: bytes | None = None
        """What GetConfigFile answers, whatever stands there."""
        self.meanwhile: Callable[[], object] = lambda: None
        """Done before it writes: another client."""
        self.refuses = ""
        self.slow = threading.Event()
        """Set: it answers; else not."""
        self.slow.set()

    def methods(self, grpc: Any) -> Any:
        calls = {"GetConfigFile": self._get, "SetConfigFile": self._set}
        return grpc.method_handlers_generic_handler(
            wire.SERVICE[1:],
            {name: grpc.unary_unary_rpc_method_handler(one) for name, one in calls.items()},
        )

    def _get(self, request: bytes, context: Any) -> bytes:
        name = self._begin("GetConfigFile", request, context)[1]
        if self.says is not None:
            return self.says
        file = (self.elsewhere or self.folder) / name
        if not file.exists():
            self._abort(context, f"request:x error Error: [Errno 2] No such file: '{name}'")
        return wire.get_request(redumped(file.read_text()))  # the same field

    def _set(self, request: bytes, context: Any) -> bytes:
        _, name, text, merge = self._begin("SetConfigFile", request, context)
        self.meanwhile()
        if self.refuses:
            self._abort(context, f"request:{text} error Cannot set FAUCET config: {self.refuses}")
        file = (self.elsewhere or self.folder) / name
        found = Tree(text).plain
        if merge:
            found = _merged(Tree(file.read_text()).plain, found)
        if not self.lies:
            file.write_text(yaml.safe_dump(found, default_flow_style=False))
        return b""

    def _begin(self, call: str, request: bytes, context: Any) -> tuple[str, str, str, bool]:
        fields = dict(wire._fields(request))
        name, text = fields.get(1, b"").decode(), fields.get(2, b"").decode()
        one = (call, name, text, 3 in fields)
        self.asked.append(one)
        self.slow.wait(20)
        for socket in (p for p in self.folder.iterdir() if p.is_socket()):
            why = f"[('{socket}', '/tmp/x/{socket.name}', \"[Errno 6] No such device\")]"
            self._abort(context, f"Exception calling application: {why}")
        return one

    def _abort(self, context: Any, why: str) -> None:
        import grpc

        context.abort(grpc.StatusCode.UNKNOWN, why)


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{k: _merged(one.get(k), v) for k, v in other.items()}}
    return other


@contextlib.contextmanager
def serving(server: Server, of: Pairs, port: int = 0) -> Iterator[str]:
    """Serve; gives the address."""
    grpc: Any = pytest.importorskip("grpc", reason="grpcio (extra confrpc) is not installed")
    login = grpc.ssl_server_credentials(
        ((of.server.key.read_bytes(), of.server.cert.read_bytes()),),
        of.ca.cert.read_bytes(),
        require_client_auth=True,
    )
    with ThreadPoolExecutor(1) as executor:
        running = grpc.server(executor)
        running.add_generic_rpc_handlers((server.methods(grpc),))
        port = running.add_secure_port(f"localhost:{port}", login)
        running.start()
        try:
            yield f"localhost:{port}"
        finally:
            server.slow.set()
            running.stop(0).wait()


@contextlib.contextmanager
def remote(server: Server, of: Pairs, seconds: float = 10.0) -> Iterator[Remote]:
    with serving(server, of) as address:
        one = Remote(address, of.credentials(), seconds=seconds)
        yield one
        one.close()

"""faucetconfrpc, asked for a file of Faucet's and told to write one: gRPC with mutual TLS.

Each call has a connection of its own: none waits out a back-off of an earlier one, and the server,
which serves one client at a time, keeps nothing of ours open.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING, Any, cast

from plugin.errors import FaucetFileError, PeerError, SettingsError, install_extra
from plugin.faucet import wire
from plugin.faucet.handshake import why_refused

if TYPE_CHECKING:
    from types import ModuleType

    from plugin.faucet.credentials import Credentials

CALL_SECONDS = 10.0
"""For one call; the server copies and parses the whole folder in it."""
REPLY_BYTES_MAX = 16 << 20
_SAID_MAX = 400
"""Characters of what the server says: it repeats the whole request first."""
_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", REPLY_BYTES_MAX),
)
_MARKS = ("Cannot set FAUCET config: ", " error ")
_COPIED = re.compile(r"\('([^']+)', '[^']*', [\"']\[Errno (\d+)\]")
_NAME = re.compile(r"[^\W_]*(?:[._]+[^\W_]*)*\.yaml")
_NO_DEVICE, _DENIED = "6", "13"


def load_grpc() -> ModuleType:
    """Import gRPC, before privileges are dropped.

    Raises:
        SettingsError: it is not installed.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # else it writes to our standard error
    try:
        import grpc
    except ImportError as error:
        advice = install_extra("confrpc")
        raise SettingsError(f"isolation.adapter: confrpc needs the library grpcio: {advice}") from (
            error
        )
    return cast("ModuleType", grpc)


class Remote:
    """One server; used by one thread, closed by any.

    Args:
        address: ``HOST:PORT``; the server's certificate must be for that host.
        credentials: who vouches for it, and who we are.
        seconds: for one call.
    """

    def __init__(
        self, address: str, credentials: Credentials, *, seconds: float = CALL_SECONDS
    ) -> None:
        self.address = address
        self._credentials, self._seconds = credentials, seconds
        self._grpc: Any = load_grpc()
        self._login = self._grpc.ssl_channel_credentials(
            credentials.ca, credentials.key, credentials.cert
        )
        self._lock = threading.Lock()
        self._channel: Any = None
        self._closed = False

    def get(self, name: str) -> str:
        """Give what a file means there, as YAML in the server's own form.

        Raises:
            PeerError: it does not answer, or will not talk to us.
            FaucetFileError: it cannot give the file.
        """
        content = self._call("GetConfigFile", name, wire.get_request(name))
        try:
            return wire.get_reply(content)
        except wire.WireError as error:
            where = self._where("GetConfigFile", name)
            raise PeerError(f"answers with something else: {error}", where=where) from error

    def set(self, name: str, text: str, *, merge: bool = False) -> None:
        """Have it write a file; that it says yes proves nothing.

        Raises:
            PeerError: it does not answer, or will not talk to us.
            FaucetFileError: it refuses.
        """
        if not _NAME.fullmatch(name):
            raise FaucetFileError(
                "faucetconfrpc takes only names of letters, digits, '.' and '_' that end in .yaml",
                where=name,
                advice="rename the file, and what includes it",
            )
        self._call("SetConfigFile", name, wire.set_request(name, text, merge=merge))

    def close(self) -> None:
        """End a call that is under way, and make none any more."""
        with self._lock:
            self._closed = True
            if self._channel is not None:
                self._channel.close()

    def _where(self, call: str, name: str) -> str:
        return f"faucetconfrpc at {self.address}: {call} {name}"

    def _call(self, call: str, name: str, request: bytes) -> bytes:
        where = self._where(call, name)
        with self._lock:
            if self._closed:
                raise PeerError("is closed", where=where)
            channel = self._grpc.secure_channel(self.address, self._login, options=_OPTIONS)
            self._channel = channel
        try:
            ask = channel.unary_unary(
                f"{wire.SERVICE}/{call}", request_serializer=None, response_deserializer=None
            )
            return bytes(ask(request, timeout=self._seconds))
        except self._grpc.RpcError as error:
            raise self._problem(error, where) from error
        except ValueError as error:  # closed between two lines
            raise PeerError("is closed", where=where) from error
        finally:
            with self._lock:
                self._channel = None
            channel.close()

    def _problem(self, error: Any, where: str) -> PeerError | FaucetFileError:
        """Say what went wrong, and what to do about it."""
        code, said = error.code().name, " ".join(str(error.details()).split())
        if code == "DEADLINE_EXCEEDED":
            return PeerError(
                f"no answer within {self._seconds:g} s",
                where=where,
                advice="it serves one client at a time, and may still do it; it is asked again",
            )
        if code == "UNAVAILABLE":
            why, advice = why_refused(self.address, self._credentials) or (said, None)
            return PeerError(why[:_SAID_MAX], where=where, advice=advice)
        if code == "UNKNOWN":
            return _refused(said, where)
        advice = "is that faucetconfrpc?" if code == "UNIMPLEMENTED" else None
        return PeerError(f"{code.lower()}: {said[:_SAID_MAX]}", where=where, advice=advice)


def _refused(said: str, where: str) -> FaucetFileError:
    """Say why it refuses; its words begin with the whole request, which is left off."""
    copied = _COPIED.search(said)
    if copied is not None:
        cause = f"cannot copy {copied[1]}, and it copies its whole folder to check what it writes"
        advice = {
            _NO_DEVICE: "a socket there breaks every write: FAUCET_EVENT_SOCK must be elsewhere",
            _DENIED: "let its user read the file",
        }.get(copied[2])
        return FaucetFileError(cause, where=where, advice=advice)
    mark = next((mark for mark in _MARKS if mark in said), None)
    words = said if mark is None else said.rpartition(mark)[2]
    return FaucetFileError(f"refused: {words[:_SAID_MAX]}", where=where)

"""Notices as lines of syslog: RFC 5424 over UDP or TCP, and the local form to ``/dev/log``.

systemd's journal does not read RFC 5424 on ``/dev/log``; the form that glibc writes there is read
by everybody. Over TCP each message is counted (RFC 6587, 3.4.1): no content can begin another.
"""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.notices.notice import ChannelError
from plugin.records import iso_time
from plugin.settings.urls import split_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.notices.notice import Notice

FACILITIES = {"user": 1, "daemon": 3, "auth": 4, "authpriv": 10} | {
    f"local{n}": 16 + n for n in range(8)
}
"""By name (RFC 5424, table 1)."""
BYTES_MOST = 2_048
"""Of a message: what every receiver should take (RFC 5424, 6.1)."""
SECONDS = 5.0
"""To connect, and to send."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAST_TEXT = 8


class Receiver(NamedTuple):
    """Where syslog is."""

    kind: str
    """``udp``, ``tcp`` or ``unix``."""
    host: str
    """Or the path of the unix socket."""
    port: int = 0

    def __str__(self) -> str:
        """As the setting has it."""
        return self.host if self.kind == "unix" else f"{self.kind}://{self.host}:{self.port}"


class Syslog:
    """One receiver.

    Args:
        receiver: where to.
        facility: one of :data:`FACILITIES`.
    """

    name = "syslog"
    at_once = 1
    every = 0.0

    def __init__(self, receiver: Receiver, facility: str) -> None:
        self._receiver, self._facility = receiver, FACILITIES[facility]
        self._socket: socket.socket | None = None
        self._sender = Sender(socket.gethostname(), os.getpid())

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver one notice.

        Raises:
            ChannelError: it was not possible.
        """
        (notice,) = notices
        kind = self._receiver.kind
        form = local_line if kind == "unix" else rfc5424_line
        line = form(notice, self._facility, self._sender)
        content = b"%d %s" % (len(line), line) if kind == "tcp" else line
        try:
            self._connected().sendall(content)
        except OSError as error:
            self.close()
            raise ChannelError(f"{self._receiver}: {error.strerror or error}") from error
        except UnicodeError as error:  # of the name's encoding
            raise ChannelError(f"{self._receiver}: is no name of a host") from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._receiver.kind == "tcp" and _ended(self._socket):
            self.close()
        if self._socket is None:
            self._socket = _connect(self._receiver)
        return self._socket


class Sender(NamedTuple):
    """Who sends."""

    host: str
    pid: int


def read_receiver(text: str) -> Receiver:
    """Read ``/PATH``, ``udp://HOST:PORT`` or ``tcp://HOST:PORT``, of a setting."""
    if text.startswith("/"):
        return Receiver("unix", text)
    kind, _, place = text.partition("://")
    return Receiver(kind, *split_address(place))


def rfc5424_line(notice: Notice, facility: int, sender: Sender) -> bytes:
    """A notice as RFC 5424 has it. ASCII: what is not is written as JSON does."""
    priority = facility * 8 + notice.severity
    stamp = iso_time(round(notice.time * 1e6) * 1000) or "-"
    # A header's fields hold no blank and nothing but ASCII, whatever the machine is called.
    host = "".join(c for c in sender.host if "!" <= c <= "~")[:255] or "-"
    head = f"<{priority}>1 {stamp} {host} halia {sender.pid} {notice.kind} - "
    return _with_text(head, notice)


def local_line(notice: Notice, facility: int, sender: Sender) -> bytes:
    """A notice as syslog(3) writes it to ``/dev/log``, the time in local time."""
    at = time.localtime(notice.time)
    stamp = f"{_MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {time.strftime('%H:%M:%S', at)}"
    head = f"<{facility * 8 + notice.severity}>{stamp} halia[{sender.pid}]: {notice.kind} "
    return _with_text(head, notice)


def _with_text(head: str, notice: Notice) -> bytes:
    """Add the fields, and as much of the text as there is room for.

    Every value is quoted as JSON: none can end its quotes, the line, or name another field.
    """
    fields = " ".join(f"{name}={json.dumps(value[:128])}" for name, value in notice.fields.items())
    text = notice.text
    while True:
        line = f"{head}{fields} text={json.dumps(text)}".encode("ascii")
        if len(line) <= BYTES_MOST or len(text) <= _LEAST_TEXT:
            return line[:BYTES_MOST]
        text = text[: len(text) * 3 // 4].removesuffix("…") + "…"


def _connect(receiver: Receiver) -> socket.socket:
    if receiver.kind == "tcp":
        return socket.create_connection((receiver.host, receiver.port), SECONDS)
    if receiver.kind == "unix":
        return _datagrams(socket.AF_UNIX, receiver.host)
    problem = OSError("no such host")
    found = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_DGRAM)
    for family, _, _, _, place in found:
        try:
            return _datagrams(family, place)
        except OSError as error:  # such as an IPv6 address where there is no IPv6
            problem = error
    raise problem


def _datagrams(family: int, place: Any) -> socket.socket:
    one = socket.socket(family, socket.SOCK_DGRAM)
    try:
        one.settimeout(SECONDS)
        one.connect(place)
    except OSError:
        one.close()
        raise
    return one


def _ended(one: socket.socket) -> bool:
    """Whether the other side has closed: what is sent then would be lost without a word."""
    one.setblocking(False)
    try:
        return not one.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        one.settimeout(SECONDS)

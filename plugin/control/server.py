"""The daemon's side of the control socket: threads that answer, bounded in all that others can do.

One thread takes connections, one more serves each. A client that is silent, slow or gone costs
its own thread a time-out and nobody else anything.
"""

from __future__ import annotations

import grp
import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.control import protocol
from plugin.control.asks import ASKS, Right
from plugin.control.endpoint import open_endpoint
from plugin.control.peer import peer_of
from plugin.control.protocol import LINE_MAX, Answer, End, Kind, Problem, Request
from plugin.control.watchers import Watcher
from plugin.errors import DeniedError, HaliaError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from plugin.control.peer import Peer

_PIECE = 1 << 16
_WATCH_ID = 0
_PAUSE = 0.1
_LAST = frozenset({Kind.REFUSED, Kind.SYNTAX})
"""Problems after which nothing more is heard."""


class Limits(NamedTuple):
    """What clients may cost."""

    clients: int = 32
    """At once."""
    silent: float = 30.0
    """Seconds in which a whole request must have come."""
    slow: float = 10.0
    """Seconds in which a client must have taken a piece of 64 KiB."""
    waiting: int = 4 << 20
    """Bytes that wait for one watcher at most."""


class ControlServer:
    """Answers over a unix socket, from threads of its own.

    The socket is there when this is made, so it can be made as root, and :meth:`start` called when
    privileges are dropped.
    """

    def __init__(
        self,
        path: Path,
        answer: Callable[[Request, Peer], Iterable[Mapping[str, Any]]],
        *,
        group: str | None = None,
        owner: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Make the socket; connections wait until :meth:`start`.

        Args:
            path: where.
            answer: gives the documents of an answer; called from several threads at once. A
                HaliaError that it raises is told to who asked.
            group: name of the group whose members may ask, besides root and this process's user.
            owner: uid that the daemon will have, if another: the socket and its folder become its.
            limits: what clients may cost.

        Raises:
            SettingsError: no such group.
            OutputError: another daemon lives there, or the socket cannot be made.
        """
        self._group = None if group is None else _gid(group)
        self._answer = answer
        self._limits = limits or Limits()
        self._endpoint = open_endpoint(path, owner=owner, group=self._group)
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._watchers: set[Watcher] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self.dropped = 0
        """Watchers that did not keep up, and clients that did not take their answer."""
        self.refused = 0
        """Clients that might not ask, or were too many."""

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def publish(self, event: Mapping[str, Any]) -> None:
        """Hand an event to all who watch; from any thread, never waits.

        Args:
            event: see :mod:`plugin.control.service`.

        Raises:
            UntoldError: it is no JSON, or too long.
        """
        with self._lock:
            watchers = list(self._watchers)
        if watchers:
            line = protocol.reply_line(Answer(id=_WATCH_ID, document=event))
            for watcher in watchers:
                watcher.put(line)

    def watchers(self) -> int:
        """How many watch now."""
        with self._lock:
            return len(self._watchers)

    def stop(self) -> None:
        """End all connections and remove the socket; again is no error."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with suppress(OSError):
            self._endpoint.listener.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join()
        self._endpoint.close()
        with self._lock:
            clients = dict(self._clients)
        for connection, thread in clients.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(self._limits.slow)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._endpoint.listener.accept()
            except OSError:  # stopped, or no file to be had for now
                self._stopping.wait(_PAUSE)
                continue
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="control-client", daemon=True
            )
            with self._lock:
                free = len(self._clients) < self._limits.clients
                if free:
                    self._clients[connection] = thread
                else:
                    self.refused += 1
            if free:
                thread.start()
            else:
                _turn_away(connection)

    def _serve(self, connection: socket.socket) -> None:
        """One client, from its first request until it goes."""
        try:
            with suppress(OSError):  # it has gone
                peer = peer_of(connection)
                allowed = protocol.rights(
                    peer.uid, peer.groups, own=os.geteuid(), group=self._group
                )
                for line in self._requests(connection):
                    request = protocol.parse_request(line)
                    refusal = _refusal(request, peer, allowed)
                    if refusal is not None:
                        self._count(refused=1)
                        request = refusal
                    if isinstance(request, Problem):
                        self._send(connection, [_told(request)])
                        if request.kind in _LAST:
                            return
                    elif not self._reply(connection, request, peer):
                        return
        finally:
            connection.close()
            with self._lock:
                del self._clients[connection]

    def _requests(self, connection: socket.socket) -> Iterator[bytes]:
        """Lines, as long as each comes whole and in time; one that is too long is cut, and last."""
        rest = b""
        end = time.monotonic() + self._limits.silent
        while True:
            line, newline, after = rest.partition(b"\n")
            if newline or len(rest) > LINE_MAX:
                yield line
                rest = after
                end = time.monotonic() + self._limits.silent
                continue
            left = end - time.monotonic()
            if left <= 0:
                return
            connection.settimeout(left)
            piece = connection.recv(_PIECE)
            if not piece:
                return
            rest += piece

    def _reply(self, connection: socket.socket, request: Request, peer: Peer) -> bool:
        """Answer a request; False: the connection is at its end."""
        watcher = Watcher(self._limits.waiting) if request.ask == "watch" else None
        if watcher is None:
            return self._tell(connection, request, peer, [_told(End(id=request.id))])
        with self._lock:  # before the devices are told as they are, so that no change is lost
            self._watchers.add(watcher)
        try:
            if self._tell(connection, request, peer, []):
                self._watch(connection, request.id, watcher)
        finally:
            with self._lock:
                self._watchers.discard(watcher)
            watcher.close()
        return False

    def _tell(
        self, connection: socket.socket, request: Request, peer: Peer, last: list[bytes]
    ) -> bool:
        """Send an answer piece by piece; a problem that it has is its end."""
        lines: list[bytes] = []
        size = 0
        try:
            for document in self._answer(request, peer):
                lines.append(protocol.reply_line(Answer(id=request.id, document=document)))
                size += len(lines[-1])
                if size >= _PIECE:
                    if not self._send(connection, lines):
                        return False
                    lines, size = [], 0
        except HaliaError as error:
            where = "" if error.where is None else f"{error.where}: "
            problem = Problem(
                id=request.id,
                kind=Kind.DENIED if isinstance(error, DeniedError) else Kind.FAILED,
                reason=where + error.reason,
                advice=error.advice,
            )
            last = [_told(problem)]
        except protocol.UntoldError as error:
            problem = Problem(
                id=request.id, kind=Kind.FAILED, reason=f"the answer cannot be told: {error}"
            )
            last = [_told(problem)]
        return self._send(connection, lines + last)

    def _watch(self, connection: socket.socket, number: int, watcher: Watcher) -> None:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.register(watcher.woken, select.POLLIN)
        while not self._stopping.is_set():
            ready = {file for file, _ in poll.poll()}
            if connection.fileno() in ready:  # it has gone; or it speaks, which ends the watch
                return
            lines, left_out = watcher.take()
            # What is published is for all; each watcher's request has its own number.
            if number != _WATCH_ID:
                lines = [_renumbered(line, number) for line in lines]
            if left_out:
                self._count(dropped=1)
                lines.append(_told(_slow(number, left_out)))
            if not self._send(connection, lines) or left_out:
                return

    def _send(self, connection: socket.socket, lines: list[bytes]) -> bool:
        """Send lines, in pieces that must each be taken in time; False: they were not."""
        content = memoryview(b"".join(lines))
        connection.settimeout(self._limits.slow)
        try:
            while content:
                connection.sendall(content[:_PIECE])
                content = content[_PIECE:]
        except TimeoutError:
            self._count(dropped=1)
            return False
        return True

    def _count(self, *, dropped: int = 0, refused: int = 0) -> None:
        with self._lock:
            self.dropped += dropped
            self.refused += refused


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise SettingsError(f"control.group: there is no group {name}") from error


def _refusal(request: Request | Problem, peer: Peer, allowed: frozenset[Right]) -> Problem | None:
    """Why somebody may not ask this; who may ask nothing learns nothing about requests either."""
    right = Right.READ if isinstance(request, Problem) else ASKS[request.ask].right
    if right in allowed:
        return None
    return Problem(
        id=request.id,
        kind=Kind.REFUSED,
        reason=f"{peer.user} may not ask the daemon",
        advice="be root, or a member of the group that control.group names",
    )


def _turn_away(connection: socket.socket) -> None:
    problem = Problem(
        id=None, kind=Kind.BUSY, reason="too many ask the daemon at once", advice="try again later"
    )
    with suppress(OSError):
        connection.setblocking(False)
        connection.send(_told(problem))
    connection.close()


def _slow(number: int, left_out: int) -> Problem:
    return Problem(
        id=number,
        kind=Kind.SLOW,
        reason=f"this watcher did not keep up: {left_out} changes were left out",
        advice="watch again; what is then is told first",
    )


def _told(reply: End | Problem) -> bytes:
    return protocol.reply_line(reply)


def _renumbered(line: bytes, number: int) -> bytes:
    """A published line under the number of a request (it was encoded once, for all)."""
    return line.replace(b'"id":0', b'"id":%d' % number, 1)

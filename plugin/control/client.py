"""Asking the daemon over its control socket."""

from __future__ import annotations

import errno
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from plugin.control.protocol import (
    LINE_MAX,
    Answer,
    End,
    Kind,
    Problem,
    parse_reply,
    request_line,
)
from plugin.errors import DeniedError, OptionError, PeerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.control.protocol import Request

ASK_SECONDS = 10.0
_PIECE = 1 << 16
_GONE = {errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR}
_CLOSED = {errno.EACCES, errno.EPERM}


def ask(path: Path, request: Request, timeout: float = ASK_SECONDS) -> list[dict[str, Any]]:
    """Ask, and give all documents of the answer.

    Args:
        path: the control socket.
        request: what is asked for; not ``watch``, which has no end.
        timeout: seconds to wait for each piece of the answer.

    Raises:
        PeerError: no daemon answers there.
        DeniedError: this user may not ask that, or what is ordered will not be done.
        OptionError: the daemon cannot make sense of what is asked.
    """
    return list(stream(path, request, timeout))


def stream(
    path: Path, request: Request, timeout: float | None = ASK_SECONDS
) -> Iterator[dict[str, Any]]:
    """Ask, and give each document of the answer as it comes.

    Args:
        path: the control socket.
        request: what is asked for.
        timeout: seconds to wait for each piece; None: for ever, as a watcher does.

    Raises:
        As :func:`ask`; PeerError also when the daemon ends before its answer.
    """
    where = str(path)
    with _connected(path, timeout) as connection:
        try:
            connection.sendall(request_line(request))
        except BrokenPipeError:
            pass  # it has said why, and closed
        except ValueError as error:
            raise OptionError(str(error), where=request.ask) from error
        for line in _lines(connection, where):
            try:
                reply = parse_reply(line)
            except ValueError as error:
                raise PeerError(
                    f"does not speak our language: {error}",
                    where=where,
                    advice="is this the socket of a Halia of this version?",
                ) from error
            if isinstance(reply, Problem):
                raise _error(reply, where)
            if reply.id != request.id:
                raise PeerError("answers what nobody asked", where=where)
            if isinstance(reply, End):
                return
            assert isinstance(reply, Answer)
            yield dict(reply.document)
    raise PeerError("the daemon ended before its answer did", where=where, advice="ask again")


@contextmanager
def _connected(path: Path, timeout: float | None) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ASK_SECONDS if timeout is None else timeout)
        try:
            connection.connect(str(path))
        except OSError as error:
            raise _unreachable(path, error) from error
        connection.settimeout(timeout)
        yield connection


def _unreachable(path: Path, error: OSError) -> PeerError | DeniedError:
    if error.errno in _CLOSED:
        return DeniedError(
            f"cannot tell whether a Halia runs here: {error.strerror or error}",
            where=str(path),
            advice="be root, or a member of the group that control.group names",
        )
    if error.errno in _GONE:
        return PeerError(
            "no Halia runs here",
            where=str(path),
            advice="start 'halia run', or name its socket: control.socket, --socket",
        )
    return PeerError(f"the daemon cannot be asked: {error.strerror or error}", where=str(path))


def _lines(connection: socket.socket, where: str) -> Iterator[bytes]:
    rest = b""
    while True:
        try:
            piece = connection.recv(_PIECE)
        except TimeoutError as error:
            raise PeerError("the daemon does not answer", where=where) from error
        except OSError as error:
            raise PeerError(f"the connection broke: {error.strerror}", where=where) from error
        if not piece:
            return
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > LINE_MAX:
            raise PeerError("sends a line without end", where=where)


def _error(problem: Problem, where: str) -> PeerError | DeniedError | OptionError:
    if problem.kind in {Kind.REFUSED, Kind.DENIED}:
        return DeniedError(problem.reason, where=where, advice=problem.advice)
    if problem.kind in {Kind.UNKNOWN, Kind.ARGUMENTS}:
        return OptionError(problem.reason, where=where, advice=problem.advice)
    return PeerError(problem.reason, where=where, advice=problem.advice)

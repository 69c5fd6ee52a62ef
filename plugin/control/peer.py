"""Who is at the other end of a unix socket, as the kernel says: nobody can pretend."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")
_SO_PEERGROUPS = 59
"""Linux 4.13; Python has no name for it."""
_GROUPS_BYTES = 1024
"""Python's getsockopt gives no more."""
_GID = struct.Struct("I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A process that has connected, as it was then."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]
    """All its groups, ``gid`` too."""
    user: str
    """Its user's name; the number where that has none."""


def peer_of(connection: socket.socket) -> Peer:
    """Tell who has connected.

    Raises:
        OSError: the connection is none any more.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    name = _name(uid)
    return Peer(
        pid=pid,
        uid=uid,
        gid=gid,
        groups=frozenset({gid, *_supplementary(connection, name, gid)}),
        user=name or str(uid),
    )


def myself() -> Peer:
    """This process, as a daemon would see it."""
    uid, gid = os.geteuid(), os.getegid()
    return Peer(
        pid=os.getpid(),
        uid=uid,
        gid=gid,
        groups=frozenset({gid, *os.getgroups()}),
        user=_name(uid) or str(uid),
    )


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _supplementary(connection: socket.socket, name: str | None, gid: int) -> list[int]:
    """The groups of the process; those of its user where an old kernel does not tell them."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:
        return os.getgrouplist(name, gid) if name is not None else []
    return [group for (group,) in _GID.iter_unpack(raw)]

"""How one talks to a running lab: one line of JSON each way, over a unix socket in its folder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from plugin.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

SOCKET = "control.sock"
LOCK = "lock"
SPEC = "lab.json"
"""What was asked for, in the lab's folder."""
TOPOLOGY = "topology.yaml"
"""The topology's own text, there too."""
LINE_BYTES_MAX = 1 << 20
ANSWER_SECONDS = 120.0
"""Longest wait for an answer: a broker is started again in less."""
_PATH_BYTES_MAX = 107
_PEER = struct.Struct("3i")


def listen(folder: Path) -> socket.socket:
    """Make the socket of a lab (in its first process)."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / SOCKET))
    (folder / SOCKET).chmod(0o600)
    listener.listen(16)
    return listener


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot hold a lab's sockets.

    Raises:
        LabError: its path is too long, or it lies under /run, which a lab covers.
    """
    longest = folder / "ovs" / f"{'x' * 11}.mgmt"
    if len(str(longest).encode()) > _PATH_BYTES_MAX:
        raise LabError(
            "too long a path for the lab's sockets",
            where=str(folder),
            advice="choose a shorter one",
        )
    if folder.is_relative_to("/run") or folder.is_relative_to("/var/run"):
        raise LabError("a lab has its own /run", where=str(folder), advice="choose another folder")


def hold(folder: Path) -> int | None:
    """Take a folder for a lab; give the lock, which lasts while any process has it open.

    It is passed on to all of the lab's processes: so long as one of them lives, nobody else takes
    the folder or cleans it up. None: somebody has it.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def is_held(folder: Path) -> bool:
    """Whether a lab lives in a folder, be it up, on its way up, or dying."""
    if not (folder / LOCK).exists():
        return False
    lock = hold(folder)
    if lock is not None:
        os.close(lock)
    return lock is None


def ask(folder: Path, request: dict[str, Any], timeout: float = ANSWER_SECONDS) -> dict[str, Any]:
    """Send a request to a lab and give its answer.

    Raises:
        LabError: no lab answers in this folder, or it says what is wrong with the request.
    """
    try:
        with _connect(folder, timeout) as peer:
            peer.sendall(json.dumps(request).encode() + b"\n")
            answer = _line(peer)
    except (OSError, ValueError) as error:
        raise LabError(
            f"the lab does not answer: {error}", where=str(folder), advice="see 'halia lab status'"
        ) from error
    if "error" in answer:
        raise LabError(str(answer["error"]), where=str(request.get("do", folder)))
    return answer


def first_pid(folder: Path) -> int | None:
    """Give the lab's first process as a pid of the caller's; None if no lab runs in the folder.

    The kernel tells who listens on the socket, so no file with a stale number can mislead.
    """
    try:
        with _connect(folder, 5.0) as peer:
            raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    except OSError:
        return None
    pid: int = _PEER.unpack(raw)[0]
    return pid or None


def receive(peer: socket.socket) -> dict[str, Any] | None:
    """Read a request (in the lab's first process); None if there is none."""
    peer.settimeout(5.0)
    try:
        return _line(peer)
    except (OSError, ValueError):
        return None


def reply(peer: socket.socket, answer: dict[str, Any]) -> None:
    """Answer a request; whoever asked may have gone."""
    try:
        peer.sendall(json.dumps(answer).encode() + b"\n")
    except OSError:
        return


def _connect(folder: Path, timeout: float) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(timeout)
    try:
        peer.connect(str(folder / SOCKET))
    except OSError:
        peer.close()
        raise
    return peer


def _line(peer: socket.socket) -> dict[str, Any]:
    """Read one line of JSON that holds an object (ValueError if it does not)."""
    content = b""
    while not content.endswith(b"\n"):
        part = peer.recv(65_536)
        if not part or len(content) > LINE_BYTES_MAX:
            break
        content += part
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - what was read is wrong, not a call
    return document

"""The daemon itself: whether it runs, and what it says of itself."""

from __future__ import annotations

import grp
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import DeniedError, PeerError
from plugin.offline.doctor.check import Check, failed, ok, skipped, warn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugin.settings import Settings


class Daemon(NamedTuple):
    """A Halia on this machine, as far as it can be asked."""

    status: Mapping[str, Any] | None
    """What it says; None: it does not run, or does not tell."""
    problem: PeerError | DeniedError | None = None

    @property
    def may_run(self) -> bool:
        """Whether it runs, or may run without our being let know: then nothing is taken from it."""
        return self.status is not None or isinstance(self.problem, DeniedError)

    @property
    def calls(self) -> int | None:
        """How many switches have called its probe; None: it does not tell."""
        found = (self.status or {}).get("probe")
        calls = found.get("switches") if isinstance(found, dict) else None
        return calls if isinstance(calls, int) else None

    def tells(self, name: str, part: str, remedy: str) -> Check:
        """What it says of one of its parts, as a check.

        Args:
            name: the check's.
            part: the part's name in the status.
            remedy: what to do if the part is in trouble.
        """
        if self.status is None:
            return skipped(name, "cannot tell: a Halia may run here that this user may not ask")
        found = self.status.get(part)
        if not isinstance(found, dict):
            return skipped(name, "a Halia runs, and does not tell how this is")
        problem = found.get("problem")
        if problem or found.get("connected") is False:
            return failed(name, f"the Halia that runs says: {problem or 'not connected'}", remedy)
        return ok(name, "the Halia that runs has it")


def find_daemon(path: Path) -> Daemon:
    """Ask whoever listens on a control socket."""
    try:
        (status,) = ask(path, Request(ask="status"))
    except (PeerError, DeniedError) as error:
        return Daemon(None, error)
    return Daemon(status)


def control(settings: Settings, daemon: Daemon) -> Check:
    """The control socket."""
    name, group = "control socket", settings.control.group
    closed = None if group is None else _closed(settings.control.socket.parent, group)
    if closed is not None:
        return closed
    if daemon.status is not None:
        version, pid = daemon.status.get("version"), daemon.status.get("pid")
        return ok(name, f"Halia {version} runs as process {pid}, and answers")
    assert daemon.problem is not None
    if isinstance(daemon.problem, DeniedError):
        return warn(name, f"{daemon.problem.where}: {daemon.problem.reason}", _GROUP)
    path = settings.control.socket
    if path.exists() and not path.is_socket():
        return failed(name, f"{path} is there, and is no socket", "move it away")
    if path.exists() and "no Halia runs" not in daemon.problem.reason:
        return failed(name, f"{path}: {daemon.problem.reason}", "restart the daemon")
    return skipped(name, f"no Halia runs; it will answer at {path}")


def _closed(folder: Path, group: str) -> Check | None:
    """Why the members of a group cannot reach a socket, if they cannot."""
    name = "control socket"
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        return failed(
            name, f"control.group: there is no group {group}", f"groupadd --system {group}"
        )
    try:
        found = folder.stat()
    except OSError:  # it is not there, and will be made as it should
        return None
    if found.st_mode & stat.S_IXOTH or (found.st_gid == gid and found.st_mode & stat.S_IXGRP):
        return None
    return failed(name, f"members of {group} cannot enter {folder}", f"chmod o+x {folder}")


_GROUP = "be root, or a member of the group that control.group names"

"""The file of a control socket: made with its rights, never taken from a daemon that lives.

A lock beside it says that its daemon lives; the kernel gives it back however the daemon ends.
The socket gets its owner and mode under another name, so it is never open to more than it may.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_MODE, SOCKET_MODE, LOCK_MODE = 0o750, 0o660, 0o600
BACKLOG = 64
PATH_BYTES_MAX = 107
"""Of a unix socket, by the kernel; less what the name for the time being is longer."""
_KEEP = -1
_TRY_SECONDS = 1.0


class Endpoint(NamedTuple):
    """A socket that listens."""

    path: Path
    listener: socket.socket
    lock: int
    inode: int

    def close(self) -> None:
        """Stop listening and remove the file, if it is still ours and we may."""
        self.listener.close()
        with suppress(OSError):
            if self.path.lstat().st_ino == self.inode:
                self.path.unlink()
        with suppress(OSError):
            lock_of(self.path).unlink()
        os.close(self.lock)


def lock_of(path: Path) -> Path:
    """The lock of a socket."""
    return path.with_name(f"{path.name}.lock")


def open_endpoint(path: Path, *, owner: int | None, group: int | None) -> Endpoint:
    """Make the socket and listen.

    Args:
        path: where; its folder is made if it is missing.
        owner: uid that gets the socket and a folder made here; None: this process's.
        group: the same for the gid; its members may connect.

    Raises:
        OutputError: a daemon lives there, or something else is in the way.
    """
    path = path.absolute()
    part = path.with_name(f".{path.name}.{os.getpid()}")
    if len(os.fsencode(part)) > PATH_BYTES_MAX:
        raise OutputError(
            "too long a path for a socket", where=str(path), advice="set control.socket shorter"
        )
    owned = (_KEEP if owner is None else owner, _KEEP if group is None else group)
    try:
        _make_folder(path.parent, *owned)
        lock = _hold(path)
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        _check_free(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            inode = _listen(listener, part, path, owned)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        os.close(lock)
        raise _cannot(path, error) from error
    except OutputError:
        os.close(lock)
        raise
    return Endpoint(path, listener, lock, inode)


def _listen(listener: socket.socket, part: Path, path: Path, owned: tuple[int, int]) -> int:
    part.unlink(missing_ok=True)  # of an earlier process with this pid
    # Nobody can connect before listen(), whoever owns it until then. By name it is only given away
    # where no link is followed: in a folder of the owner's, he may have put one in its place.
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listener.bind(str(part))
    finally:
        os.umask(before)
    try:
        os.chown(part, *owned, follow_symlinks=False)
        listener.listen(BACKLOG)
        inode = part.lstat().st_ino
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return inode


def _make_folder(folder: Path, owner: int, group: int) -> None:
    if folder.is_dir():
        return
    folder.mkdir()
    made = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(made, FOLDER_MODE)
        os.fchown(made, owner, group)
    finally:
        os.close(made)


def _hold(path: Path) -> int:
    """Take the lock: the one whose name is there, not one that was just removed."""
    place = lock_of(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        lock = os.open(place, flags, LOCK_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.fstat(lock).st_ino == place.stat().st_ino:
                    return lock
        except BlockingIOError as error:
            os.close(lock)
            raise _taken(path) from error
        except OSError:
            os.close(lock)
            raise
        os.close(lock)


def _check_free(path: Path) -> None:
    """Refuse what is no socket, and one at which somebody answers without having the lock."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OutputError("is there, and is no socket", where=str(path), advice="move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_TRY_SECONDS)
        try:
            probe.connect(str(path))
        except OSError as error:
            if error.errno in {errno.ECONNREFUSED, errno.ENOENT}:
                return
            raise
    raise _taken(path)


def _taken(path: Path) -> OutputError:
    return OutputError(
        "another Halia serves here",
        where=str(path),
        advice="stop it, or set control.socket to another place",
    )


def _cannot(path: Path, error: OSError) -> OutputError:
    advice = None
    if error.errno == errno.EPERM:
        advice = "only root, or a member of the group that control.group names, can give it that"
    return OutputError(
        f"the control socket cannot be made: {error.strerror or error}",
        where=str(path),
        advice=advice,
    )

"""From root to an ordinary user, for good, once the socket is open."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import stat
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from plugin.durable import FOLDER_MODE
from plugin.errors import OptionError, OutputError

_PARENT_MODE = 0o755
_OTHERS = 0o022
_HANDLE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_PR_SET_KEEPCAPS = 8
_CAP_NET_RAW = 13
_CAPABILITY_VERSION_3 = 0x20080522


class Account(NamedTuple):
    """Whom to become."""

    name: str
    uid: int
    gid: int


def find_account(text: str) -> Account:
    """Read ``USER`` or ``USER:GROUP``; numbers too.

    Raises:
        OptionError: there is no such user or group, or it is root.
    """
    user, colon, group = text.partition(":")
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        gid = entry.pw_gid
        if colon:
            gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise OptionError("no such user or group", where=f"--user {text}") from error
    if entry.pw_uid == 0:
        raise OptionError("that is root", where=f"--user {text}", advice="name another user")
    return Account(entry.pw_name, entry.pw_uid, gid)


def make_folder(account: Account | None, folder: Path) -> None:
    """Make a folder if it is not there, open to its owner and group only; leave one that is.

    Root touches nothing in a folder that is the account's, who may have put links there: what is
    missing in it, the account makes itself, once privileges are dropped.

    Args:
        account: Whose it is to be; None: this process's own.
        folder: The folder; parents that are missing are made too.

    Raises:
        OutputError: a link stands in the way, or it cannot be made.
    """
    folder = folder.absolute()
    try:
        if account is None:
            folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        else:
            _walk(account, folder)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", where=str(folder)) from error


def check_owned(account: Account, folder: Path) -> None:
    """Refuse a folder with files that the account cannot use; call it as the account.

    Raises:
        OutputError: something there is another's, and may not be read or written.
    """
    _check_entered(account, folder)
    for place, folders, files in os.walk(folder):
        for path in (Path(place), *(Path(place, name) for name in (*folders, *files))):
            with suppress(FileNotFoundError):
                uid = path.lstat().st_uid
                if uid != account.uid and not _may(path, os.R_OK | os.W_OK):
                    raise _anothers(account, uid, path, folder)


def _check_entered(account: Account, folder: Path) -> None:
    """Refuse a folder of another's that the account cannot use: what is in it nobody would see."""
    if _may(folder, os.R_OK | os.W_OK | os.X_OK):
        return
    try:
        uid = folder.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise OutputError(
            f"cannot be reached by {account.name}",
            where=str(folder),
            advice="let it enter all folders above, or name another folder",
        ) from error
    if uid != account.uid:
        raise _anothers(account, uid, folder, folder)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def drop(account: Account, *, keep_raw: bool = False) -> None:
    """Become the account: no other groups, no capabilities, no way back.

    Call it before other threads begin: only this one, and those it starts, keep CAP_NET_RAW.

    Args:
        account: Whom to become.
        keep_raw: Keep CAP_NET_RAW, to open an interface again that was away.

    Raises:
        OptionError: this process is not root and cannot.
    """
    if os.geteuid() != 0:
        raise OptionError("only root can become another user", where=f"--user {account.name}")
    if keep_raw:
        _call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if keep_raw:
        _keep_only_raw()
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise AssertionError("privileges were dropped and came back")


def _walk(account: Account, folder: Path) -> None:
    """Go down from the root folder by handles, so that nothing can be exchanged on the way."""
    at = os.open(folder.anchor, _HANDLE)
    try:
        for number, name in enumerate(folder.parts[1:], 2):
            path, holder = Path(*folder.parts[:number]), os.fstat(at)
            if holder.st_uid == account.uid:
                if folder.is_symlink():
                    raise _link(path.parent, folder)
                return
            made = False
            try:
                kind = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
            except FileNotFoundError:
                os.mkdir(name, FOLDER_MODE if path == folder else _PARENT_MODE, dir_fd=at)
                made, kind = True, stat.S_IFDIR
            # Root's own links may stay, such as /var/run; nobody else can have put them there.
            follow = stat.S_ISLNK(kind) and holder.st_uid == 0 and not holder.st_mode & _OTHERS
            if stat.S_ISLNK(kind) and not follow:
                raise _link(path.parent, path)
            inner = os.open(name, _HANDLE if follow else _HANDLE | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
            if made and path == folder:
                os.chown(f"/proc/self/fd/{at}", account.uid, account.gid)
    finally:
        os.close(at)


def _link(holder: Path, link: Path) -> OutputError:
    return OutputError(
        f"is a link, which not only root could have put into {holder}",
        where=str(link),
        advice="remove it, or name the folder that it leads to",
    )


def _anothers(account: Account, uid: int, path: Path, folder: Path) -> OutputError:
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = str(uid)
    return OutputError(
        f"belongs to {owner}, not to {account.name}",
        where=str(path),
        advice=f"look at what is there, then 'chown -hR {account.uid}:{account.gid} {folder}',"
        " or name another folder",
    )


def _keep_only_raw() -> None:
    """Give up all capabilities that were kept but CAP_NET_RAW (capset(2), version 3)."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    raw = 1 << _CAP_NET_RAW
    _call("capset", header, struct.pack("=6I", raw, raw, 0, 0, 0, 0))


def _call(name: str, *arguments: bytes | int) -> None:
    words = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*words):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")

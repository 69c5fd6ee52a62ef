"""From root to an ordinary user, for good, once the socket is open."""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import OptionError, OutputError

if TYPE_CHECKING:
    from pathlib import Path


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


def give(account: Account, *folders: Path) -> None:
    """Make folders, with all in them, an account's; links are not followed.

    Raises:
        OutputError: that is not permitted here.
    """
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            try:
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
            except OSError as error:
                raise OutputError(
                    f"cannot be given to {account.name}: {error.strerror}", where=str(path)
                ) from error


def drop(account: Account) -> None:
    """Become the account: no other groups, no capabilities, no way back.

    Raises:
        OptionError: this process is not root and cannot.
    """
    if os.geteuid() != 0:
        raise OptionError("only root can become another user", where=f"--user {account.name}")
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise AssertionError("privileges were dropped and came back")

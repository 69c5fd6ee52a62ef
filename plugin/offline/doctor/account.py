"""Looking with the eyes of the user that the daemon becomes (``run.user``)."""

from __future__ import annotations

import os
import pwd
from contextlib import contextmanager
from typing import TYPE_CHECKING

from plugin.capture.privileges import Account, find_account
from plugin.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.settings import Settings


def account_of(settings: Settings) -> Account:
    """Whom the daemon will be: ``run.user`` if we are root and there is one, else who we are."""
    name = settings.run.user
    if name is not None and os.geteuid() == 0:
        try:
            return find_account(name)
        except OptionError:  # the check of the user says so
            pass
    uid = os.geteuid()
    try:
        own = pwd.getpwuid(uid).pw_name
    except KeyError:
        own = str(uid)
    return Account(own, uid, os.getegid())


@contextmanager
def seen_by(account: Account) -> Iterator[None]:
    """Be a user for a while, as far as files are asked; only root becomes another one."""
    if os.geteuid() == account.uid:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])  # as the daemon, which has none besides
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def may(path: str | os.PathLike[str], mode: int) -> bool:
    """Whether who we are now may do that with a file; not whom we began as."""
    return os.access(path, mode, effective_ids=True)

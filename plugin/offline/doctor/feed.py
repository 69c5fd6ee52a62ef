"""Faucet's event socket. Only one may read it: a Halia that runs is asked, and not disturbed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.offline.doctor.account import account_of, may
from plugin.offline.doctor.check import Check, failed, ok, skipped, warn

if TYPE_CHECKING:
    from plugin.offline.doctor.daemon import Daemon
    from plugin.settings import Settings

NAME = "event feed"
_CONNECTED = frozenset({"02", "03"})
"""Connecting and connected, as the kernel's list has them."""
_COLUMNS = 8
_TABLE = Path("/proc/net/unix")


def feed(settings: Settings, daemon: Daemon, table: Path = _TABLE) -> Check:
    """Whether events can be had.

    Args:
        settings: of the run.
        daemon: the Halia that runs, if one does.
        table: the kernel's list of unix sockets.
    """
    path = settings.faucet.socket
    if daemon.may_run:
        return daemon.tells(NAME, "feed", "is Faucet up? see its log")
    if settings.faucet.events != "socket":
        return skipped(NAME, f"faucet.events is {settings.faucet.events}: no socket is read")
    if not path.is_socket():
        there = "is no socket" if path.exists() else "is not there"
        return failed(
            NAME,
            f"{path} {there}",
            f"start Faucet with FAUCET_EVENT_SOCK={path}, or set faucet.socket to where it is",
        )
    if not may(path, os.R_OK | os.W_OK):
        return failed(
            NAME,
            f"{path} may not be read by {account_of(settings).name}",
            "run Halia as Faucet's user or as root, or give the socket a group that both are in",
        )
    states = _states(path, table)
    if not states:
        return warn(
            NAME,
            f"{path} is there, but nobody in this network namespace serves it",
            "is Faucet up? Where it runs in a container, look there who reads its socket",
        )
    return _taken(path) if states & _CONNECTED else ok(NAME, f"{path}: nobody else reads it")


def _states(path: Path, table: Path) -> set[str]:
    """The states of the sockets of that name, as the kernel lists them.

    To connect would tell more, but Faucet notices that a reader has left only with its next
    event: until then nobody else could read, for no other reason than that we looked.
    """
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return set()
    rows = (line.split(maxsplit=_COLUMNS - 1) for line in lines)
    real = path.resolve()
    return {row[5] for row in rows if len(row) == _COLUMNS and Path(row[7]).resolve() == real}


def _taken(path: Path) -> Check:
    return failed(
        NAME,
        f"{path}: somebody else reads it, and Faucet serves only one",
        "end that reader (fuser shows it; of one that has left Faucet learns with its next event);"
        " beside Poseidon set faucet.events to rabbitmq",
    )

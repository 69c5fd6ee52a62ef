"""Whether who the daemon will be can isolate: write beside faucet.yaml, and tell Faucet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.errors import FaucetFileError
from plugin.faucet import files
from plugin.offline import faucet
from plugin.offline.doctor.account import account_of, seen_by
from plugin.offline.doctor.check import Check, failed, ok, skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.capture.privileges import Account
    from plugin.offline.faucet import Place
    from plugin.settings import Settings

NAME = "isolation"


def isolation(settings: Settings, proc: Path = files.PROC) -> Check:
    """Whether an isolation could be written, and Faucet told of it.

    Args:
        settings: of the run to come.
        proc: where the kernel shows processes.
    """
    if settings.isolation.adapter == "dry-run":
        return skipped(NAME, "isolation.adapter is dry-run: nothing is written")
    if settings.isolation.adapter == "confrpc":
        return skipped(NAME, "isolation.adapter is confrpc: faucetconfrpc writes, not Halia")
    try:
        place = faucet.read_place(settings.faucet.config)
    except FaucetFileError:
        return skipped(NAME, "no faucet.yaml can be read")
    if place.journal is None:
        return skipped(NAME, "the hook is not installed")
    account = account_of(settings)
    problems = list(_unwritable(place, account))
    if settings.isolation.adapter == "sighup":
        problems += _deaf(place.root, account, proc)
    if not problems:
        return ok(NAME, f"{account.name} may write beside {place.root.name}, and tell Faucet")
    return failed(
        NAME,
        f"{account.name} cannot isolate anybody: {'; '.join(problems)}",
        f"run Halia as Faucet's own user, and 'chown {account.name} {place.root.parent}"
        f" {place.root.parent}/halia_*': see docs/run.md",
    )


def _unwritable(place: Place, account: Account) -> Iterator[str]:
    """Say what of that which isolations change may not be written."""
    with seen_by(account):
        why = files.why_unwritable(place.include)
    if why is not None:
        yield why


def _deaf(root: Path, account: Account, proc: Path) -> Iterator[str]:
    """Say why Faucet could not be signalled, if one is seen from here."""
    running = files.find_faucet(root, proc)
    if running is None or account.uid == 0:
        return
    owner = (proc / str(running.pid)).stat().st_uid
    if owner != account.uid:
        yield (
            f"Faucet (process {running.pid}) is another user's and cannot be signalled"
            " (isolation.adapter: stat needs no signal)"
        )

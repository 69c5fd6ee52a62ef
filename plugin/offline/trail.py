"""What the journal knows of cases and devices, and writing to it, without a daemon."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from plugin.audit.journal import Fault, Journal, entries, segments
from plugin.control.whom import Known, whom
from plugin.errors import DeniedError, HaliaError, InputError
from plugin.policy.remembered import from_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from plugin.audit.journal import Draft

DECISION = "decision"
ENFORCED = frozenset({"isolating", "isolated"})
"""States of a case whose rules are to stand at the switches."""
LIVE = ENFORCED | {"releasing", "delayed", "pending"}
"""States of a case that a release ends."""

Document = dict[str, Any]


class Remembered(NamedTuple):
    """What the journal knows."""

    cases: Mapping[int, Document]
    """By number, each as it was last."""
    devices: Sequence[Known]


class Trail:
    """A journal that is held, so that nobody else writes it; use it in a ``with`` statement."""

    def __init__(self, folder: Path) -> None:
        """Take it, and read it.

        Args:
            folder: where it stands. Its owner writes it, whoever we are: root leaves no file there
                that a daemon of less rights cannot open.

        Raises:
            JournalHeld: a process writes it.
            HaliaError: there is none, or it cannot be read.
        """
        self._folder = folder
        with _as_owner(folder):
            try:
                there = segments(folder)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror}", where=str(folder)) from error
            if not there:
                raise InputError("no journal stands there", where=str(folder), advice="run.state?")
            self._journal = Journal(folder)
            try:
                self.known = remembered(folder)
            except HaliaError:
                self._journal.close()
                raise

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._journal.close()

    def append(self, drafts: Sequence[Draft]) -> None:
        """Write entries.

        Raises:
            JournalError: they cannot be written; none was.
        """
        if drafts:
            with _as_owner(self._folder):
                self._journal.append_all(drafts)


def remembered(folder: Path) -> Remembered:
    """Read what a journal knows of cases and devices.

    Raises:
        InputError: it cannot be read.
    """
    cases: dict[int, Document] = {}
    devices: dict[str, Known] = {}
    for entry in entries(folder):
        if isinstance(entry, Fault):
            continue  # what is not whole tells nothing; 'halia audit verify' tells that
        case = entry.body.get("case")
        if entry.kind == DECISION and isinstance(case, dict):
            # One that cannot be read no start takes up again: there is nothing to end.
            with suppress(ValueError):
                cases[from_document(case).number] = case
        elif entry.kind == "device":
            mac, name = str(entry.body.get("mac")), entry.body.get("name")
            found = entry.body.get("addresses")
            addresses = tuple(map(str, found)) if isinstance(found, list) else ()
            devices[mac] = Known(mac, addresses, None if name is None else str(name))
    return Remembered(cases, tuple(devices.values()))


def meant(device: str, known: Remembered, isolated: frozenset[str]) -> str:
    """Find the MAC address of the isolated device that somebody means.

    Args:
        device: its MAC address, IP address or name.
        known: what the journal knows.
        isolated: MACs of the devices that Faucet's files isolate.

    Raises:
        DeniedError: it could be more than one, or it is not isolated.
    """
    live = [case for case in known.cases.values() if case["state"] in LIVE]
    gone = [Known(case["mac"], case["addresses"]) for case in live]
    devices = {one.mac: one for one in (*gone, *known.devices)}
    mac = whom(device, devices.values())
    if mac is None or mac not in {case["mac"] for case in live} | isolated:
        raise DeniedError("is not isolated", where=mac or device, advice="see 'halia audit show'")
    return mac


def ending(known: Remembered, mac: str | None) -> list[Document]:
    """Give the cases that end with a device's; None: all. Who inherited an isolation ends too."""
    live = [case for case in known.cases.values() if case["state"] in LIVE]
    chosen = [case for case in live if mac in {None, case["mac"]}]
    numbers = {case["number"] for case in chosen}
    heirs = [c for c in live if c["parent"] in numbers and c["number"] not in numbers]
    return [*chosen, *heirs]


@contextmanager
def _as_owner(folder: Path) -> Iterator[None]:
    """Be whom the folder belongs to, if we are root: he may have put links there to follow."""
    owner = folder.stat() if os.geteuid() == 0 and folder.is_dir() else None
    if owner is None or owner.st_uid == 0:
        yield
        return
    group = os.getegid()
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)

"""Who is isolated while no daemon runs, as the journal and Faucet's files have it; only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import HaliaError
from plugin.faucet import files
from plugin.offline.faucet import read_place
from plugin.offline.freeing import isolated
from plugin.offline.trail import LIVE, Remembered, ending, meant, remembered

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.offline.trail import Document

STANDS = LIVE - {"delayed", "pending"}
"""States of a case of which something may stand at the switches."""
_NOTHING = Remembered({}, ())


class Standing(NamedTuple):
    """What is decided, as far as it could be read."""

    cases: tuple[Document, ...]
    """As the journal had them last, with ``name``; a note says whom Faucet's files do not have."""
    caseless: tuple[str, ...]
    """MACs that Faucet's files isolate, and of whom the journal knows nothing."""
    unread: tuple[HaliaError, ...]
    """What could not be read."""
    known: Remembered | None
    """What the journal knows; None: it could not be read."""

    def hit(self, device: str | None) -> tuple[list[Document], tuple[str, ...]]:
        """Whom a release hits: cases, and MACs without one.

        Args:
            device: its MAC address, IP address or name; None: all.

        Raises:
            DeniedError: it could be more than one, or it is not isolated.
        """
        known = self.known or _NOTHING
        mac = None if device is None else meant(device, known, frozenset(self.caseless))
        numbers = {case["number"] for case in ending(known, mac)}
        cases = [case for case in self.cases if case["number"] in numbers]
        return cases, tuple(one for one in self.caseless if mac in {None, one})


def standing(config: Path, journal: Path) -> Standing:
    """Read who is isolated; what cannot be read is told beside the rest.

    Args:
        config: the root faucet.yaml.
        journal: the folder of the journal.
    """
    unread: list[HaliaError] = []
    known, in_files = None, None
    try:
        known = remembered(journal)
    except HaliaError as error:
        unread.append(error)
    try:
        in_files = _isolated(config)
    except HaliaError as error:
        unread.append(error)
    devices, told = (known or _NOTHING).devices, (known or _NOTHING).cases
    names = {one.mac: one.name for one in devices}
    cases = [
        {**_noted(case, in_files), "name": names.get(case["mac"])}
        for _, case in sorted(told.items())
    ]
    held = {case["mac"] for case in cases if case["state"] in STANDS}
    return Standing(
        tuple(cases), tuple(sorted((in_files or frozenset()) - held)), tuple(unread), known
    )


def _isolated(config: Path) -> frozenset[str]:
    place = read_place(config)
    if place.journal is None:
        return frozenset()
    if place.include.is_file():
        files.read_text(place.include)  # of one that may not be read nothing is known
    return isolated(place)


def _noted(case: Document, in_files: frozenset[str] | None) -> Document:
    if case["state"] not in STANDS or in_files is None or case["mac"] in in_files:
        return case
    return {**case, "notes": [*case["notes"], "Faucet's files have nothing of it"]}

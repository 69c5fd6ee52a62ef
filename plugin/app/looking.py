"""Faucet's files as they stand, read again only when one of them has changed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.errors import FaucetFileError
from plugin.faucet import files
from plugin.faucet.coverage import Coverage, coverage
from plugin.faucet.ground import Ground, ground
from plugin.faucet.moves import Move, standing
from plugin.faucet.tree import Tree, UnreadableError
from plugin.offline.faucet import JOURNAL, dp_names, read_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.faucet.hook import Layout
    from plugin.faucet.install import Journal
    from plugin.offline.faucet import Place

OURS_MOST = 4 << 20
"""Bytes of our include: a larger one is not ours, and its beginning says enough."""
Stamps = tuple[tuple[int, int, int] | None, ...]
"""Of each file: when it was changed, its size, and which one it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Faucet's files as they were looked at."""

    place: Place
    found: Coverage
    names: Mapping[int, str] = field(default_factory=dict)
    """Switches by datapath id."""
    ground: Ground
    ours: str | None
    """The text of our include; None: it is not there."""
    moves: tuple[Move, ...] = ()
    """Ports that are in another VLAN now because we put them there."""
    recorded: bool = True
    """Whether a way back can be kept beside the root file."""

    @property
    def layout(self) -> Layout | None:
        """What is installed, as its journal says."""
        return self.place.journal.layout if self.place.journal is not None else None

    @property
    def remediation(self) -> bool:
        """Whether a remediation port is installed."""
        return self.place.journal is not None and self.place.journal.remediation

    def texts(self, ours: str, root: str) -> dict[Path, str]:
        """All that Faucet would read, with our include and the root file as given."""
        others = {Path(path): text for path, text in self.place.included.items()}
        return {self.place.root: root, **others, self.place.include: ours}


class Looking:
    """Looks at Faucet's files.

    Args:
        config: The faucet.yaml.
    """

    def __init__(self, config: Path) -> None:
        self._config = config
        self._looked: Looked | None = None
        self._stamps: Stamps = ()

    def look(self) -> Looked:
        """Read the files; only if one of them has changed, for a large one takes a while.

        Raises:
            FaucetFileError: one cannot be read, or is no configuration.
        """
        if self._looked is not None and not self.changed():
            return self._looked
        self._looked = None
        place = read_place(self._config)
        stamps = _stamps(place)
        ours, ignored = text_of(place.include), frozenset[int]()
        record = None
        if place.journal is not None:
            ignored, record = place.journal.layout.ignored_vlans, place.journal.revlans
        try:
            where = ground(place.text, place.included, place.journal)
            found = coverage(place.text, place.included, ours, place.include.name, ignored)
            moves = standing(Tree(place.text), record) if record is not None else []
        except UnreadableError as error:
            raise FaucetFileError(str(error), where=str(place.root)) from error
        looked = Looked(
            place=place,
            found=found,
            names=dp_names(place.text),
            ground=where,
            ours=ours,
            moves=tuple(moves),
            recorded=os.access(place.root.parent, os.W_OK),
        )
        # Ours was read after its stamp was taken; the others were read before theirs.
        self._looked, self._stamps = looked, stamps if _is_current(place) else ()
        return looked

    def changed(self) -> bool:
        """Tell whether what was read has changed: a handful of ``stat`` calls."""
        return self._looked is not None and _stamps(self._looked.place) != self._stamps

    def wrote(self) -> None:
        """Note that we wrote our include: if that is all, nothing else needs to be read again."""
        if self._looked is None:
            return
        if self._looked.found.problems or self._looked.ours is None:
            self._looked = None  # what was wrong may be right now
            return
        stamps = _stamps(self._looked.place)
        if stamps[1:] == self._stamps[1:]:  # ours is the first
            # Read again, for somebody may have written over it at once.
            try:
                ours = text_of(self._looked.place.include)
            except FaucetFileError:  # told when all is read again
                self._looked = None
                return
            self._looked, self._stamps = replace(self._looked, ours=ours), stamps


def text_of(path: Path) -> str | None:
    """Read our include; bytes that are no text are foreign whatever they say.

    None: there is no file, be it that there is nothing, or a folder, or a link to nowhere.
    """
    try:
        if not path.is_file():
            return None
        return files.read_bytes(path, OURS_MOST).decode("utf-8", errors="replace")
    except OSError as error:
        raise FaucetFileError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _is_current(place: Place) -> bool:
    texts = {str(place.root): place.text, **place.included}
    return all(text_of(Path(path)) == text for path, text in texts.items())


def _places(place: Place) -> list[Path]:
    return [place.include, place.root, place.root.parent / JOURNAL, *map(Path, place.included)]


def _stamps(place: Place) -> Stamps:
    return tuple(_stamp(file) for file in _places(place))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def installation(place: Place) -> Journal | None:
    """Give what is installed, whichever ports are moved."""
    return None if place.journal is None else place.journal._replace(revlans=None)

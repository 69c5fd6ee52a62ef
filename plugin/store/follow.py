"""A store brought up to its journal, or made anew from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.audit.chain import Entry
from plugin.audit.journal import entries
from plugin.store.database import StoreDamaged, StoreError, place, set_aside
from plugin.store.state import Store, StoreDiffers

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.store.state import Retention

_AT_ONCE = 1_000
"""Entries in one transaction."""


class Followed(NamedTuple):
    """A store that is where its journal is."""

    store: Store
    """Open; whoever asked for it closes it."""
    anew: str | None
    """Why it was made anew, in a line; None if it was not."""


def follow(
    url: str | Path, folder: Path, *, retention: Retention | None = None, own: bool = False
) -> Followed:
    """Open a store and bring it up to its journal; make it anew if it is of another.

    Args:
        url: The store; see :func:`plugin.store.database.place`.
        folder: The journal.
        retention: How many rows are kept.
        own: The file is nobody else's: one of SQLite that is damaged, or no database, is set
            aside (renamed ``.damaged-N``) and made anew too.

    Raises:
        StoreDamaged: SQLite's file is damaged, and may be somebody else's.
        StoreError: it cannot be used, or the journal is not whole.
        InputError: there is no journal, or it cannot be read.
    """
    try:
        store = Store(url, retention=retention)
        _or_close(store, folder)
    except (StoreDiffers, StoreDamaged) as error:
        if isinstance(error, StoreDamaged) and not own:
            raise
        return renew(url, folder, error, retention=retention)
    return Followed(store, None)


def renew(
    url: str | Path,
    folder: Path,
    why: StoreDiffers | StoreDamaged,
    *,
    retention: Retention | None = None,
) -> Followed:
    """Make a store anew that cannot be read; a damaged file is kept under another name.

    Args:
        url: The store, which nobody has open.
        folder: The journal.
        why: What came when it was opened or read.
        retention: How many rows are kept.

    Raises:
        StoreError: it cannot be used or set aside, or the journal is not whole.
        InputError: there is no journal, or it cannot be read.
    """
    kept = ""
    if isinstance(why, StoreDamaged):
        next(entries(folder), None)  # as in rebuild
        kept = f"; the file was set aside as {set_aside(place(url))}"
    store = rebuild(url, folder, retention=retention)
    return Followed(store, f"{why.reason}{kept}; it was made anew")


def rebuild(url: str | Path, folder: Path, *, retention: Retention | None = None) -> Store:
    """Drop what a store holds, and make it anew from the journal.

    Raises:
        StoreError: it cannot be used, or the journal is not whole.
        InputError: there is no journal, or it cannot be read.
    """
    next(entries(folder), None)  # a store is not dropped for a journal that cannot be read
    store = Store(url, retention=retention, anew=True)
    _or_close(store, folder)
    return store


def catch_up(store: Store, folder: Path) -> None:
    """Take into a store what its journal has beyond it, as after a time without the store.

    Raises:
        StoreDiffers: it is not this journal's.
        StoreError: it cannot be written, or the journal is not whole.
        InputError: there is no journal, or it cannot be read.
    """
    # The entry where the store stands is read again: it shows whether this is its journal.
    position = store.position()
    some: list[Entry] = []
    met = position == 0
    for entry in entries(folder, after=max(0, position - 1)):
        if not isinstance(entry, Entry):
            raise StoreError(
                f"the store cannot be made: the journal is not whole: {entry}",
                where=str(folder),
                advice="look at it with 'halia audit verify', move it away, begin a new one",
            )
        met = met or entry.number == position
        some.append(entry)
        if len(some) == _AT_ONCE:
            store.apply(some)
            some.clear()
    if not met:
        raise store.differs(f"it is at entry {position}, which the journal has not")
    store.apply(some)


def _or_close(store: Store, folder: Path) -> None:
    try:
        catch_up(store, folder)
    except BaseException:
        store.close()
        raise

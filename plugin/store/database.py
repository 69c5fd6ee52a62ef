"""Databases that hold a store, and what goes wrong with them, in one error.

SQLite, in a file of Halia's own, where nothing else is said; PostgreSQL or MariaDB by URL.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from plugin.durable import open_new
from plugin.errors import OutputError, install_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

_DRIVERS = {
    "sqlite": ("sqlite", "live"),
    "postgresql": ("postgresql+psycopg", "postgresql"),
    "mariadb": ("mariadb+pymysql", "mariadb"),
    "mysql": ("mariadb+pymysql", "mariadb"),
}
"""What the beginning of a URL stands for, and the extra that brings it."""
_PATIENCE = 5
"""Seconds to wait for a server, or for another process that writes the same file."""
_ANEW = "move it away, and it is made anew from the journal ('halia audit project')"
_REMEDIES = (
    ("not a database", f"this is no store of Halia's: {_ANEW}"),
    ("malformed", _ANEW),
    ("locked", "another process writes it: end that one, or name another file in store.url"),
    ("readonly", "let the user that Halia runs as write the file and its folder"),
    ("unable to open", "let the user that Halia runs as write the file and its folder"),
    ("full", "free space there; the store catches up from the journal"),
    ("disk i/o", f"look at the disk; then {_ANEW}"),
)
"""What SQLite says, and what to do about it."""


_DAMAGED = ("not a database", "malformed", "could not decode")
"""What SQLite says of a file that is none of its own, or no longer whole."""


class StoreError(OutputError):
    """The store cannot be opened, read or written; the journal has what it would have held."""


class StoreDamaged(StoreError):  # noqa: N818 - it says what the store is
    """SQLite's file is not whole, or no database at all: set it aside, and make it anew."""


def place(url: str | Path) -> URL:
    """The URL of a store.

    Args:
        url: A file, for SQLite; or ``sqlite:///FILE``, ``postgresql://…``, ``mariadb://…``.

    Raises:
        StoreError: it is none of them.
    """
    if isinstance(url, Path):
        return URL.create("sqlite", database=str(url))
    try:
        found = make_url(url)
    except (SQLAlchemyError, ValueError) as error:  # its text may hold a password: it is not told
        raise StoreError(
            "is no URL such as sqlite:////FILE, postgresql://…, mariadb://…", where="store.url"
        ) from error
    driver = _DRIVERS.get(found.get_backend_name())
    if driver is None:
        raise StoreError(
            f"{found.get_backend_name()} is no kind of store",
            where="store.url",
            advice="sqlite, postgresql or mariadb",
        )
    return found.set(drivername=driver[0])


def connect(url: URL) -> Engine:
    """An engine for a store; SQLite's file is made if it is not there.

    Raises:
        StoreError: its driver is not installed, or the file cannot be made.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite:
        _make_file(url)
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=not sqlite,
            connect_args={"timeout" if sqlite else "connect_timeout": _PATIENCE},
        )
    except ModuleNotFoundError as error:
        raise _not_installed(url, error) from error
    if sqlite:
        event.listen(engine, "connect", _tune)
    return engine


def load_driver(url: str | Path) -> None:
    """Import the driver of a store, and nothing else.

    Raises:
        StoreError: as :func:`place`; or it is not installed.
    """
    found = place(url)
    try:
        found.get_dialect().import_dbapi()
    except ModuleNotFoundError as error:
        raise _not_installed(found, error) from error


def _not_installed(url: URL, error: ModuleNotFoundError) -> StoreError:
    extra = _DRIVERS[url.get_backend_name()][1]
    return StoreError(
        f"{error.name} is not installed", where=shown(url), advice=install_extra(extra)
    )


@contextmanager
def told(url: URL) -> Iterator[None]:
    """Turn what a database or its driver raises into a StoreError."""
    try:
        yield
    except SQLAlchemyError as error:
        orig = error.orig if isinstance(error, DBAPIError) else None
        text = (str(error if orig is None else orig).splitlines() or ["no reason given"])[0]
        sqlite = url.get_backend_name() == "sqlite"
        damaged = sqlite and any(word in text.lower() for word in _DAMAGED)
        raise (StoreDamaged if damaged else StoreError)(
            f"the store cannot be used: {text}", where=shown(url), advice=_remedy(url, text)
        ) from error


def shown(url: URL) -> str:
    """A store's place as people are told it: its file, or its URL without the password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return url.render_as_string(hide_password=True)


def set_aside(url: URL) -> Path:
    """Rename SQLite's file, and those beside it; gives its new name, which nothing had.

    Raises:
        StoreError: it cannot be renamed.
    """
    file = Path(str(url.database))
    names = (file.with_name(f"{file.name}.damaged-{number}") for number in count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    try:
        for end in ("-wal", "-shm", ""):  # what a new file found beside it would be played into it
            part = file.with_name(file.name + end)
            if os.path.lexists(part):
                part.rename(kept.with_name(kept.name + end))
    except OSError as error:
        raise StoreError(
            f"the store is damaged, and cannot be set aside: {error.strerror}", where=str(file)
        ) from error
    return kept


def _remedy(url: URL, text: str) -> str:
    if url.get_backend_name() != "sqlite":
        return "look whether the server is up, and at user, password and database in store.url"
    return next((do for word, do in _REMEDIES if word in text.lower()), _ANEW)


def _make_file(url: URL) -> None:
    """SQLite would make it with rights for everyone; its other files take those of this one."""
    if url.database in {None, "", ":memory:"}:
        return
    try:
        os.close(open_new(Path(str(url.database))))
    except FileExistsError:  # and it is not opened: closing it would let go of SQLite's locks
        return
    except OSError as error:
        raise StoreError(
            f"the store cannot be opened: {error.strerror}",
            where=shown(url),
            advice="let the user that Halia runs as write the file and its folder",
        ) from error


def _tune(connection: Any, _: object) -> None:
    # Readers do not wait for the writer. What a loss of power takes is made again from the journal.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")

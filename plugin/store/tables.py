"""The tables of the store. All times are seconds since 1970-01-01 UTC, as in the journal.

Their names begin with ``halia_``, for a server's database may hold others' tables too. ``number``
is that of the journal's entry that a row was made from: it grows, and nothing has it twice.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT

FORMAT = 2
"""Of these tables; a store of another format is made anew."""
MAC_MAX, NAME_MAX, ID_MAX, STATE_MAX = 17, 255, 64, 16
"""Characters of a device's address, of names (a file's has no more), of ids, of a case's state."""

_DOCUMENT = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
_BINARY: dict[str, Any] = {
    # Without it MariaDB holds two names for one that differ in case or accents only.
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}

METADATA = MetaData()


def _mac(*, key: bool = False) -> Column[str]:
    return Column("mac", String(MAC_MAX), primary_key=key, nullable=False)


def _number(*, key: bool = True) -> Column[int]:
    return Column("number", BigInteger, primary_key=key, autoincrement=False, nullable=False)


POSITION = Table(
    "halia_position",
    METADATA,
    Column("format", BigInteger, primary_key=True, autoincrement=False),
    _number(key=False),
    Column("digest", String(ID_MAX), nullable=False),
    **_BINARY,
)
"""One row: the last entry that was taken in."""

DEVICES = Table(
    "halia_devices",
    METADATA,
    _mac(key=True),
    Column("dp", String(NAME_MAX), nullable=False),
    Column("port", BigInteger, nullable=False),
    Column("vid", BigInteger, nullable=False),
    Column("name", String(NAME_MAX)),
    Column("vendor", String(NAME_MAX)),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    _number(key=False),
    Index("halia_devices_place", "dp", "port"),
    **_BINARY,
)
"""The devices that are not gone."""

LATEST = Table(
    "halia_latest",
    METADATA,
    _mac(key=True),
    Column("capture", String(NAME_MAX), nullable=False),
    Column("captures", BigInteger, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Column("decided", _DOCUMENT),
    _number(key=False),
    **_BINARY,
)
"""The last verdict of each of them, how many captures were judged, and the last verdict whose
capture held enough to tell the role."""

CAPTURES = Table(
    "halia_captures",
    METADATA,
    Column("capture", String(NAME_MAX), primary_key=True),
    _number(key=False),
    Index("halia_captures_number", "number"),
    **_BINARY,
)
"""Captures that were judged, or cannot be."""

VERDICTS = Table(
    "halia_verdicts",
    METADATA,
    _number(),
    Column("time", Double, nullable=False),
    _mac(),
    Column("capture", String(NAME_MAX), nullable=False),
    Column("message_id", String(ID_MAX), nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Index("halia_verdicts_mac", "mac", "number"),
    **_BINARY,
)

FINDINGS = Table(
    "halia_findings",
    METADATA,
    _number(),
    Column("time", Double, nullable=False),
    _mac(),
    Column("capture", String(NAME_MAX)),
    Column("message_id", String(ID_MAX), nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Index("halia_findings_mac", "mac", "number"),
    **_BINARY,
)

ALARMS = Table(
    "halia_alarms",
    METADATA,
    _number(),
    Column("time", Double, nullable=False),
    Column("alarm", String(NAME_MAX), nullable=False),
    Column("mac", String(MAC_MAX)),
    Column("text", _DOCUMENT, nullable=False),
    **_BINARY,
)

DECISIONS = Table(
    "halia_decisions",
    METADATA,
    _number(),
    Column("time", Double, nullable=False),
    Column("actor", String(NAME_MAX), nullable=False),
    Column("case_number", BigInteger, nullable=False),
    _mac(),
    Column("state", String(STATE_MAX), nullable=False),
    Column("action", String(NAME_MAX), nullable=False),
    Column("rule", String(NAME_MAX)),
    Column("document", _DOCUMENT, nullable=False),
    Index("halia_decisions_mac", "mac", "number"),
    Index("halia_decisions_case", "case_number", "number"),
    **_BINARY,
)
"""Each step of each case."""

CASES = Table(
    "halia_cases",
    METADATA,
    Column("case_number", BigInteger, primary_key=True, autoincrement=False),
    _mac(),
    Column("state", String(STATE_MAX), nullable=False),
    Column("matters", Boolean, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    _number(key=False),
    Index("halia_cases_number", "number"),
    **_BINARY,
)
"""Each case as it was last. ``matters``: it is not over, or later ones are decided by it."""

CAPS = Table(
    "halia_caps",
    METADATA,
    _number(),
    Column("time", Double, nullable=False),
    Column("actor", String(NAME_MAX), nullable=False),
    Column("frozen", _DOCUMENT),
    **_BINARY,
)
"""When caps stopped isolations by rules (why), and when somebody allowed them again (null)."""

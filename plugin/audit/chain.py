"""Entries of the journal, and the chain that binds them. Pure: text in, records out.

An entry's digest is the SHA-256 (FIPS 180-4) of its line without the digest, which holds the
digest of the entry before: who changes, removes or inserts an entry must write all later ones
anew. That shows tampering to whoever keeps a digest elsewhere; it does not prevent it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

GENESIS = "0" * 64
"""What stands before the first entry."""
LINE_MAX = 1 << 20
"""Bytes of a line; a longer one is no entry."""
_FIELDS = ("number", "time", "kind", "actor", "body", "previous", "digest")


class Entry(NamedTuple):
    """One thing that happened."""

    number: int
    """Counts up from 1 by one."""
    time: float
    """Seconds since 1970-01-01 UTC."""
    kind: str
    """What it is: ``device``, ``verdict``, ``decision``, ``hook`` …"""
    actor: str
    """Who did it: ``halia``, a rule's name, a person."""
    body: Mapping[str, Any]
    previous: str
    """Digest of the entry before, or GENESIS."""
    digest: str

    def line(self) -> bytes:
        """The entry as it stands in the journal, newline included."""
        return _canonical(self._asdict()) + b"\n"


class Broken(Exception):  # noqa: N818 - it says what the line is, not what went wrong here
    """A line that is no entry, or does not follow the one before; the text says why."""


def follow(
    last: Entry | None, *, time: float, kind: str, actor: str, body: Mapping[str, Any]
) -> Entry:
    """The entry that comes after ``last`` (None: the first).

    Raises:
        ValueError: the body is no JSON, holds NaN or infinity, or is too long.
    """
    number = 1 if last is None else last.number + 1
    previous = GENESIS if last is None else last.digest
    unsigned: dict[str, Any] = {
        "number": number, "time": time, "kind": kind, "actor": actor, "body": dict(body),
        "previous": previous,
    }  # fmt: skip
    entry = Entry(**unsigned, digest=_digest(unsigned))
    if len(entry.line()) > LINE_MAX:
        raise ValueError(f"an entry of more than {LINE_MAX} bytes")
    return entry


def parse_entry(line: bytes) -> Entry:
    """Read one line of a journal; its digest is checked, what it follows is not.

    Raises:
        Broken: it is no entry, or was changed.
    """
    if len(line) > LINE_MAX:
        raise Broken("is too long")
    try:
        found = json.loads(line)
    except ValueError as error:
        raise Broken("is no JSON") from error
    except RecursionError as error:
        raise Broken("is nested too deeply") from error
    if not isinstance(found, dict) or tuple(found) != _FIELDS or not _typed(found):
        raise Broken("is no entry")
    digest = found.pop("digest")
    try:
        expected = _digest(found)
    except ValueError as error:  # NaN and infinity, which json.loads lets pass
        raise Broken("is no entry") from error
    if expected != digest:
        raise Broken("was changed: its digest is another")
    return Entry(**found, digest=digest)


def check_follows(last: Entry | None, entry: Entry) -> None:
    """Check that an entry stands where it belongs.

    Raises:
        Broken: an entry was removed, inserted or moved.
    """
    expected = (1, GENESIS) if last is None else (last.number + 1, last.digest)
    if (entry.number, entry.previous) != expected:
        raise Broken(f"has number {entry.number} where {expected[0]} follows, or another before it")


def _typed(found: Mapping[str, Any]) -> bool:
    return (
        type(found["number"]) is int
        and type(found["time"]) in {int, float}
        and isinstance(found["body"], dict)
        and all(isinstance(found[name], str) for name in ("kind", "actor", "previous", "digest"))
    )


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _digest(unsigned: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(unsigned)).hexdigest()

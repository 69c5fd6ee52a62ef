"""From entries of the journal to rows of the store. Pure: nothing is written here.

Entries of a kind that is not known here make no row, for later versions write more; nor does an
entry whose body is not as it should be: it is counted, and the entries after it are taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import printable
from plugin.ml.verdict import UNDETERMINED
from plugin.registry import from_document
from plugin.store.tables import ID_MAX, MAC_MAX, NAME_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from plugin.audit.chain import Entry

_BIGGEST = 2**63 - 1

Row = dict[str, Any]
"""Column to value, as SQLAlchemy takes it."""


class Latest(NamedTuple):
    """The last verdict of a device within some entries."""

    capture: str
    document: str
    number: int
    decided: str | None
    """The last one that tells the role; None: no capture within them held enough."""
    more: int
    """So many captures were judged within them."""
    anew: bool
    """The device was gone before that: what was counted earlier no longer counts."""


_NONE = Latest("", "", 0, None, 0, anew=False)


@dataclass(slots=True)
class Fold:
    """What some entries, taken in their order, change in the store."""

    devices: dict[str, Row | None] = field(default_factory=dict)
    """None: gone."""
    latest: dict[str, Latest | None] = field(default_factory=dict)
    captures: dict[str, int] = field(default_factory=dict)
    """The entry that judged it."""
    verdicts: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    alarms: list[Row] = field(default_factory=list)
    unreadable: int = 0


def fold(entries: Iterable[Entry]) -> Fold:
    """Give what the entries change."""
    found = Fold()
    for entry in entries:
        take = _KINDS.get(entry.kind)
        if take is None:
            continue
        try:
            take(found, entry)
        except (KeyError, TypeError, ValueError):
            found.unreadable += 1
    return found


def _device(found: Fold, entry: Entry) -> None:
    device = from_document(entry.body)
    mac = _text(device.mac, MAC_MAX)
    found.devices[mac] = {
        "mac": mac,
        "dp": _shown(device.location.dp_name),
        "port": _whole(device.location.port),
        "vid": _whole(device.location.vid),
        "name": None if device.name is None else _shown(device.name),
        "vendor": _shown_or_none(entry.body.get("vendor")),
        "first_seen": device.first_seen,
        "last_seen": device.last_seen,
        "document": _json(entry.body),
        "number": entry.number,
    }


def _gone(found: Fold, entry: Entry) -> None:
    mac = _text(entry.body["mac"], MAC_MAX)
    found.devices[mac] = found.latest[mac] = None


def _verdict(found: Fold, entry: Entry) -> None:
    row = _said(entry, _text(entry.body["capture"], NAME_MAX))
    mac, capture = row["mac"], row["capture"]
    before = found.latest.get(mac, _NONE)
    if before is None:
        before = _NONE._replace(anew=True)
    told = entry.body["verdict"]["role"]["decision"] != UNDETERMINED
    decided = row["document"] if told else before.decided
    found.latest[mac] = Latest(
        capture, row["document"], entry.number, decided, before.more + 1, anew=before.anew
    )
    found.verdicts.append(row)
    found.captures[capture] = entry.number


def _finding(found: Fold, entry: Entry) -> None:
    capture = entry.body["capture"]
    found.findings.append(_said(entry, None if capture is None else _text(capture, NAME_MAX)))


def _unjudged(found: Fold, entry: Entry) -> None:
    found.captures[_text(entry.body["capture"], NAME_MAX)] = entry.number


def _alarm(found: Fold, entry: Entry) -> None:
    mac = entry.body["mac"]
    found.alarms.append(
        {
            "number": entry.number,
            "time": entry.time,
            "alarm": _shown(str(entry.body["alarm"])),
            "mac": None if mac is None else _text(mac, MAC_MAX),
            "text": printable(str(entry.body["text"])),
        }
    )


_KINDS: dict[str, Callable[[Fold, Entry], None]] = {
    "device": _device,
    "gone": _gone,
    "verdict": _verdict,
    "finding": _finding,
    "unjudged": _unjudged,
    "alarm": _alarm,
}


def _said(entry: Entry, capture: str | None) -> Row:
    return {
        "number": entry.number,
        "time": entry.time,
        "mac": _text(entry.body["mac"], MAC_MAX),
        "capture": capture,
        "message_id": _text(entry.body["message_id"], ID_MAX),
        "document": _json(entry.body["verdict"]),
    }


def _json(document: Mapping[str, Any]) -> str:
    """JSON in ASCII alone: no database stumbles over what a stranger's name holds."""
    if not isinstance(document, dict):
        raise TypeError("no document")
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise TypeError("no text, or too long")
    return value


def _shown(text: str) -> str:
    """A text to be looked at, not asked for: cut and escaped; the document has it whole."""
    return printable(text)[:NAME_MAX]


def _shown_or_none(value: object) -> str | None:
    return _shown(value) if isinstance(value, str) else None


def _whole(value: int) -> int:
    if not 0 <= value <= _BIGGEST:
        raise ValueError("no number of a port or VLAN")
    return value

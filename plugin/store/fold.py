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
from plugin.store.tables import ID_MAX, MAC_MAX, NAME_MAX, STATE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from plugin.audit.chain import Entry

_BIGGEST = 2**63 - 1
OVER = "over"
"""The state of a case that nothing more comes of."""

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
    decisions: list[Row] = field(default_factory=list)
    cases: dict[int, Row] = field(default_factory=dict)
    """By number, each as it is after them."""
    caps: list[Row] = field(default_factory=list)
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


def _decision(found: Fold, entry: Entry) -> None:
    case = entry.body["case"]
    rule, number = case["rule"], _whole(case["number"])
    both = {
        "case_number": number,
        "mac": _text(case["mac"], MAC_MAX),
        "state": _text(case["state"], STATE_MAX),
        "number": entry.number,
    }
    shown = {
        "time": entry.time,
        "actor": _shown(entry.actor),
        "action": _action(case["action"]),
        "rule": None if rule is None else _shown(str(rule)),
    }
    step = {**both, **shown, "document": _json(entry.body)}
    case_row = {**both, "matters": matters(case), "document": _json(case)}
    found.cases[number] = case_row
    found.decisions.append(step)


def _action(document: Mapping[str, Any]) -> str:
    """As people write it; of a later version's the kind at least."""
    if not isinstance(document, dict):
        raise TypeError("an action is something else")
    rate = document.get("rate")
    parts = (document["kind"], rate and f"{rate}k", document.get("vlan"))
    return _shown(":".join(str(part) for part in parts if part))


def matters(case: Mapping[str, Any]) -> bool:
    """Whether a case is not over, or later ones are decided by it.

    What isolated (it had a cookie) is an offence, and a step of a ladder; after a denial, which
    leaves a grace, nobody is asked again for a while. The rest was only simulated.
    """
    return case["state"] != OVER or bool(case["cookie"]) or bool(case["grace"])


def _caps(found: Fold, entry: Entry) -> None:
    frozen = entry.body["frozen"]
    found.caps.append(
        {
            "number": entry.number,
            "time": entry.time,
            "actor": _shown(entry.actor),
            "frozen": None if frozen is None else printable(str(frozen)),
        }
    )


_KINDS: dict[str, Callable[[Fold, Entry], None]] = {
    "device": _device,
    "gone": _gone,
    "verdict": _verdict,
    "finding": _finding,
    "unjudged": _unjudged,
    "alarm": _alarm,
    "decision": _decision,
    "caps": _caps,
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
    if type(value) is not int or not 0 <= value <= _BIGGEST:
        raise ValueError("no number of a port, a VLAN or a case")
    return value

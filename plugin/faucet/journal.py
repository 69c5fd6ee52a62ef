"""The record of an installation: what remove needs to give back the original bytes. Pure."""

from __future__ import annotations

import json
from typing import Any

from plugin.faucet.edits import Edit
from plugin.faucet.hook import Layout, Target
from plugin.faucet.install import Journal
from plugin.faucet.moves import Move, RevlanRecord
from plugin.faucet.tree import UnreadableError

FORMAT = 1


def write_journal(journal: Journal) -> str:
    """Give the journal as JSON, one value a line."""
    document = {
        "format": FORMAT,
        "about": "what 'halia faucet install' did here; 'halia faucet remove' needs it",
        "original_sha256": journal.original,
        "installed_sha256": journal.installed,
        "mode": journal.layout.mode,
        "include": journal.layout.include,
        "wide_priming": journal.layout.wide_priming,
        "ignored_vlans": sorted(journal.layout.ignored_vlans),
        "remediation": journal.remediation,
        "targets": [list(t) for t in journal.layout.targets],
        "undo": [list(e) for e in journal.undo],
    }
    if journal.revlans is not None:
        document["revlans"] = _record(journal.revlans)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def read_journal(text: str) -> Journal:
    """Read what :func:`write_journal` wrote.

    Raises:
        UnreadableError: it is something else, or of another format.
    """
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            document = {}
        return Journal(
            original=str(document["original_sha256"]),
            installed=str(document["installed_sha256"]),
            undo=tuple(_edit(e) for e in document["undo"]),
            layout=Layout(
                mode=document["mode"],
                targets=tuple(Target(*t) for t in document["targets"]),
                include=str(document["include"]),
                wide_priming=bool(document["wide_priming"]),
                ignored_vlans=frozenset(int(v) for v in document.get("ignored_vlans", ())),
            ),
            remediation=bool(document["remediation"]),
            revlans=_read_record(document["revlans"]) if "revlans" in document else None,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"no journal of an installation ({error})") from error


def _record(record: RevlanRecord) -> dict[str, Any]:
    moves = [
        {**m._asdict(), "path": list(m.path), "holders": [list(h) for h in m.holders]}
        for m in record.moves
    ]
    undo = [list(e) for e in record.undo]
    return {**record._asdict(), "undo": undo, "moves": moves}


def _read_record(found: Any) -> RevlanRecord:
    return RevlanRecord(
        original=str(found["original"]),
        written=str(found["written"]),
        undo=tuple(_edit(e) for e in found["undo"]),
        moves=tuple(_move(m) for m in found["moves"]),
    )


def _move(found: Any) -> Move:
    return Move(
        path=tuple(_word(part) for part in found["path"]),
        was=_word(found["was"]),
        now=_word(found["now"]),
        dp=str(found["dp"]),
        port=int(found["port"]),
        holders=tuple((int(cookie), str(mac)) for cookie, mac in found["holders"]),
    )


def _word(found: Any) -> str | int:
    if not isinstance(found, str | int):
        raise TypeError("a name or number is something else")
    return found


def _edit(found: Any) -> Edit:
    start, end, text = found
    return Edit(int(start), int(end), str(text))

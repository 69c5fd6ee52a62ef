"""The record of an installation: what remove needs to give back the original bytes. Pure."""

from __future__ import annotations

import json
from typing import Any

from plugin.faucet.edits import Edit
from plugin.faucet.hook import Layout, Target
from plugin.faucet.install import Journal
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
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"no journal of an installation ({error})") from error


def _edit(found: Any) -> Edit:
    start, end, text = found
    return Edit(int(start), int(end), str(text))

"""Planning the installation of the hook in faucet.yaml, and its removal. Pure: text in, text out.

All that can be known from the text is known before anything is written: what would change, what
it costs the network, and each reason why it may not be done.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet.changes import changes, decide
from plugin.faucet.document import read_situation
from plugin.faucet.edits import Edit, apply_edits, change, digest, inverse
from plugin.faucet.hook import QUARANTINE
from plugin.faucet.moves import moved, standing, undone
from plugin.faucet.notes import notes_on
from plugin.faucet.refusals import reasons_against
from plugin.faucet.removal import strip
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.faucet import hook
    from plugin.faucet.moves import RevlanRecord


DIFF_MAX = 200_000
"""Characters of a diff that the journal keeps."""


class Journal(NamedTuple):
    """What an installation did to the file, so that it can be undone to the byte."""

    original: str
    """sha256 of the file before."""
    installed: str
    undo: tuple[Edit, ...]
    layout: hook.Layout
    remediation: bool
    revlans: RevlanRecord | None = None
    """Ports that are moved to another native VLAN now (:mod:`plugin.faucet.revlan`). The other
    hashes are of the file without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done. ``new_text`` equals ``text`` where nothing is to be done."""

    text: str
    new_text: str
    notes: tuple[str, ...]
    journal: Journal | None
    """Of an installation; None after a removal."""

    @property
    def diff(self) -> str:
        """The change as a unified diff, empty if there is none."""
        return diff(self.text, self.new_text)


def cut(text: str) -> str:
    """Give a diff no longer than the journal takes well; what is left out is said."""
    if len(text) <= DIFF_MAX:
        return text
    kept = text[:DIFF_MAX].rpartition("\n")[0]
    return f"{kept}\n... and {text[len(kept) + 1 :].count(chr(10))} lines more\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why it may not be done: all reasons at once."""

    reasons: tuple[str, ...]


def diff(old: str, new: str, name: str = "faucet.yaml") -> str:
    """Give a unified diff; a missing last line end is shown as usual."""
    lines = unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), name, f"{name} (new)"
    )
    missing = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else f"{line}{missing}" for line in lines)


def plan_install(
    text: str,
    options: hook.Options,
    *,
    included: Mapping[str, str] | None = None,
    journal: Journal | None = None,
) -> Plan | Refusal:
    """Plan to install the hook, or to renew an installation that is no longer whole.

    Args:
        text: the root faucet.yaml.
        options: what the operator decides.
        included: texts of the operator's include files by path, in Faucet's order, not ours.
        journal: of the last installation, if there is one.
    """
    revlans = None if journal is None else journal.revlans
    try:
        still = undone(text, revlans)
        base = _base(still, journal)
        tree = Tree(base)
        others = {path: Tree(content).plain for path, content in (included or {}).items()}
        situation = read_situation(tree, others)
        layout = decide(situation, options)
        reasons = reasons_against(situation, options, layout)
        if reasons:
            return Refusal(reasons=tuple(reasons))
        new, edits = change(base, list(changes(tree, situation, options, layout)))
        if new != still and Tree(new).plain == Tree(still).plain:
            new = still  # the same, written by another hand: leave it
        # Ports that are moved stay so: a renewal releases nobody.
        whole, record = (
            (text, revlans) if new == still else moved(new, standing(Tree(text), revlans))
        )
    except UnreadableError as error:
        return Refusal(reasons=(str(error),))
    undo = inverse(base, edits) if new != still or base != still else ()
    before = None if journal is None or base == still else journal.layout
    kept = journal if new == still and journal and journal.installed == digest(still) else None
    return Plan(
        text=text,
        new_text=whole,
        notes=tuple(notes_on(situation, layout, before)) if whole != text else (),
        journal=kept
        or Journal(
            digest(base), digest(new), undo, layout, options.remediation is not None, record
        ),
    )


def plan_remove(text: str, journal: Journal | None) -> Plan | Refusal:
    """Plan to take everything of ours out of the file.

    Ports that were moved to another VLAN go back. To the byte if the file is as the installation
    left it; else our parts are cut out of what it
    has become, and the diff shows it.
    """
    try:
        still = undone(text, None if journal is None else journal.revlans)
        new = _exact(still, journal)
        notes: tuple[str, ...] = ()
        if new is None:
            new = strip(still)
            if new != still:
                notes = _semantic_notes(new)
    except UnreadableError as error:
        return Refusal(reasons=(str(error),))
    if new != text:
        notes += ("Faucet restarts datapaths cold whose last ACLs go: a short outage",)
    return Plan(text=text, new_text=new, notes=notes, journal=None)


def _semantic_notes(new: str) -> tuple[str, ...]:
    edited = "the file is not as the installation left it: our parts are cut out of it as it is now"
    if QUARANTINE not in new:
        return (edited,)
    return (edited, f"VLAN {QUARANTINE} stays: a port is in it")


def _base(text: str, journal: Journal | None) -> str:
    """Give the text without anything of ours."""
    exact = _exact(text, journal)
    return strip(text) if exact is None else exact


def _exact(text: str, journal: Journal | None) -> str | None:
    if journal is None or journal.installed != digest(text) or not journal.undo:
        return None
    original = apply_edits(text, journal.undo)
    return original if digest(original) == journal.original else None

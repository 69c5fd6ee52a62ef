"""Planning the installation of the hook in faucet.yaml, and its removal. Pure: text in, text out.

All that can be known from the text is known before anything is written: what would change, what
it costs the network, and each reason why it may not be done.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet.changes import changes, decide
from plugin.faucet.document import read_situation
from plugin.faucet.edits import Edit, apply_edits, change, inverse
from plugin.faucet.hook import QUARANTINE
from plugin.faucet.notes import notes_on
from plugin.faucet.refusals import reasons_against
from plugin.faucet.removal import strip
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.faucet import hook


class Journal(NamedTuple):
    """What an installation did to the file, so that it can be undone to the byte."""

    original: str
    """sha256 of the file before."""
    installed: str
    undo: tuple[Edit, ...]
    layout: hook.Layout
    remediation: bool


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why it may not be done: all reasons at once."""

    reasons: tuple[str, ...]


def digest(text: str) -> str:
    """Give the sha256 of a text's UTF-8, line ends as they are."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


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
    try:
        base = _base(text, journal)
        tree = Tree(base)
        others = {path: Tree(content).plain for path, content in (included or {}).items()}
        situation = read_situation(tree, others)
        layout = decide(situation, options)
        reasons = reasons_against(situation, options, layout)
        if reasons:
            return Refusal(reasons=tuple(reasons))
        new, edits = change(base, list(changes(tree, situation, options, layout)))
        if new != text and Tree(new).plain == Tree(text).plain:
            new = text  # the same, written by another hand: leave it
    except UnreadableError as error:
        return Refusal(reasons=(str(error),))
    undo = inverse(base, edits) if new != text or base != text else ()
    kept = journal if new == text and journal and journal.installed == digest(text) else None
    return Plan(
        text=text,
        new_text=new,
        notes=tuple(notes_on(situation, layout)) if new != text else (),
        journal=kept
        or Journal(digest(base), digest(new), undo, layout, options.remediation is not None),
    )


def plan_remove(text: str, journal: Journal | None) -> Plan | Refusal:
    """Plan to take everything of ours out of the file.

    To the byte if the file is as the installation left it; else our parts are cut out of what it
    has become, and the diff shows it.
    """
    try:
        new = _exact(text, journal)
        notes: tuple[str, ...] = ()
        if new is None:
            new = strip(text)
            if new != text:
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

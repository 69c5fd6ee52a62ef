"""The rules of a policy from their YAML. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from plugin.actions import Action
from plugin.errors import printable
from plugin.policy import conditions, values
from plugin.policy.rules import (
    APPROVE_WITHIN,
    DAY,
    DURATION,
    GRACE,
    Match,
    Rule,
    Step,
)
from plugin.policy.safety import ladder, refusals
from plugin.settings.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yaml.nodes import Node

    from plugin.actions import Service
    from plugin.policy.conditions import Known
    from plugin.policy.rules import Mode, Scope
    from plugin.yaml_places import Document

RULES_MAX = 500
REASON_MAX = 500
FIELDS = (
    "name",
    "match",
    "action",
    "allow",
    "redirect",
    "mode",
    "approve",
    "approve_within",
    "delay",
    "duration",
    "escalate",
    "grace",
    "forget",
    "scope",
    "accept_novelty_alone",
    "reason",
)
_STEP = ("action", "duration", "allow", "redirect")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_FORGET = 30 * DAY
_NOTHING = Step(Action(kind="notify"), DURATION)
"""Stands for a first step that is wrong while the rest of its rule is read."""


class _Reading(NamedTuple):
    """What all rules share."""

    document: Document
    known: Known
    allow: tuple[Service, ...]
    """Of every quarantine without its own."""
    places: dict[str, str]
    """Where the rules stand that were read, by name: those that are wrong too."""


def read_rules(
    document: Document, node: Node | None, known: Known, allow: tuple[Service, ...]
) -> tuple[Rule, ...]:
    """Read all rules, and note those that may not be as they stand.

    Args:
        document: the file.
        node: the list; absent: no rules.
        known: names of behaviours and tags.
        allow: what every quarantine without its own lets through.
    """
    reading = _Reading(document, known, allow, {})
    found: dict[str, Rule] = {}
    for number, (path, item) in enumerate(values.items(document, node, "rules"), 1):
        if number > RULES_MAX:
            document.note(item, "rules", f"more than {RULES_MAX}")
            break
        rule = _rule(reading, item, path)
        if rule is not None:
            found.setdefault(rule.name, rule)
    return tuple(found.values())


def _rule(reading: _Reading, node: Node, path: str) -> Rule | None:
    """Read one rule, all of it; None if it has no name, nothing to ask or nothing to do."""
    document = reading.document
    fields = document.fields(node, path, FIELDS)
    if not fields and not isinstance(node.value, list):
        return None
    name = _name(document, fields.get("name"), path, node)
    if name:
        _taken(reading, name, path, node)
    what = f"rules.{name}" if name else path
    asked = _match(reading, fields.get("match"), f"{what}.match", node)
    read = _step(reading, node, fields, what, None)
    first = read or _NOTHING

    def span(field: str, default: float, *, zero: bool = False) -> float:
        return values.seconds(document, fields.get(field), f"{what}.{field}", default, zero=zero)

    def choice(field: str, known: tuple[str, ...]) -> str:
        return values.choice(document, fields.get(field), f"{what}.{field}", known, field)

    def flag(field: str) -> bool:
        return document.flag(fields.get(field), f"{what}.{field}")

    rule = Rule(
        name=name,
        place=document.place(node),
        match=asked or Match(),
        action=first.action,
        mode=cast("Mode", choice("mode", ("simulate", "enforce"))),
        approve=flag("approve"),
        approve_within=span("approve_within", APPROVE_WITHIN),
        delay=span("delay", 0.0, zero=True),
        duration=first.duration,
        escalate=_escalate(reading, fields, what, first),
        grace=span("grace", GRACE, zero=True),
        forget=span("forget", _FORGET),
        scope=cast("Scope", choice("scope", ("device", "port"))),
        accept_novelty_alone=flag("accept_novelty_alone"),
        reason=_reason(document, fields.get("reason"), f"{what}.reason"),
    )
    if not name or read is None:
        return None
    if asked is not None:  # else what is wrong with it is told already
        _note(document, fields["match"], what, refusals(rule))
    _note(document, fields.get("escalate", node), f"{what}.escalate", ladder(rule))
    return rule


def _note(document: Document, node: Node, what: str, texts: Iterable[str]) -> None:
    for text in texts:
        document.note(node, what, text)


def _name(document: Document, node: Node | None, path: str, parent: Node) -> str:
    if node is None:
        document.note(parent, f"{path}.name", "is missing")
        return ""
    text = document.text(node, f"{path}.name")
    if text and not _NAME.fullmatch(text):
        said = f"{quoted(text)}: a name of at most 64 letters, digits, . _ - is expected"
        document.note(node, f"{path}.name", said)
        return ""
    return text


def _taken(reading: _Reading, name: str, path: str, node: Node) -> None:
    """Note a name that another rule has."""
    if name in reading.places:
        text = f"'{name}' is also the name of the rule at {reading.places[name]}"
        reading.document.note(node, f"{path}.name", text)
    reading.places.setdefault(name, reading.document.place(node))


def _match(reading: _Reading, node: Node | None, what: str, parent: Node) -> Match | None:
    """Read what it asks; None if that is wrong."""
    if node is None:
        reading.document.note(parent, what, "is missing: what is asked of a device")
        return None
    before = len(reading.document.problems)
    asked = conditions.match(reading.document, node, what, reading.known)
    return asked if len(reading.document.problems) == before else None


def _reason(document: Document, node: Node | None, what: str) -> str | None:
    text = document.text(node, what)
    if node is not None and len(text) > REASON_MAX:
        document.note(node, what, f"longer than {REASON_MAX} letters")
    return printable(text[:REASON_MAX]) or None


def _escalate(
    reading: _Reading, fields: dict[str, Node], what: str, first: Step
) -> tuple[Step, ...]:
    found = []
    for path, item in values.items(reading.document, fields.get("escalate"), f"{what}.escalate"):
        step = _step(reading, item, reading.document.fields(item, path, _STEP), path, first)
        if step is not None:
            found.append(step)
    return tuple(found)


def _step(
    reading: _Reading, node: Node, fields: dict[str, Node], what: str, first: Step | None
) -> Step | None:
    """Read one step of a ladder: what happens, and for how long.

    A quarantine without services of its own has those of the rule's first quarantine.
    """
    document = reading.document
    action = values.action(document, fields.get("action"), f"{what}.action", node)
    allow = None
    if "allow" in fields:
        allow = values.services(document, fields["allow"], f"{what}.allow")
    away = document.flag(fields.get("redirect"), f"{what}.redirect")
    length = values.seconds(document, fields.get("duration"), f"{what}.duration", DURATION)
    if action is None:
        return None
    if action.kind != "quarantine":
        for name in ("allow", "redirect"):
            if name in fields:
                document.note(fields[name], f"{what}.{name}", f"is of quarantine, not of {action}")
    usual = reading.allow
    if first is not None and first.action.kind == "quarantine":
        usual = first.action.allow
    if first is not None and "duration" not in fields:
        document.note(node, f"{what}.duration", "is missing: each step says how long")
    return Step(values.furnished(action, allow, usual, away=away), length)

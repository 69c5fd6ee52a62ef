"""Poseidon's ``rules.yaml`` and ``acls.yaml`` as they stand, each part with its place. Pure.

Nothing is decided here: :mod:`poseidon_dialect` makes a policy of it, :mod:`poseidon_lint` tells
what Poseidon itself would do wrong with it. docs/poseidon-rules.md explains the format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from plugin.errors import PolicyError
from plugin.policy.document import BYTES_MAX, VALUES_MAX
from plugin.yaml_places import Document, Word, is_null

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yaml.nodes import Node

ENTRY = ("device_key", "value", "min_confidence", "acls")
KEYS = ("os", "role")
"""What a rule can ask about."""
PERCENT_MAX = 100.0
_TEXT = "tag:yaml.org,2002:str"


class Entry(NamedTuple):
    """One thing that a rule asks, and the ACLs that it names."""

    place: str
    key: Word | None = None
    """``device_key``: ``os`` or ``role``, where it is right; None: it is missing."""
    value: Word | None = None
    plain_text: bool = True
    """Whether the value is a text for YAML, not a number, a date or yes and no."""
    percent: float | None = None
    percent_place: str = ""
    """Where ``min_confidence`` stands."""
    acls: tuple[Word, ...] | None = None
    """None: it has no ``acls``."""
    acls_listed: bool = True
    """Whether ``acls`` is a list, not one bare name."""
    wrapped: bool = True
    """Whether it stands under the key ``rule``."""


class Named(NamedTuple):
    """A rule: all of its entries must hold."""

    name: Word
    entries: tuple[Entry, ...]
    listed: bool = True
    """Whether it is a list, as it has to be."""

    @property
    def acls(self) -> tuple[Word, ...]:
        """The ACLs of all entries in the order in which they stand, each once."""
        found = {acl.text: acl for entry in reversed(self.entries) for acl in entry.acls or ()}
        order = dict.fromkeys(acl.text for entry in self.entries for acl in entry.acls or ())
        return tuple(found[name] for name in order)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesFile:
    """What ``rules.yaml`` says."""

    source: str
    place: str
    """Of the rules."""
    includes: tuple[Word, ...] = ()
    rules: tuple[Named, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with it as a file, each with its place."""
    digest: str = ""


class AclRule(NamedTuple):
    """One rule of an ACL: what it asks of a frame, and what it does."""

    place: str
    match: Mapping[str, Any]
    actions: Mapping[str, Any]


class Acl(NamedTuple):
    """An ACL: the first of its rules that matches decides."""

    place: str
    """Of its name."""
    rules: tuple[AclRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AclsFile:
    """What ``acls.yaml`` says: a part of Faucet's configuration."""

    source: str
    acls: Mapping[str, Acl] = field(default_factory=dict)
    meters: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    digest: str = ""


def read_rules(content: str | bytes, source: str) -> RulesFile:
    """Read ``rules.yaml``.

    Args:
        content: the YAML.
        source: what to call it in problems.

    Raises:
        PolicyError: it is no YAML, or far too large. What else is wrong is in ``problems``.
    """
    document = _document(content, source)
    top = document.fields(document.root, "", ("include", "rules", "version"))
    if "rules" not in top:
        document.note(f"{source}:1:1", "rules", "is missing: no file of Poseidon's rules")
    rules = tuple(
        Named(
            name,
            tuple(_entries(document, node, f"rules.{name.text}")),
            isinstance(node, SequenceNode),
        )
        for name, node in document.entries(top.get("rules"), "rules")
    )
    return RulesFile(
        source=source,
        place=document.place(top["rules"]) if "rules" in top else f"{source}:1:1",
        includes=document.words(top.get("include"), "include"),
        rules=rules,
        problems=tuple(document.problems),
        digest=_digest(content),
    )


def read_acls(content: str | bytes, source: str) -> AclsFile:
    """Read ``acls.yaml``; what is not about ACLs and meters is passed over.

    Raises:
        PolicyError: it is no YAML, or far too large. What else is wrong is in ``problems``.
    """
    document = _document(content, source)
    parts = {key.text: node for key, node in document.entries(document.root, "")}
    if "acls" not in parts or is_null(parts["acls"]):
        document.note(f"{source}:1:1", "acls", "is missing: no file of ACLs")
    acls = {
        name.text: Acl(name.place, tuple(_rules(document, node, f"acls.{name.text}")))
        for name, node in document.entries(parts.get("acls"), "acls")
    }
    meters = document.plain(parts.get("meters"), "meters")
    return AclsFile(
        source=source,
        acls=acls,
        meters=meters if isinstance(meters, dict) else {},
        problems=tuple(document.problems),
        digest=_digest(content),
    )


def _document(content: str | bytes, source: str) -> Document:
    if len(content) > BYTES_MAX:
        raise PolicyError(f"{source}: larger than {BYTES_MAX} bytes: not a file of rules")
    document = Document(content, source, PolicyError)
    document.bound(VALUES_MAX)
    return document


def _digest(content: str | bytes) -> str:
    whole = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return sha256(whole).hexdigest()


def _entries(document: Document, node: Node, what: str) -> Iterator[Entry]:
    if not isinstance(node, SequenceNode):
        document.note(node, what, "a list of entries, each with rule:, is expected")
        return
    for number, item in enumerate(node.value):
        path = f"{what}[{number}]"
        inner = document.fields(item, path, ("rule", *ENTRY))
        if "rule" in inner:
            yield _entry(document, inner["rule"], f"{path}.rule", document.place(item))
            continue
        if isinstance(item, MappingNode):
            before = len(document.problems)
            found = _entry(document, item, path, document.place(item))
            del document.problems[before:]  # told by the first reading
            yield found._replace(wrapped=False)


def _entry(document: Document, node: Node, what: str, place: str) -> Entry:
    fields = document.fields(node, what, ENTRY)
    key, value = fields.get("device_key"), fields.get("value")
    percent = fields.get("min_confidence")
    acls = fields.get("acls")
    return Entry(
        place=place,
        key=_word(document, key, f"{what}.device_key"),
        value=_word(document, value, f"{what}.value"),
        plain_text=value is None or bool(value.tag == _TEXT),
        percent=_percent(document, percent, f"{what}.min_confidence"),
        percent_place="" if percent is None else document.place(percent),
        acls=None if acls is None else document.words(acls, f"{what}.acls"),
        acls_listed=acls is None or isinstance(acls, SequenceNode),
    )


def _word(document: Document, node: Node | None, what: str) -> Word | None:
    text = document.text(node, what)
    return Word(text, document.place(node)) if node is not None and text else None


def _percent(document: Document, node: Node | None, what: str) -> float | None:
    """Read ``min_confidence``; 0 asks for nothing."""
    if node is None or (isinstance(node, ScalarNode) and node.value in {"0", "0.0"}):
        return None
    before = len(document.problems)
    found = document.number(node, what, PERCENT_MAX)
    if found > PERCENT_MAX:
        document.note(node, what, "a percentage, 0 to 100, is expected")
    return found if len(document.problems) == before else None


def _rules(document: Document, node: Node, what: str) -> Iterator[AclRule]:
    """Give the rules of an ACL: a list, or a mapping with ``rules`` in it."""
    listed: Node | None = node
    if isinstance(node, MappingNode):
        listed = {key.text: value for key, value in document.entries(node, what)}.get("rules")
    if not isinstance(listed, SequenceNode):
        document.note(node, what, "a list of rules is expected")
        return
    for number, item in enumerate(listed.value):
        path = f"{what}[{number}]"
        found = document.plain(item, path)
        rule = found.get("rule", found) if isinstance(found, dict) else None
        if not isinstance(rule, dict):
            document.note(item, path, "rule: with what it asks and actions: is expected")
            continue
        actions = rule.get("actions") or {}
        if not isinstance(actions, dict):
            document.note(item, f"{path}.actions", "a mapping is expected")
            continue
        match = {str(key): value for key, value in rule.items() if key != "actions"}
        yield AclRule(document.place(item), match, {str(k): v for k, v in actions.items()})

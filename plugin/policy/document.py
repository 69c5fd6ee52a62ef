"""A policy from its YAML: all that is wrong at once, each with its line and column. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from plugin.errors import PolicyError, nearest, printable
from plugin.policy import conditions, values
from plugin.policy.conditions import Known
from plugin.policy.rule import read_rules
from plugin.policy.rules import HARD_CAP, LEARNING, MANY_MACS, Caps, Devices, Policy
from plugin.policy.safety import hidden, isolates
from plugin.yaml_places import Document

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from yaml.nodes import Node

    from plugin.policy.rules import Rule

VERSION = 1
BYTES_MAX = 1 << 18
VALUES_MAX = 50_000
"""Of a policy: read within a second or two, and thousands of MAC addresses fit in."""
FIELDS = (
    "halia-policy",
    "learning",
    "tags",
    "protect",
    "caps",
    "allow",
    "maintenance",
    "rules",
    "samples",
)
_CAPS = ("devices", "percent", "per_switch", "per_hour")
_PLACE = re.compile(r":([0-9]+):([0-9]+): ")
_PER_HOUR_MAX = 10_000
_MANY_MAX = 10_000


def read_policy(
    content: str | bytes,
    source: str,
    *,
    behaviours: Collection[str] | None = None,
    roles: Collection[str] | None = None,
) -> Policy:
    """Read a policy.

    Args:
        content: the YAML.
        source: what to call it in problems, such as its file's name.
        behaviours: names that detectors have; others are refused. None: unchecked.
        roles: labels that are known; others are warned of. None: unchecked.

    Raises:
        PolicyError: all that is wrong in it, a line each.
    """
    if len(content) > BYTES_MAX:
        raise PolicyError(f"{source}: larger than {BYTES_MAX} bytes: not a policy")
    document = Document(content, source, PolicyError)
    document.bound(VALUES_MAX)
    if document.root is None:
        document.note(f"{source}:1:1", "", "an empty file: a policy begins with halia-policy: 1")
        document.finish()
    top = document.fields(document.root, "", FIELDS)
    _version(document, top.get("halia-policy"))
    tags = _tags(document, top.get("tags"))
    known = Known(behaviours, roles, tags)
    protect, many_macs = _protect(document, top.get("protect"), known)
    allow = values.services(document, top.get("allow"), "allow")
    rules = read_rules(document, top.get("rules"), known, allow)
    policy = Policy(
        rules=rules,
        protect=protect,
        many_macs=many_macs,
        caps=_caps(document, top.get("caps")),
        learning=values.seconds(document, top.get("learning"), "learning", LEARNING, zero=True),
        maintenance=values.hours(document, top.get("maintenance"), "maintenance"),
        allow=allow,
        tags=tags,
        source=source,
        digest=sha256(_bytes(content)).hexdigest(),
    )
    document.problems.sort(key=_position)
    document.finish()
    warnings = tuple(printable(text) for text in _warnings(policy, roles))
    return replace(policy, warnings=warnings)


def _position(problem: str) -> tuple[int, int]:
    """Say where a problem stands: line and column, as it says itself."""
    found = _PLACE.search(problem)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")


def _version(document: Document, node: Node | None) -> None:
    if node is None:
        document.note(f"{document.source}:1:1", "halia-policy", f"is missing: {VERSION}")
    elif getattr(node, "value", None) != str(VERSION):
        document.note(node, "halia-policy", f"this Halia reads version {VERSION} only")


def _tags(document: Document, node: Node | None) -> dict[str, Devices]:
    names = [name for name in conditions.DEVICES if name != "tags"]
    found = {}
    for key, value in document.entries(node, "tags"):
        what = f"tags.{key.text}"
        fields = document.fields(value, what, names)
        found[key.text] = conditions.devices(document, fields, what, Known(), names)
        if not fields:
            document.note(key.place, what, f"names no device: one of {', '.join(names)}")
    return found


def _protect(document: Document, node: Node | None, known: Known) -> tuple[Devices, int]:
    fields = document.fields(node, "protect", (*conditions.DEVICES, "many_macs"))
    many = document.whole(fields.get("many_macs"), "protect.many_macs", (2, _MANY_MAX), MANY_MACS)
    return conditions.devices(document, fields, "protect", known), many


def _caps(document: Document, node: Node | None) -> Caps:
    fields = document.fields(node, "caps", _CAPS)
    usual = Caps()

    def whole(name: str, top: int, default: int) -> int:
        return document.whole(fields.get(name), f"caps.{name}", (1, top), default)

    percent = values.share(document, fields.get("percent"), "caps.percent", 100.0)
    return Caps(
        devices=whole("devices", HARD_CAP, usual.devices),
        percent=usual.percent if percent is None else percent,
        per_switch=whole("per_switch", HARD_CAP, usual.per_switch),
        per_hour=whole("per_hour", _PER_HOUR_MAX, usual.per_hour),
    )


def _warnings(policy: Policy, roles: Collection[str] | None) -> Iterator[str]:
    """What is allowed and probably not meant, each with its place where it has one."""
    if policy.protect == Devices():
        yield (
            f"{policy.source}: protect names nothing: only what Halia finds itself (gateways,"
            " uplinks) is safe from these rules; name servers, switches, your own machine"
        )
    for earlier, rule in hidden(policy.rules):
        takes = "takes first every device that this one asks for"
        yield f"{rule.place}: rules.{rule.name}: never reached: '{earlier.name}' {takes}"
    for rule in policy.rules:
        if not isolates(rule) and rule.approve:
            text = f"{rule.action} takes nothing, and somebody is asked for it"
            yield f"{rule.place}: rules.{rule.name}: approve: {text}"
    for rule in policy.rules:
        if rule.mode == "enforce" and isolates(rule) and not rule.approve and _role_only(rule):
            yield (
                f"{rule.place}: rules.{rule.name}: isolates by the role alone: models mistake"
                " roles, and the device need do nothing; ask for behaviours or anomalies too,"
                " or approve: true"
            )
    if roles is not None:
        yield from _unknown_roles(policy, roles)


def _role_only(rule: Rule) -> bool:
    """Whether a role is all the evidence that a rule asks for."""
    asked = rule.match
    found = asked.behaviours or asked.anomalies or asked.novelty is not None
    return bool(asked.roles) and not (found or asked.change is not None)


def _unknown_roles(policy: Policy, roles: Collection[str]) -> Iterator[str]:
    known = {role.casefold() for role in roles}
    places = [(f"{policy.source}: protect.roles", policy.protect.roles)]
    places += [(f"{policy.source}: tags.{name}.roles", d.roles) for name, d in policy.tags.items()]
    places += [(f"{r.place}: rules.{r.name}.match.roles", r.match.roles) for r in policy.rules]
    for place, labels in places:
        for label in labels:
            if label.casefold() not in known:
                near = nearest(label, roles)
                hint = near if "did you mean" in near else ""
                end = " Well" if hint else "; well"  # after a question mark
                yield f"{place}: roles.yaml has no '{label}'{hint}{end} if your own model has"

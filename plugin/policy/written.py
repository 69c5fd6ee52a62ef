"""A policy as YAML that :func:`plugin.policy.document.read_policy` reads back equal. Pure.

Only what :mod:`poseidon_dialect` makes: rules, without ladders, hours or sets of devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from plugin.actions import Action
from plugin.errors import printable
from plugin.policy.document import VERSION
from plugin.policy.rules import Devices, Match, Policy, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plugin.actions import Service

WIDTH = 100
_MATCH = (
    "roles", "decisions", "min_confidence", "anomalies", "behaviours", "novelty", "change",
    "windows", "min_packets", "min_sessions", "min_captures", "sources", "randomised", "os",
)  # fmt: skip
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))
_USUAL = Rule(name="", place="", match=Match(), action=Action(kind="notify"))
"""What a rule has that says nothing."""
_SPANS = ("approve_within", "delay", "duration", "grace", "forget")
_FLAGS = ("approve", "accept_novelty_alone")


def policy_yaml(policy: Policy, header: Iterable[str] = ()) -> str:
    """Write a policy.

    Args:
        policy: rules alone; the rest has to be as it is where nobody says anything.
        header: lines of comment above it.

    Raises:
        ValueError: the policy has what this cannot write.
    """
    plain = Policy(
        rules=policy.rules, source=policy.source, digest=policy.digest, warnings=policy.warnings
    )
    if policy != plain:
        raise ValueError("a policy with more than rules")
    lines = [f"# {printable(line)}".rstrip() for line in header]
    tree = {"halia-policy": VERSION, "rules": [dict(_rule(rule)) for rule in policy.rules]}
    text = yaml.safe_dump(
        tree, sort_keys=False, width=WIDTH, allow_unicode=True, default_flow_style=None
    )
    return "\n".join([*lines, text])


def _rule(rule: Rule) -> Iterator[tuple[str, Any]]:
    if rule.escalate:
        raise ValueError(f"{rule.name}: a rule with a ladder")
    yield "name", rule.name
    yield "match", dict(_match(rule.match))
    yield "action", str(rule.action)
    if rule.action.kind == "quarantine":
        yield "allow", list(map(_service, rule.action.allow))
        if rule.action.redirect:
            yield "redirect", True
    yield "mode", rule.mode
    for name in (*_SPANS, *_FLAGS, "scope", "reason"):
        value = getattr(rule, name)
        if value != getattr(_USUAL, name):
            yield name, _span(value) if name in _SPANS else value


def _match(asked: Match) -> Iterator[tuple[str, Any]]:
    if asked.hours or asked.within not in {None, Devices()}:
        raise ValueError("a condition on hours or sets of devices")
    for name in _MATCH:
        value = getattr(asked, name)
        if name == "windows" and value is not None:
            yield name, {"at_least": value.k, "of": value.n}
        elif value is not None and value != ():
            yield name, list(value) if isinstance(value, tuple) else value


def _service(service: Service) -> Any:
    return service.kind if service.address is None else {service.kind: service.address}


def _span(seconds: float) -> str | int | float:
    """A time as people write it."""
    whole = int(seconds)
    if whole != seconds or not whole:
        return seconds if whole != seconds else whole
    for letter, length in _UNITS:
        if whole % length == 0:
            return f"{whole // length}{letter}"
    return f"{whole}s"

"""A case as JSON and back: what the journal keeps of it, so that a restart forgets nobody. Pure."""

from __future__ import annotations

import re
from dataclasses import fields
from math import isfinite
from typing import TYPE_CHECKING, Any, cast, get_args

from plugin.actions import COOKIES, KINDS, Action, Place, Service
from plugin.policy.cases import Case, Proof, State

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_SERVICES = frozenset({"dhcp", "dns", "host"})
_CHOICES: dict[str, frozenset[str]] = {
    "state": frozenset(get_args(State)),
    "origin": frozenset({"rule", "operator", "found", "port"}),
    "proof": frozenset(get_args(Proof)),
    "scope": frozenset({"device", "port"}),
}
_TEXTS = ("mac", "actor", "reason", "policy")
_LISTS = ("evidence", "models", "addresses", "notes")
_TIMES = ("opened", "changed", "duration", "grace")
_WHOLE = ("number", "cookie", "step")


def to_document(case: Case) -> dict[str, Any]:
    """A case as JSON's types; :func:`from_document` gives the same case."""
    document: dict[str, Any] = {field.name: getattr(case, field.name) for field in fields(case)}
    document.update({name: list(document[name]) for name in _LISTS})
    action = case.action
    document["action"] = {
        "kind": action.kind,
        "rate": action.rate,
        "vlan": action.vlan,
        "allow": [service._asdict() for service in action.allow],
        "redirect": action.redirect,
    }
    document["place"] = None if case.place is None else case.place._asdict()
    return document


def from_document(document: Mapping[str, Any]) -> Case:
    """The case that a journal's entry holds; what it does not know of is passed over.

    Raises:
        ValueError: it is none: something is missing, or of another type or an unknown kind.
    """
    try:
        return _case(document)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"no case: {type(error).__name__}: {error}") from error


def _case(document: Mapping[str, Any]) -> Case:
    values: dict[str, Any] = {name: _choice(document, name) for name in _CHOICES}
    values |= {name: _typed(document[name], str, name) for name in _TEXTS}
    values |= {name: _texts(document[name], name) for name in _LISTS}
    values |= {name: _number(document[name], name) for name in _TIMES}
    values |= {name: _whole(document[name], name) for name in _WHOLE}
    if not _MAC.fullmatch(values["mac"]):
        raise ValueError(f"no case: mac {values['mac']!r}")
    if values["cookie"] and values["cookie"] not in COOKIES:
        raise ValueError(f"no case: cookie {values['cookie']}")
    for name in ("deadline", "until"):
        values[name] = None if document[name] is None else _number(document[name], name)
    rule, parent, place = document["rule"], document["parent"], document["place"]
    return Case(
        action=_action(document["action"]),
        rule=None if rule is None else _typed(rule, str, "rule"),
        parent=None if parent is None else _whole(parent, "parent"),
        place=None if place is None else _place(place),
        **values,
    )


def _action(document: Mapping[str, Any]) -> Action:
    kind = document["kind"]
    if kind not in KINDS:
        raise ValueError(f"no case: action {kind!r}")
    rate, vlan = document["rate"], document["vlan"]
    return Action(
        kind=kind,
        rate=None if rate is None else _whole(rate, "rate"),
        vlan=None if vlan is None else _typed(vlan, str, "vlan"),
        allow=tuple(_service(one) for one in document["allow"]),
        redirect=_typed(document["redirect"], bool, "redirect"),
    )


def _service(document: Mapping[str, Any]) -> Service:
    kind, address = document["kind"], document["address"]
    if kind not in _SERVICES:
        raise ValueError(f"no case: service {kind!r}")
    return Service(kind, None if address is None else _typed(address, str, "address"))


def _place(document: Mapping[str, Any]) -> Place:
    return Place(
        _typed(document["dp"], str, "dp"),
        _whole(document["port"], "port"),
        _whole(document["vid"], "vid"),
    )


def _choice(document: Mapping[str, Any], name: str) -> str:
    if document[name] not in _CHOICES[name]:
        raise ValueError(f"no case: {name} {document[name]!r}")
    return cast("str", document[name])


def _texts(value: Any, name: str) -> tuple[str, ...]:
    return tuple(_typed(one, str, name) for one in _typed(value, list, name))


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"no case: {name} {value!r}")
    return float(value)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"no case: {name} {value!r}")
    return value


def _typed(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{name} {value!r}")
    return value

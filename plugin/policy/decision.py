"""A step of a case as its published JSON (version 1), and in words for people. Pure.

``configs/schema/decision-v1.schema.json`` is the JSON's definition, docs/decision.md explains it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from plugin.policy.cases import State
from plugin.records import iso_second, iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.actions import Service
    from plugin.policy.cases import Transition

SCHEMA = 1
KIND = "decision"
STATES: tuple[str, ...] = get_args(State)
ADDRESSES_MAX = 32
"""As in a verdict."""
_WORDS = {
    "simulated": "{action} is only simulated",
    "observed": "{action}: nothing is taken from the device",
    "delayed": "{action} begins at {deadline} if its reasons last",
    "pending": "{action} waits for approval, at most until {deadline}",
    "isolating": "{action} is being enforced",
    "isolated": "{action} is in force {end}",
    "releasing": "{action} is being taken back",
    "released": "{action} has ended",
    "over": "{action}: the case is closed",
}


def decision_document(transition: Transition) -> dict[str, Any]:
    """The step as JSON's types, version 1."""
    case = transition.case
    action, place = case.action, case.place
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "time": _time(case.changed),
        "number": case.number,
        "mac": case.mac,
        "addresses": list(dict.fromkeys(case.addresses))[:ADDRESSES_MAX],
        "place": None if place is None else place._asdict(),
        "state": case.state,
        "before": transition.before,
        "action": str(action),
        "allow": [_service(one) for one in action.allow],
        "redirect": action.redirect,
        "scope": case.scope,
        "rule": case.rule,
        "origin": case.origin,
        "actor": case.actor,
        "reason": case.reason,
        "why": transition.why,
        "evidence": list(case.evidence),
        "models": list(case.models),
        "policy": case.policy or None,
        "opened": _time(case.opened),
        "deadline": _time(case.deadline),
        "until": _time(case.until),
        "proof": case.proof,
        "notes": list(case.notes),
    }


def decision_words(document: Mapping[str, Any]) -> str:
    """What a decision's document says, as a sentence; foreign text in it is as it came."""
    until, deadline = document["until"], document["deadline"]
    said = _WORDS[document["state"]]
    if document["state"] == document["before"] == "isolating":
        said = "{action} is still being enforced"
    state = said.format(
        action=document["action"],
        deadline=deadline or "any time",
        end="until it is released" if until is None else f"until {until}",
    )
    why = document["why"]
    told = f"{state}: {document['reason']}"
    if why and why != document["reason"]:
        told += f" ({why})"
    return f"case {document['number']}, {told}"


def left_alone(action: str, deadline: float | None, number: int) -> str:
    """Say who lets a device be that was let out of an isolation.

    Args:
        action: of the isolation.
        deadline: when the grace ends, seconds since 1970-01-01 UTC.
        number: of the case.
    """
    until = "" if deadline is None else f" until {iso_second(deadline)}"
    return f"left alone by rules that are no harder than {action}{until}, after case {number}"


def _service(service: Service) -> str | dict[str, str]:
    """A service as a policy file has it."""
    return service.kind if service.address is None else {service.kind: service.address}


def _time(seconds: float | None) -> str | None:
    # A float of today's seconds is exact to a quarter of a microsecond: finer digits are noise.
    return None if seconds is None else iso_time(round(seconds * 1e6) * 1000)

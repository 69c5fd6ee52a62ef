"""What a policy says about a device and why, rule by rule, in words for a help desk. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import printable
from plugin.policy import hours
from plugin.policy.asks import short
from plugin.policy.decision import left_alone
from plugin.policy.evaluate import chosen, missing
from plugin.policy.look import Look
from plugin.policy.members import protected_by
from plugin.policy.rules import DAY, HOUR
from plugin.policy.safety import isolates
from plugin.policy.steps import harder

if TYPE_CHECKING:
    from plugin.actions import Action
    from plugin.policy.cases import Case
    from plugin.policy.evaluate import Chosen
    from plugin.policy.rules import Policy, Rule
    from plugin.policy.subject import Subject

_MINUTE = 60.0


class Reading(NamedTuple):
    """One rule and one device."""

    rule: Rule
    chosen: Chosen | None
    """Why it applies; None: it does not."""
    missing: str | None
    """The first thing that is not as it asks; None: it applies."""
    outcome: str
    """What follows, in words."""


class Explained(NamedTuple):
    """A policy and one device."""

    subject: Subject
    rules: tuple[Reading, ...]
    """All of them, in order."""
    enforced: str | None
    """Name of the rule that decides."""
    simulated: str | None
    """Name of the rule on trial that would."""
    held: str | None
    """Why nothing comes of the rule that decides."""
    notes: tuple[str, ...]
    """What else stands above all rules."""


class Besides(NamedTuple):
    """What is known besides a policy and a device."""

    case: Case | None = None
    """What is decided about the device; None: nothing is, or it is not known."""
    paused: str | None = None
    """Why no rule isolates anybody new now; None: they may."""


ALONE = Besides()
"""Nothing is known besides."""


def explain(policy: Policy, subject: Subject, now: float, besides: Besides = ALONE) -> Explained:
    """Say which rule applies to a device, on which evidence, and why the others do not.

    Args:
        policy: what the operator wrote.
        subject: the device.
        now: seconds since 1970-01-01 UTC.
        besides: what a daemon knows.
    """
    look = Look(subject, policy.tags, now)
    first: dict[str, str] = {}
    found = []
    for rule in policy.rules:
        lack = missing(rule, look)
        if lack is not None:
            found.append(Reading(rule, None, lack, "it does not apply"))
            continue
        before = first.setdefault(rule.mode, rule.name)
        found.append(Reading(rule, chosen(rule, look), None, _outcome(rule, before)))
    decides = next((r.rule for r in found if r.rule.name == first.get("enforce")), None)
    held = None if decides is None else _held(policy, decides, subject, now, besides)
    if held is not None:
        found = [r._replace(outcome=f"{held}; else {r.outcome}") if r.rule is decides else r
                 for r in found]  # fmt: skip
    return Explained(
        subject,
        tuple(found),
        first.get("enforce"),
        first.get("simulate"),
        held and printable(held),
        tuple(map(printable, _notes(policy, subject))),
    )


def _after(case: Case | None, rule: Rule) -> str | None:
    """Say why a rule leaves a device alone that was let out; None: it does not."""
    if case is None or case.state != "released":
        return None
    if rule.name != case.rule and harder(rule.action, case.action):
        return None
    return left_alone(str(case.action), case.deadline, case.number)


def _outcome(rule: Rule, before: str) -> str:
    if before != rule.name:
        return f"it applies, but '{before}' stands before it and is taken"
    if rule.mode == "simulate":
        return (
            f"only tried (mode: simulate): nothing is done; enforced, it would mean: {_act(rule)}"
        )
    return f"it decides: {_act(rule)}"


def _act(rule: Rule) -> str:
    later = f"after {lasting(rule.delay)}, " if rule.delay else ""
    asked = "once somebody approves, " if rule.approve else ""
    return f"{later}{asked}{consequence(rule.action)}{_time(rule)}"


def _time(rule: Rule) -> str:
    return "" if rule.action.kind == "notify" else f", for {lasting(rule.duration)}"


def consequence(action: Action) -> str:
    """Say what an action does to a device."""
    if action.kind == "limit":
        return f"it may send no more than {action.rate} kbit/s"
    if action.kind == "revlan":
        return f"its port is put into VLAN {action.vlan}"
    if action.kind == "quarantine":
        return f"it may {_services(action)}"
    return {
        "notify": "somebody is told",
        "watch": "all its traffic is looked at",
        "block": "it reaches nobody, and nobody reaches it",
    }[action.kind]


def _services(action: Action) -> str:
    """Whom a quarantine lets be reached."""
    named = [f"{s.kind} {s.address}" if s.address else s.kind.upper() for s in action.allow]
    away = ", and all else it sends goes to the remediation port" if action.redirect else ""
    return (f"only reach {', '.join(named)}" if named else "reach nobody") + away


def lasting(seconds: float) -> str:
    """Write a time for people: ``10 minutes``."""
    for unit, length in (("day", DAY), ("hour", HOUR), ("minute", _MINUTE)):
        if seconds >= length and seconds % length == 0:
            number = int(seconds // length)
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return f"{seconds:g} seconds"


def _held(policy: Policy, rule: Rule, subject: Subject, now: float, besides: Besides) -> str | None:
    """Say why nothing comes of the rule that decides; None: it may act."""
    if isolates(rule):  # who is only told or looked at suffers nothing
        by = protected_by(policy.protect, subject, policy.tags)
        if by is not None:
            return f"it is protected ({by}) and never isolated"
        if policy.maintenance and hours.within(policy.maintenance, now):
            return (
                "nothing new is enforced in times of maintenance"
                f" ({hours.words(policy.maintenance)})"
            )
        if besides.paused is not None:
            return f"no rule isolates anybody new now: {besides.paused}"
    after = _after(besides.case, rule)
    return after and f"the device is {after}"


def _notes(policy: Policy, subject: Subject) -> list[str]:
    found = []
    if subject.ignored is not None:
        found.append(f"nothing is done about it, as somebody said: {short(subject.ignored)}")
    if subject.twice:
        found.append("it is heard on two ports in turn: no rule isolates it meanwhile")
    if not policy.rules:
        found.append("the policy has no rules")
    return found


def to_document(explained: Explained) -> dict[str, Any]:
    """An explanation as JSON's types."""
    subject = explained.subject
    return {
        "mac": subject.mac,
        "name": subject.name and printable(short(subject.name)),
        "enforced": explained.enforced,
        "simulated": explained.simulated,
        "held": explained.held,
        "notes": list(explained.notes),
        "rules": [_rule_document(reading) for reading in explained.rules],
    }


def _rule_document(reading: Reading) -> dict[str, Any]:
    rule, found = reading.rule, reading.chosen
    return {
        "rule": rule.name,
        "place": printable(rule.place),
        "action": str(rule.action),
        "mode": rule.mode,
        "applies": found is not None,
        "reasons": list(found.reasons) if found else [],
        "evidence": [printable(e) for e in found.evidence] if found else [],
        "missing": reading.missing,
        "outcome": printable(reading.outcome),
        "words": rule.reason,
    }

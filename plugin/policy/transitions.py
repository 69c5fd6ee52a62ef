"""Steps of a case, each as the record that comes of it. Pure.

Which step is taken when, :mod:`ledger` knows. ``until`` runs from the moment an isolation is
wanted, not from its proof: a switch that never answers keeps nobody isolated for ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plugin.actions import Isolation
from plugin.policy.cases import HALIA, NOBODY, Case
from plugin.policy.rules import DURATION, GRACE

if TYPE_CHECKING:
    from plugin.policy.cases import Ordered, State
    from plugin.policy.evaluate import Chosen
    from plugin.policy.rules import Policy
    from plugin.policy.subject import Subject

PROOF_SECONDS = 10.0
"""What is wanted, or not wanted any more, should be proven so after this; else it is an alarm."""
REMIND_SECONDS = 3_600.0
"""Then the alarm is repeated."""
EVIDENCE_MAX = 32
"""Pieces of evidence kept of a case: the first ones, and the last."""


def suspected(
    number: int, chosen: Chosen, subject: Subject, policy: Policy, step: int, now: float
) -> Case:
    """A rule applies to a device; what it wants is ``simulated`` until something else is said."""
    rule = chosen.rule
    at = rule.steps[step]
    reasons = "; ".join(chosen.reasons)
    reason = rule.reason or reasons or f"rule {rule.name} applies"
    if rule.reason and reasons:
        reason = f"{rule.reason} ({reasons})"
    return Case(
        number=number,
        cookie=0,
        mac=subject.mac,
        state="simulated",
        action=at.action,
        rule=rule.name,
        origin="rule",
        actor=rule.name,
        reason=reason,
        evidence=_evidence((), chosen.evidence),
        models=() if subject.role is None else (subject.role.model,),
        policy=policy.digest,
        opened=now,
        changed=now,
        deadline=now + at.duration,
        duration=at.duration,
        step=step,
        place=subject.place,
        addresses=subject.addresses,
        scope=rule.scope,
        grace=rule.grace,
    )


def ordered(number: int, told: Ordered, subject: Subject, policy: str, now: float) -> Case:
    """Somebody orders an isolation; :func:`isolating` comes next."""
    return Case(
        number=number,
        cookie=0,
        mac=told.mac,
        state="isolating",
        action=told.action,
        rule=None,
        origin="operator",
        actor=told.actor,
        reason=told.reason,
        policy=policy,
        opened=now,
        changed=now,
        deadline=None,
        duration=told.seconds or 0.0,
        place=subject.place,
        addresses=subject.addresses,
        grace=GRACE,
    )


def found(number: int, stranger: Isolation, policy: str, now: float) -> Case:
    """An isolation that nobody remembers stands in our file; the next step says what becomes."""
    return Case(
        number=number,
        cookie=0,
        mac=stranger.mac,
        state="isolating",
        action=stranger.action,
        rule=None,
        origin="found",
        actor=HALIA,
        reason="found in Halia's file, and the journal knows nothing of it",
        policy=policy,
        opened=now,
        changed=now,
        deadline=None,
        duration=DURATION,
        place=stranger.place,
        addresses=stranger.addresses,
        grace=GRACE,
    )


def inherited(number: int, parent: Case, subject: Subject, now: float) -> Case:
    """A device appears at the port of an isolated one; :func:`isolating` comes next."""
    where = parent.place
    at = "its port" if where is None else f"{where.dp}:{where.port}"
    return replace(
        parent,
        number=number,
        mac=subject.mac,
        origin="port",
        actor=parent.rule or HALIA,
        reason=f"appeared at {at} while {parent.mac} is isolated there: {parent.reason}",
        opened=now,
        changed=now,
        duration=DURATION if parent.until is None else max(parent.until - now, 0.0),
        step=0,
        place=subject.place,
        addresses=subject.addresses,
        scope="device",
        parent=parent.number,
        notes=(),
    )


def isolating(case: Case, cookie: int, now: float, actor: str) -> Case:
    """It is wanted at the switches from now on, and nothing of it is proven."""
    # Without an end only by a person's word, whatever a policy may say.
    endless = case.origin == "operator" and not case.duration
    until = None if endless else now + case.duration
    return replace(
        case, state="isolating", cookie=cookie, actor=actor, changed=now, until=until,
        deadline=earlier(now + PROOF_SECONDS, until), proof="none",
    )  # fmt: skip


def isolated(case: Case, now: float) -> Case:
    """It was read back from every switch."""
    return replace(case, state="isolated", actor=HALIA, changed=now, deadline=case.until)


def unproven(case: Case, now: float, *, within: float = REMIND_SECONDS) -> Case:
    """It is still wanted, and does not stand any more, or nobody can tell."""
    return replace(
        case, state="isolating", actor=HALIA, changed=now,
        deadline=earlier(now + within, case.until),
    )  # fmt: skip


def releasing(case: Case, now: float, actor: str) -> Case:
    """It is not wanted any more; that it is gone is still to be seen."""
    return replace(case, state="releasing", actor=actor, changed=now, deadline=now + PROOF_SECONDS)


def waits(case: Case, state: State, deadline: float, now: float, actor: str) -> Case:
    """It is in a state that ends by itself."""
    return replace(case, state=state, actor=actor, changed=now, deadline=deadline)


def over(case: Case, now: float, actor: str = NOBODY) -> Case:
    """It is over."""
    return replace(case, state="over", actor=actor, changed=now, deadline=None)


def reminded(case: Case, now: float) -> Case:
    """The alarm about it was told; it comes again later."""
    until = None if case.state == "releasing" else case.until
    return replace(case, deadline=earlier(now + REMIND_SECONDS, until))


def prolonged(case: Case, seconds: float, now: float, actor: str) -> Case:
    """Its isolation ends so many seconds from now."""
    until = now + seconds
    deadline = until if case.state == "isolated" else earlier(case.deadline, until)
    return replace(case, until=until, duration=seconds, deadline=deadline, changed=now, actor=actor)


def more_evidence(case: Case, evidence: tuple[str, ...]) -> Case:
    """The same rule applies again."""
    kept = _evidence(case.evidence, evidence)
    return case if kept == case.evidence else replace(case, evidence=kept)


def taken_over(case: Case, told: Ordered, now: float) -> Case:
    """Somebody orders what stands already: from now on it is his, on his terms."""
    until = None if told.seconds is None else now + told.seconds
    deadline = until if case.state == "isolated" else earlier(now + PROOF_SECONDS, until)
    return replace(
        case, origin="operator", rule=None, actor=told.actor, reason=told.reason, changed=now,
        until=until, duration=told.seconds or 0.0, deadline=deadline, parent=None, step=0,
    )  # fmt: skip


def heard(case: Case, subject: Subject, *, but: frozenset[str] = frozenset()) -> Case:
    """Follow a device: where it is, and its addresses if there are others than before.

    Args:
        case: of the device.
        subject: as it is now.
        but: addresses that are not believed.
    """
    place = subject.place or case.place
    believed = tuple(one for one in subject.addresses if one not in but)
    same = set(believed) == set(case.addresses)
    addresses = case.addresses if same else believed
    if (place, addresses) == (case.place, case.addresses):
        return case
    return replace(case, place=place, addresses=addresses)


def isolation(case: Case) -> Isolation:
    """What is to stand at the switches of it."""
    return Isolation(
        cookie=case.cookie, mac=case.mac, action=case.action, place=case.place,
        addresses=case.addresses,
    )  # fmt: skip


def earlier(one: float | None, other: float | None) -> float | None:
    """The earlier of two moments; None is never."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _evidence(kept: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    both = tuple(dict.fromkeys((*kept, *more)))
    half = EVIDENCE_MAX // 2
    return both if len(both) <= EVIDENCE_MAX else both[:half] + both[-half:]

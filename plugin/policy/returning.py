"""Cases of a former run of Halia: what becomes of each after a restart. Pure.

Nobody is forgotten: what isolated or was to isolate is wanted again, under its cookie and until its
old end, and counts as proven only once it is read back. Nobody is held longer either: what ran out
meanwhile is released, and so is whom the policy protects now.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plugin.actions import COOKIES
from plugin.policy import guard
from plugin.policy import transitions as to
from plugin.policy.book import ENFORCED, STANDING
from plugin.policy.cases import HALIA, NOBODY, Warned
from plugin.policy.rules import DURATION, HOUR
from plugin.policy.steps import takes
from plugin.policy.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.policy.cases import Case
    from plugin.policy.rules import Policy, Rule
    from plugin.policy.steps import Steps

_CHANGED = "its rule has changed: the device is looked at anew"
AHEAD = HOUR
"""An end that is so much later than it can be was written by a clock that was ahead."""


def restore(steps: Steps, cases: Iterable[Case], now: float) -> None:
    """Take the cases of a former run, each as it was last; those that are over are learned from."""
    last = {case.number: case for case in cases}
    ordered = [last[number] for number in sorted(last)]
    for case in ordered:
        steps.book.seen(case.number, case.cookie)
        _count(steps, case, now)
        if case.state == "over":
            steps.remember(case)
    back = [case for case in ordered if case.state != "over"]
    # What stands at a switch first: of two cases of a device that one is kept.
    for case in sorted(back, key=lambda one: (one.state not in STANDING, one.number)):
        if steps.book.of(case.mac) is not None:
            why = "its device has another case, that stands"
            steps.book.put(to.over(case, now, HALIA), case.state, why)
            steps.book.linger(case.cookie, case.mac)
        else:
            _back(steps, case, now)
    _orphaned(steps, now)
    replaced(steps, steps.policy, now)


def replaced(steps: Steps, policy: Policy, now: float) -> None:
    """There is another policy: let go whom it protects, drop what its rules do not want any more.

    Who is isolated by a rule that is gone stays so until the end that was told.
    """
    before = {rule.name: _unplaced(rule) for rule in steps.policy.rules}
    rules = {rule.name: rule for rule in policy.rules}
    changed = {
        name for name, rule in rules.items() if name in before and before[name] != _unplaced(rule)
    }
    steps.policy = policy
    for case in steps.book.all():
        if steps.book.get(case.number) != case:  # let go with the one that it depended on
            continue
        if case.state in ENFORCED:
            _protected(steps, case, now)
        elif case.state not in {"releasing", "released"}:
            name = case.rule or ""
            why = _CHANGED if name in changed else _dropped(case, rules.get(name))
            if why is not None:
                steps.close(case, HALIA, why, now)
            elif case.state in {"delayed", "pending"} and takes(case.action):
                _protected(steps, case, now)


def _unplaced(rule: Rule) -> Rule:
    """Lines that were put in above a rule do not change it."""
    return replace(rule, place="")


def _dropped(case: Case, rule: Rule | None) -> str | None:
    """Say why a case that takes nothing from its device ends with a policy; None: it goes on."""
    if rule is None:
        return "the policy has no such rule any more"
    if all(case.action != step.action for step in rule.steps):
        return _CHANGED
    if case.state != "simulated" and rule.mode != "enforce":
        return "its rule is only on trial now"
    return None


def _back(steps: Steps, case: Case, now: float) -> None:
    if case.state not in STANDING:
        steps.book.keep(_bounded(steps, case, now))
        return
    cookie = steps.book.cookie(case.cookie)
    if case.state == "releasing":
        again = replace(case, cookie=cookie, deadline=now + to.PROOF_SECONDS)
        steps.book.keep(again)
        return
    case = _bounded(steps, case, now)
    again = replace(
        case, state="isolating", cookie=cookie, proof="none", changed=now, actor=HALIA,
        deadline=to.earlier(now + to.PROOF_SECONDS, case.until),
    )  # fmt: skip
    if case.until is not None and case.until <= now:
        steps.book.keep(again)
        steps.let_go(again, NOBODY, "its time was over when Halia came back", now)
        return
    if case.state == "isolated":
        steps.book.put(again, case.state, "Halia came back: wanted on, and to be proven anew")
    else:
        steps.book.keep(again)
    if _protected(steps, again, now):
        return
    if (looked := steps.sight.look(case.mac)) is not None:
        again = to.heard(again, looked[0])
        steps.book.keep(again)
    steps.look_around(again)


def _orphaned(steps: Steps, now: float) -> None:
    """Let those go that depended on an isolation that is none any more."""
    for case in steps.book.standing():
        if case.parent is None or case.state not in ENFORCED:
            continue
        parent = steps.book.get(case.parent)
        if parent is None or parent.state not in ENFORCED:
            why = f"case {case.parent}, on which it depended, has ended"
            steps.let_go(case, HALIA, why, now)


def _protected(steps: Steps, case: Case, now: float) -> bool:
    """Let a case go that the policy protects now, by all that is known; whether it does."""
    looked = steps.sight.look(case.mac)
    subject = Subject(mac=case.mac, place=case.place, addresses=case.addresses)
    if looked is not None:
        subject = looked[0]
    if case.state in ENFORCED:
        return steps.spared(case, subject, now, role=True)
    # What else may hinder it is asked at its next step: just now it may not be known yet.
    text = guard.protected(steps.policy, subject)
    if text is None:
        return False
    steps.book.tell(Warned("protected", case.mac, f"case {case.number} is dropped: {text}"))
    steps.close(case, HALIA, text, now)
    return True


def _bounded(steps: Steps, case: Case, now: float) -> Case:
    """Give an end again that lies in the far future by a clock that was ahead, or none by a rule.

    Not where the clock is behind (before this site's first start, as without a battery): there
    every end seems far, and would come at once when the clock is put right.
    """
    span = case.duration or DURATION
    until = case.until
    if until is None:
        if case.state in ENFORCED and case.origin != "operator":
            until = now + span
    elif now >= steps.began and until > now + span + AHEAD:
        until = now + span
    return case if until == case.until else replace(case, until=until)


def _count(steps: Steps, case: Case, now: float) -> None:
    """Count an isolation that a rule began in the last hour."""
    if case.until is None or case.origin not in {"rule", "port"} or case.cookie not in COOKIES:
        return
    # It began when its end was set, as long before it as it was to last.
    began = min(case.until - case.duration, case.changed, now)
    if began > now - HOUR:
        steps.starts.add(began)

"""What persons may order, and what they may not. Pure.

A person is bound by what protects a device and by the size of the hook, by nothing else: not by the
learning period, maintenance or the caps. Each function changes nothing if it says no.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from plugin.policy import caps, suspicion
from plugin.policy import transitions as to
from plugin.policy.book import ENFORCED
from plugin.policy.cases import DeniedOrder, Warned
from plugin.policy.steps import takes

if TYPE_CHECKING:
    from plugin.actions import Action
    from plugin.policy.cases import Answered, Case, Extended, Ordered, Released, Thawed
    from plugin.policy.steps import Steps

SECONDS_MAX = 10 * 365 * 86_400.0
"""What is longer is without an end, or a slip of the finger."""


def ordered(steps: Steps, told: Ordered, now: float) -> None:
    """Somebody orders an isolation; it takes the place of whatever case the device has.

    Raises:
        DeniedOrder: the device is protected, the hook is full, or the order makes no sense.
    """
    if not takes(told.action):
        raise DeniedOrder(f"{told.action} isolates nobody: say limit, quarantine, revlan or block")
    if told.seconds is not None:
        _check(told.seconds)
    looked = steps.sight.look(told.mac)
    found = steps.hindered(looked)
    if found is not None or looked is None:
        raise DeniedOrder(f"{told.mac} is not isolated: {found.text if found else 'not known'}")
    told = told._replace(action=_with_services(told.action, steps))
    live = steps.book.of(told.mac)
    if live is not None and live.state in ENFORCED and live.action == told.action:
        steps.book.put(to.taken_over(live, told, now), live.state, told.reason)
        return
    if (text := caps.full(steps.book.room())) is not None:
        raise DeniedOrder(f"{told.mac} is not isolated: {text}; release others first")
    number = steps.book.number()
    if live is not None:
        why = f"case {number} takes its place: {told.actor} ordered {told.action}"
        steps.close(live, told.actor, why, now)
    case = to.ordered(number, told, looked[0], steps.policy.digest, now)
    steps.isolate(case, told.actor, told.reason, now)


def answered(steps: Steps, told: Answered, now: float) -> None:
    """Somebody approves or denies what a rule asked for.

    Raises:
        DeniedOrder: nobody asks, the time is over, or something speaks against it.
    """
    case = steps.book.get(told.number)
    if case is None or case.state != "pending":
        state = "is not known any more" if case is None else f"is {case.state}"
        raise DeniedOrder(f"case {told.number} waits for no answer: it {state}")
    if case.deadline is not None and case.deadline <= now:
        raise DeniedOrder(f"case {told.number} waits for no answer any more: its time is over")
    if told.approve:
        suspicion.approve(steps, case, told.actor, f"approved: {told.reason}", now)
    else:
        steps.deny(case, told.actor, f"denied: {told.reason}", now)


def extended(steps: Steps, told: Extended, now: float) -> None:
    """Somebody gives an isolation another end; those that depend on it end with it.

    Raises:
        DeniedOrder: it is no isolation, or not one by itself, or the time makes no sense.
    """
    case = steps.book.get(told.number)
    if case is None or case.state not in ENFORCED:
        state = "is not known any more" if case is None else f"is {case.state}"
        raise DeniedOrder(f"case {told.number} is no isolation that could be extended: it {state}")
    if case.parent is not None:
        raise DeniedOrder(f"case {told.number} ends with case {case.parent}: extend that one")
    _check(told.seconds)
    for one in (case, *steps.children(case.number)):
        prolonged = to.prolonged(one, told.seconds, now, told.actor)
        steps.book.put(prolonged, one.state, told.reason)


def released(steps: Steps, told: Released, now: float) -> None:
    """Somebody ends an isolation, or what would become one; or all.

    Raises:
        DeniedOrder: the device has none.
    """
    if told.mac is None:
        for case in steps.book.all():
            # One that depended on another has been let go with it.
            if steps.book.get(case.number) == case:
                _release(steps, case, told, now)
        return
    live = steps.book.of(told.mac)
    if live is None or not _release(steps, live, told, now):
        state = "nothing is decided about it"
        if live is not None:
            state = f"case {live.number} is {live.state}"
        raise DeniedOrder(f"{told.mac} is not isolated: {state}")


def thawed(steps: Steps, told: Thawed, now: float) -> None:  # noqa: ARG001 - as its siblings
    """Somebody allows isolations by rules again. Those of the last hour are forgiven.

    Raises:
        DeniedOrder: nothing is frozen.
    """
    if steps.frozen is None:
        raise DeniedOrder("nothing is frozen")
    was, steps.frozen = steps.frozen, None
    steps.starts.forget()
    text = f"{told.actor} allows isolations by rules again ({told.reason}); it was {was}"
    steps.book.tell(Warned("caps_ok", None, text))


def _release(steps: Steps, case: Case, told: Released, now: float) -> bool:
    if case.state in ENFORCED:
        steps.let_go(case, told.actor, told.reason, now)
    elif case.state in {"delayed", "pending"}:
        steps.deny(case, told.actor, told.reason, now)
    elif case.state in {"simulated", "observed"} and told.mac is not None:
        steps.close(case, told.actor, told.reason, now)
    else:
        return False
    return True


def _with_services(action: Action, steps: Steps) -> Action:
    """A quarantine without services of its own has those of the policy."""
    if action.kind != "quarantine" or action.allow:
        return action
    return replace(action, allow=steps.policy.allow)


def _check(seconds: float) -> None:
    if not (isfinite(seconds) and 0 < seconds <= SECONDS_MAX):
        raise DeniedOrder(f"{seconds} is no time that an isolation could last")

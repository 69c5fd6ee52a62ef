"""What a device that was looked at comes to: from a rule that applies to what is done. Pure.

::

    a rule applies ─┬─ on trial, learning, maintenance ─────────────▶ simulated
                    └─ enforced ─▶ [delayed ─▶] [pending ─▶] ─┬─ notify, watch ─▶ observed
                                                              └─ else ─▶ isolating

What protects a device is asked at each arrow towards ``isolating``; the caps at the last one, and
while they are frozen at the first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plugin.policy import transitions as to
from plugin.policy.book import ENFORCED
from plugin.policy.cases import HALIA, NOBODY, DeniedOrder
from plugin.policy.steps import harder, takes

if TYPE_CHECKING:
    from plugin.policy.cases import Case, Evaluated
    from plugin.policy.evaluate import Chosen, Evaluation
    from plugin.policy.guard import Looked
    from plugin.policy.rules import Rule
    from plugin.policy.steps import Steps
    from plugin.policy.subject import Subject

_FROZEN = "isolations by rules are frozen"
_THIN = "too little evidence: the rule names nothing that was seen"


def evaluated(steps: Steps, told: Evaluated, now: float) -> None:
    """A device was looked at: follow it, and do what the rules say."""
    evaluation = told.evaluation
    subject = evaluation.subject
    if evaluation.enforced is None:
        steps.calmed(subject.mac)
    live = steps.book.of(subject.mac)
    looked: Looked | None = None
    if live is not None and live.state in ENFORCED:
        looked = steps.sight.look(subject.mac)
        if looked is not None:
            steps.heard((subject, looked[1]), now)
    if subject.ignored is not None:
        return
    if evaluation.enforced is not None and _enforce(steps, evaluation, evaluation.enforced, now):
        return
    if evaluation.simulated is not None:
        _simulate(steps, evaluation, evaluation.simulated, "the rule is on trial", now)


def due(steps: Steps, case: Case, now: float) -> None:
    """The delay is over: what applied must apply still, and nothing must speak against it."""
    looked = steps.sight.look(case.mac)
    if looked is None:
        steps.close(case, NOBODY, "nothing is known of the device any more", now)
        return
    evaluation = steps.sight.evaluate(steps.policy, looked[0], now)
    chosen = evaluation.enforced if looked[0].ignored is None else None
    if chosen is None or chosen.rule.name != case.rule:
        steps.close(case, NOBODY, "the rule does not apply any more at the end of the delay", now)
        if chosen is not None:
            _enforce(steps, evaluation, chosen, now)
        return
    case = to.more_evidence(to.heard(case, looked[0]), chosen.evidence)
    if not takes(case.action):
        _go(steps, case, chosen.rule, "the rule applies still", now)
        return
    if (found := steps.doubted(looked)) is not None:
        steps.refuse(case.mac, chosen.rule.name, found)
        steps.close(case, HALIA, found.text, now)
        return
    trial = _on_trial(steps, chosen, now)
    if trial is None and _frozen(steps, looked, now, asks=chosen.rule.approve):
        trial = f"{_FROZEN}: {steps.frozen}"
    if trial is not None:
        deadline = now + case.duration
        steps.book.put(to.waits(case, "simulated", deadline, now, HALIA), case.state, trial)
        return
    _go(steps, case, chosen.rule, "the rule applies still at the end of the delay", now)


def approve(steps: Steps, case: Case, actor: str, why: str, now: float) -> None:
    """Somebody says yes.

    Raises:
        DeniedOrder: something speaks against it; the question stays open.
    """
    if not takes(case.action):
        _act(steps, case, actor, why, now)
        return
    looked = steps.sight.look(case.mac)
    found = steps.hindered(looked)
    if found is not None or looked is None:
        raise DeniedOrder(f"{case.mac} cannot be isolated: {found.text if found else 'unknown'}")
    if (pause := steps.paused(now)) is not None:
        raise DeniedOrder(
            f"no rule isolates now: {pause}; approve it later, or order the isolation yourself"
        )
    # A person's yes is no flood of verdicts: it is refused, but nothing is frozen by it.
    if (text := steps.frozen or steps.breach(looked, now)) is not None:
        raise DeniedOrder(f"too much is isolated by rules: {text}; release some, raise the cap in "
                          "the policy, or thaw what is frozen")  # fmt: skip
    _act(steps, to.heard(case, looked[0]), actor, why, now)


def _enforce(steps: Steps, evaluation: Evaluation, chosen: Chosen, now: float) -> bool:
    """Do what an enforced rule says, if it may; whether the device has a case then."""
    mac, rule = evaluation.subject.mac, chosen.rule
    live = steps.book.of(mac)
    case = _case(steps, evaluation, chosen, now)
    if takes(case.action) and (trial := _on_trial(steps, chosen, now)) is not None:
        return _simulate(steps, evaluation, chosen, trial, now)
    if live is not None and live.rule == rule.name and live.state != "simulated":
        steps.book.keep(to.more_evidence(live, chosen.evidence))
        return True
    if steps.denied(mac, rule.name, now) or not _gives_way(live, case, rule):
        return live is not None
    if takes(case.action):
        looked = _unhindered(steps, evaluation.subject, rule)
        if looked is None:
            return False
        if _frozen(steps, looked, now, asks=bool(rule.delay or rule.approve)):
            # Nothing is done, and it is seen whom it would have been done to.
            return _simulate(steps, evaluation, chosen, f"{_FROZEN}: {steps.frozen}", now)
    case = _make_way(steps, live, case, now)
    if rule.delay:
        waits = to.waits(case, "delayed", now + rule.delay, now, rule.name)
        steps.book.put(waits, None, case.reason)
    else:
        _go(steps, case, rule, case.reason, now)
    return True


def _on_trial(steps: Steps, chosen: Chosen, now: float) -> str | None:
    """Say why an enforced rule only tells what it would do; None: it may act."""
    return _THIN if not chosen.evidence else steps.paused(now)


def _unhindered(steps: Steps, subject: Subject, rule: Rule) -> Looked | None:
    """Give a device with what is around it, if it may be isolated; if not, it is told."""
    around = steps.sight.look(subject.mac)
    looked = None if around is None else (subject, around[1])
    found = steps.doubted(looked)
    if found is None:
        return looked
    steps.refuse(subject.mac, rule.name, found)
    return None


def _frozen(steps: Steps, looked: Looked, now: float, *, asks: bool) -> bool:
    """Whether the caps forbid it; what only waits or asks so far is not counted yet."""
    return steps.frozen is not None if asks else steps.capped(looked, now)


def _simulate(steps: Steps, evaluation: Evaluation, chosen: Chosen, why: str, now: float) -> bool:
    """Say what would be done; whether the device has a case then."""
    subject = evaluation.subject
    live = steps.book.of(subject.mac)
    case = _case(steps, evaluation, chosen, now)
    if live is not None:
        if live.rule == case.rule:
            steps.book.keep(to.more_evidence(live, chosen.evidence))
            return True
        if live.state != "simulated" or not harder(case.action, live.action):
            return True
    if takes(case.action):
        around = steps.sight.look(subject.mac)
        found = steps.hindered(None if around is None else (subject, around[1]))
        if found is not None:
            case = replace(case, notes=(f"it would be refused: {found.text}",))
    case = _make_way(steps, live, case, now)
    steps.book.put(case, None, f"only simulated: {why}")
    return True


def _gives_way(live: Case | None, case: Case, rule: Rule) -> bool:
    """Whether an enforced rule, not the one of the device's case, may take that case's place."""
    if live is None or live.state == "simulated":
        return True
    if not harder(case.action, live.action):
        return False
    if live.state not in ENFORCED:
        return True
    # Who is isolated is not let go while somebody is asked, and a person's word is not overruled.
    return not rule.delay and not rule.approve and live.origin != "operator"


def _case(steps: Steps, evaluation: Evaluation, chosen: Chosen, now: float) -> Case:
    """What a rule wants, as a case without a number."""
    subject = evaluation.subject
    step = steps.ladder.step(subject.mac, chosen.rule, now)
    return to.suspected(0, chosen, subject, steps.policy, step, now)


def _make_way(steps: Steps, live: Case | None, case: Case, now: float) -> Case:
    """Number a case, and close the one in whose place it comes; it never ends before that one."""
    case = replace(case, number=steps.book.number())
    if live is None:
        return case
    heir = case.number if case.scope == "port" else None
    why = f"case {case.number} takes its place: rule {case.rule}"
    steps.close(live, case.actor, why, now, heir=heir)
    if live.state in ENFORCED and live.until is not None:
        return replace(case, duration=max(case.duration, live.until - now))
    return case


def _go(steps: Steps, case: Case, rule: Rule, why: str, now: float) -> None:
    """Ask a person if the rule wants it, else act."""
    if not rule.approve:
        _act(steps, case, rule.name, why, now)
        return
    before = None if steps.book.get(case.number) is None else case.state
    deadline = now + rule.approve_within
    steps.book.put(to.waits(case, "pending", deadline, now, rule.name), before, why)


def _act(steps: Steps, case: Case, actor: str, why: str, now: float) -> None:
    if takes(case.action):
        steps.isolate(case, actor, why, now)
        return
    before = None if steps.book.get(case.number) is None else case.state
    deadline = now + case.duration
    steps.book.put(to.waits(case, "observed", deadline, now, actor), before, why)

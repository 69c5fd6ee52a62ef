"""What the shell saw at the switches, and what it means for the cases. Pure.

Only what was read back from every switch is called isolated, and only as long as the last report
says so. A report is about the wishes that it names (``wanted``): one that does not name a case's
cookie proves nothing of it, and one that still names it proves no end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plugin.policy import caps, guard
from plugin.policy import transitions as to
from plugin.policy.book import ENFORCED
from plugin.policy.cases import HALIA, NOBODY, Proof, Warned
from plugin.policy.steps import UNHOOKED, takes
from plugin.policy.subject import Subject

if TYPE_CHECKING:
    from plugin.actions import Isolation, Report
    from plugin.policy.cases import Case, Reported
    from plugin.policy.steps import Steps

UNREAD = "not proven: the switches cannot be read; Faucet says that it has loaded it"
MISSING = "not proven yet: "
LEFT_OUT = "left out: "
REFUSED = "cannot be done: "
_OURS = (UNREAD, MISSING, LEFT_OUT, REFUSED, UNHOOKED)


class Enforcing:
    """Whether what is wanted can be put in force at all, as far as was told."""

    def __init__(self) -> None:
        self._problem: str | None = None

    def reported(self, steps: Steps, told: Reported, now: float) -> None:
        """Take a report: the cases it is about, its strangers, its problem."""
        report = told.report
        self._tell(steps, report)
        steps.book.vanished(report.absent - report.wanted)
        lost = 0
        for case in steps.book.standing():
            if case.state == "releasing":
                _gone(steps, case, report, now)
            else:
                lost += _compare(steps, case, report, now)
        if lost:
            text = "the switches cannot be read: isolations are loaded, and not proven any more"
            steps.book.tell(Warned("proof", None, text))
        for stranger in sorted(report.strangers, key=lambda one: (one.mac, one.cookie)):
            _adopt(steps, stranger, now)

    def _tell(self, steps: Steps, report: Report) -> None:
        if report.problem == self._problem:
            return
        if report.problem is None:
            steps.book.tell(Warned("enforcing_ok", None, "isolations can be put in force again"))
        else:
            steps.book.tell(Warned("enforcing", None, report.problem))
        self._problem = report.problem


def overdue(steps: Steps, case: Case, now: float) -> None:
    """What is wanted, or not wanted any more, is not proven in its time, or its end has come."""
    if case.state == "releasing":
        text = "it is not proven that its isolation is gone from every switch; it is tried on"
        steps.book.tell(Warned("proof", case.mac, text))
        steps.book.insist()
    elif case.until is not None and case.until <= now:
        steps.let_go(case, NOBODY, "its time is over", now)
        return
    elif not (case.proof == "loaded" and UNREAD in case.notes):
        # Where the switches can never be read nobody is told so again and again: a note says it.
        said = [note for note in case.notes if note.startswith(_OURS)]
        why = "; ".join(said) or f"the rules are {_WORDS[case.proof]}"
        steps.book.tell(Warned("proof", case.mac, f"its isolation is not proven: {why}"))
        steps.book.insist()
    steps.book.keep(to.reminded(case, now))


_WORDS: dict[Proof, str] = {
    "none": "not written",
    "written": "not loaded",
    "loaded": "not seen at every switch",
    "proven": "seen at the switches",
}


def _gone(steps: Steps, case: Case, report: Report, now: float) -> None:
    if case.cookie in report.wanted:
        return
    if case.cookie not in report.absent:
        notes = [note for note in case.notes if not note.startswith(_OURS)]
        if case.cookie in report.unproven:
            notes.append(f"{MISSING}{report.unproven[case.cookie]}")
        if tuple(notes) != case.notes:
            steps.book.keep(replace(case, notes=tuple(notes)))
        return
    if any(one.mac == case.mac for one in report.strangers):  # under a cookie of another case
        return
    why = "gone from every switch" if report.probing else "Faucet has loaded a file without it"
    said = tuple(note for note in case.notes if not note.startswith(MISSING))
    released = to.waits(
        replace(case, proof="none", notes=said), "released", now + case.grace, now, HALIA
    )
    steps.book.put(released, case.state, why)


def _compare(steps: Steps, case: Case, report: Report, now: float) -> bool:
    """Hold a report against an isolation; whether it is one that lost its proof by blindness."""
    seen = _seen(steps, case, report)
    new = [note for note in seen.notes if note not in case.notes]
    for note in new:
        if note.startswith(REFUSED):
            steps.book.tell(Warned("refused", case.mac, f"{case.action} {note}"))
    if seen.proof == "proven":
        if case.state == "isolated":
            _settle(steps, case, seen)
        else:
            steps.book.put(to.isolated(seen, now), case.state, "read back from every switch")
        return False
    if case.state == "isolating":
        _settle(steps, case, seen)
        return False
    why = "; ".join(note for note in seen.notes if note.startswith(_OURS)) or "it does not stand"
    blind = UNREAD in seen.notes
    if not blind:
        steps.book.tell(Warned("proof", case.mac, f"its isolation is not proven any more: {why}"))
    steps.book.put(to.unproven(seen, now), case.state, why)
    return blind


def _settle(steps: Steps, case: Case, seen: Case) -> None:
    """Keep what was seen; tell it if it is more than how far it has come."""
    if _telling(case) != _telling(seen):
        steps.book.put(seen, case.state, "; ".join(_telling(seen)) or "as it should be again")
    elif seen != case:
        steps.book.keep(seen)


def _telling(case: Case) -> tuple[str, ...]:
    # What is missing at which switch changes while it is being put right.
    return tuple(n for n in case.notes if n.startswith(_OURS) and not n.startswith(MISSING))


def _seen(steps: Steps, case: Case, report: Report) -> Case:
    """The case with what a report says of it."""
    cookie = case.cookie
    if case.number in steps.unhooked:
        looked = steps.sight.look(case.mac)
        if looked is not None and looked[1].unhooked is None:
            del steps.unhooked[case.number]
    notes = [note for note in case.notes if not note.startswith(_OURS)]
    notes += [f"{LEFT_OUT}{service}" for service in report.left_out.get(cookie, ())]
    if cookie in report.refused:
        notes.append(f"{REFUSED}{report.refused[cookie]}")
    proof: Proof = "none"
    if cookie in report.wanted and cookie not in report.refused:
        proof = _proof(cookie, report)
    if case.number in steps.unhooked:
        notes.append(f"{UNHOOKED}{steps.unhooked[case.number]}")
        proof = "loaded" if proof == "proven" else proof
    elif proof == "loaded" and not report.probing:
        notes.append(UNREAD)
    elif proof != "proven" and cookie in report.unproven:
        notes.append(f"{MISSING}{report.unproven[cookie]}")
    return replace(case, proof=proof, notes=tuple(notes))


def _proof(cookie: int, report: Report) -> Proof:
    if cookie in report.proven:
        return "proven" if report.probing else "loaded"
    if cookie in report.loaded:
        return "loaded"
    return "written" if cookie in report.written else "none"


def _adopt(steps: Steps, stranger: Isolation, now: float) -> None:
    """Something isolates a device, and nobody remembers why: keep it, or say why not."""
    book, mac = steps.book, stranger.mac
    if book.knows(stranger):
        return
    live = book.of(mac)
    text = _not_kept(steps, stranger)
    if live is not None and live.state in ENFORCED:
        # One isolation of a device at a time: what its case wants takes the place of this one.
        book.linger(stranger.cookie, mac)
        if text is None:
            return
    elif text is None:
        case = to.found(book.number(), stranger, steps.policy.digest, now)
        if (looked := steps.sight.look(mac)) is not None:
            case = to.heard(case, looked[0])
        if live is not None:
            steps.close(live, HALIA, f"case {case.number} takes its place", now)
        case = steps.isolate(case, HALIA, case.reason, now, wish=stranger.cookie)
        if case.cookie != stranger.cookie:  # another case has it: what stands ends with that one's
            book.linger(stranger.cookie, mac)
        told = f"an isolation that nobody remembers stands: {case.action}, kept for"
        book.tell(Warned("orphan", mac, f"{told} {case.duration:g} s"))
        return
    else:
        _drop(steps, stranger, text, now)
    kind = "protected" if text.startswith("protected") else "orphan"
    book.tell(Warned(kind, mac, f"an isolation that nobody remembers is taken out: {text}"))


def _drop(steps: Steps, stranger: Isolation, why: str, now: float) -> None:
    """Take a stranger out; a case follows it to the end, unless device or cookie have one."""
    book, cookie = steps.book, stranger.cookie
    if book.of(stranger.mac) is not None or book.cookie(cookie) != cookie:
        book.linger(cookie, stranger.mac)  # it is seen gone with what has this cookie
        return
    case = to.found(book.number(), stranger, steps.policy.digest, now)
    book.put(to.releasing(replace(case, cookie=cookie), now, HALIA), None, why)


def _not_kept(steps: Steps, stranger: Isolation) -> str | None:
    """Say why an isolation that nobody remembers is not kept; None: it is."""
    if not takes(stranger.action):
        return "it isolates nobody"
    looked = steps.sight.look(stranger.mac)
    subject = Subject(mac=stranger.mac, place=stranger.place, addresses=stranger.addresses)
    subject = subject if looked is None else looked[0]
    if (text := guard.protected(steps.policy, subject)) is not None:
        return text
    live = steps.book.of(stranger.mac)
    if live is not None and live.state == "releasing":
        return "its device is being released"
    if steps.book.had_ended(stranger):
        return "it had ended before, and stands again"
    return caps.full(steps.book.room())

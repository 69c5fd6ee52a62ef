"""The steps that every way to an isolation shares, and the checks before them. Pure.

Nothing comes to stand at a switch but through :meth:`Steps.isolate`, and nobody calls that before
:meth:`Steps.hindered` (what protects a device) was asked, and, where a rule wants it,
:meth:`Steps.paused` (learning, maintenance) and :meth:`Steps.capped`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import ISOLATING, KINDS
from plugin.policy import caps, guard, hours
from plugin.policy import transitions as to
from plugin.policy.book import ENFORCED, Book
from plugin.policy.cases import HALIA, Warned
from plugin.policy.subject import Subject
from plugin.records import iso_second

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.actions import Action, Place
    from plugin.policy.cases import Case
    from plugin.policy.evaluate import Evaluation
    from plugin.policy.guard import Hindrance, Looked
    from plugin.policy.rules import Policy

WARNED_MAX = 4_096
"""Devices of which is remembered what was told; beyond it something may be told twice."""


class Sight(NamedTuple):
    """What a ledger may ask of the world."""

    look: Callable[[str], Looked | None]
    mates: Callable[[Place], Iterable[str]]
    evaluate: Callable[[Policy, Subject, float], Evaluation]


class Steps:
    """The cases, and what may become of them."""

    def __init__(self, policy: Policy, began: float, sight: Sight) -> None:
        self.policy = policy
        self.began = began
        self.sight = sight
        self.book = Book()
        self.ladder = caps.Ladder()
        self.starts = caps.Starts()
        self.frozen: str | None = None
        self.unhooked: dict[int, str] = {}
        """Why isolations cannot hold where their devices are now, by the case's number."""
        self._before: dict[int, frozenset[str]] = {}
        """Who was at the port before the isolation of a whole port: they are left alone."""
        self._warned: dict[str, tuple[str, str]] = {}
        self._denied: dict[str, tuple[str, float]] = {}

    # What speaks against it

    def paused(self, now: float) -> str | None:
        """Say why no rule enforces anything new now; None: it may."""
        learning_until = self.began + self.policy.learning
        if now < learning_until:
            end = iso_second(learning_until)
            return f"this site is learning until {end}"
        if self.policy.maintenance and hours.within(self.policy.maintenance, now):
            return f"maintenance: {hours.words(self.policy.maintenance)}"
        return None

    def hindered(self, looked: Looked | None) -> Hindrance | None:
        """Say why a device must not be isolated by anybody; None: it may."""
        return guard.hindrance(self.policy, looked)

    def doubted(self, looked: Looked | None) -> Hindrance | None:
        """Say why a device must not be isolated by a rule; None: it may."""
        return guard.doubted(self.policy, looked)

    def capped(self, looked: Looked, now: float) -> bool:
        """Whether the caps forbid one more isolation by a rule; the first breach is told."""
        if self.frozen is None and (text := self.breach(looked, now)) is not None:
            self.frozen = text
            told = f"{text}; no rule isolates anybody until somebody allows it"
            self.book.tell(Warned("caps", looked[0].mac, told))
        return self.frozen is not None

    def breach(self, looked: Looked, now: float) -> str | None:
        """Say which cap one more isolation by a rule would break; None: none.

        A device that is isolated already, and is to be isolated harder, is no further one.
        """
        subject, surroundings = looked
        others = [case for case in self.book.standing() if case.mac != subject.mac]
        return caps.full(self.book.room()) or caps.breach(
            self.policy.caps, others, subject.place,
            devices=surroundings.devices, lately=self.starts.lately(now),
        )  # fmt: skip

    def refuse(self, mac: str, rule: str, found: Hindrance) -> None:
        """Tell that what a rule wants is not done; once for a device and a rule."""
        if self._warned.get(mac) == (rule, found.kind):
            return
        if len(self._warned) >= WARNED_MAX:
            self._warned.clear()
        self._warned[mac] = (rule, found.kind)
        self.book.tell(Warned(found.kind, mac, f"rule {rule} is not applied: {found.text}"))

    def calmed(self, mac: str) -> None:
        """Note that no enforced rule applies to a device now."""
        self._warned.pop(mac, None)

    # What is done

    def isolate(self, case: Case, actor: str, why: str, now: float, *, wish: int = 0) -> Case:
        """Have an isolation stand from now on. All that could speak against it has been asked."""
        before = None if self.book.get(case.number) is None else case.state
        begun = to.isolating(case, self.book.cookie(wish), now, actor)
        self.book.put(begun, before, why)
        if begun.origin in {"rule", "port"}:
            self.starts.add(now)
        self.look_around(begun)
        return begun

    def look_around(self, case: Case) -> None:
        """Note who is at the port of a case for a whole port: only who comes later is meant."""
        if case.scope == "port" and case.place is not None:
            self._before[case.number] = frozenset(self.sight.mates(case.place))

    def parent(self, subject: Subject) -> Case | None:
        """Give the isolation of a whole port that takes a device in, if there is one."""
        for number, before in sorted(self._before.items()):
            case = self.book.get(number)
            if case is None or case.place is None or subject.place is None:
                continue
            # A port that was put into another VLAN as a whole has taken everybody in already.
            there = case.place[:2] == subject.place[:2] and case.action.kind != "revlan"
            if there and subject.mac not in before and subject.mac != case.mac:
                return case
        return None

    def pretended(self, parent: Case) -> Hindrance | None:
        """Say that nobody knows whether a port is that of an isolation; None: it is."""
        around = self.sight.look(parent.mac)
        if around is None or not around[0].twice:
            return None
        text = f"{parent.mac}, whose isolation its port would take it into: {guard.SPOOFED}"
        return guard.Hindrance("spoofed", text)

    def let_go(self, case: Case, actor: str, why: str, now: float) -> None:
        """End an isolation, and those that depend on it."""
        self.book.put(to.releasing(case, now, actor), case.state, why)
        self._end(case.number, f"it depended on case {case.number}: {why}", now)

    def close(
        self, case: Case, actor: str, why: str, now: float, *, heir: int | None = None
    ) -> None:
        """Put an end to a case at once; something of it may stand, if another takes its place.

        Args:
            case: of any state.
            actor: who does it.
            why: in words.
            now: seconds.
            heir: number of the case that the isolations depend on from now on that did on it.
        """
        # Only a *no* is followed by a grace without an isolation before: see deny().
        self._over(replace(case, grace=0.0) if case.until is None else case, actor, why, now)
        if heir is not None:
            for child in self.children(case.number):
                told = f"it depends on case {heir} from now on"
                self.book.put(replace(child, parent=heir), child.state, told)
        self._end(case.number, f"it depended on case {case.number}: {why}", now)

    def deny(self, case: Case, actor: str, why: str, now: float) -> None:
        """End what was never begun with a no: for its grace the rule does not ask again."""
        self._over(case, actor, why, now)

    def denied(self, mac: str, rule: str, now: float) -> bool:
        """Whether somebody said no to the same rule lately."""
        said = self._denied.get(mac)
        return said is not None and said[0] == rule and now < said[1]

    def remember(self, case: Case) -> None:
        """Learn from a case that is over: steps of ladders, whose cookie it was, a no."""
        self.ladder.note(case)
        self.book.remember(case)
        if case.until is None and case.grace and case.rule is not None:
            self._denied.pop(case.mac, None)
            self._denied[case.mac] = (case.rule, case.changed + case.grace)
            if len(self._denied) > WARNED_MAX:
                del self._denied[next(iter(self._denied))]

    def heard(self, looked: Looked, now: float) -> None:
        """Follow an isolated device; let it go if it turns out to be protected by the policy."""
        subject, surroundings = looked
        case = self.book.of(subject.mac)
        if case is None or case.state not in ENFORCED:
            return
        if self.spared(case, subject, now):
            return
        followed = to.heard(case, subject, but=self._claimed(case, subject))
        if followed is not case:
            self.book.keep(followed)
            if followed.place and case.place and followed.place[:2] != case.place[:2]:
                self.look_around(followed)
        if surroundings.unhooked is None:
            self.unhooked.pop(case.number, None)
        elif self.unhooked.get(case.number) != surroundings.unhooked:
            self.unhooked[case.number] = surroundings.unhooked
            self._drifted(followed, surroundings.unhooked, now)

    def _claimed(self, case: Case, subject: Subject) -> frozenset[str]:
        """Give addresses that the policy protects and that it has only since it is isolated."""
        new = set(subject.addresses).difference(case.addresses)
        return frozenset(
            one for one in new
            if guard.protected(self.policy, Subject(mac=subject.mac, addresses=(one,))) is not None
        )  # fmt: skip

    def spared(self, case: Case, subject: Subject, now: float, *, role: bool = False) -> bool:
        """Let an isolated device go that the policy protects; whether it is so.

        What it says of itself since it is isolated does not count, or whoever is isolated would
        free himself by one frame: neither an address nor (``role``) what it looks like.
        """
        own = tuple(one for one in subject.addresses if one in case.addresses)
        known = replace(subject, addresses=own, role=subject.role if role else None)
        text = guard.protected(self.policy, known)
        if text is None:
            claimed = guard.protected(self.policy, subject)
            if claimed is not None:
                said = f"stays isolated; only since then it is {claimed}: release it if so"
                self.book.tell(Warned("protected", case.mac, said))
            return False
        self.book.tell(Warned("protected", case.mac, f"let go: {text}"))
        self.let_go(case, HALIA, text, now)
        return True

    def _over(self, case: Case, actor: str, why: str, now: float) -> None:
        closed = to.over(case, now, actor)
        self.book.put(closed, case.state, why)
        self.remember(closed)

    def _drifted(self, case: Case, text: str, now: float) -> None:
        # One that is not proven yet is told of when its time is over, with the reason.
        if case.state == "isolated":
            self.book.tell(Warned("proof", case.mac, f"its isolation does not hold: {text}"))
            changed = replace(case, proof="loaded", notes=(*case.notes, f"{UNHOOKED}{text}"))
            self.book.put(to.unproven(changed, now), case.state, f"it moved: {text}")

    def _end(self, number: int, why: str, now: float) -> None:
        self._before.pop(number, None)
        self.unhooked.pop(number, None)
        for child in self.children(number):
            self.book.put(to.releasing(child, now, HALIA), child.state, why)

    def children(self, number: int) -> list[Case]:
        """List the isolations that depend on another one."""
        standing = self.book.standing()
        return [c for c in standing if c.parent == number and c.state in ENFORCED]


UNHOOKED = "not proven where it is: "
"""How a note begins that says why an isolation cannot hold where the device is."""


def harder(action: Action, than: Action) -> bool:
    """Whether an action takes more from a device than another one."""
    return KINDS.index(action.kind) > KINDS.index(than.kind)


def takes(action: Action) -> bool:
    """Whether an action takes anything from a device."""
    return action.kind in ISOLATING

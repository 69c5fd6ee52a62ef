"""A policy out of Poseidon's rules, made to work as Poseidon documents them. Pure.

A rule holds if all of its entries hold; of several rules that hold the hardest action counts, for
Poseidon puts the ACLs of all of them at the port. Nothing is enforced unless that is asked for.
docs/poseidon-rules.md tells what is not the same.
"""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import KINDS
from plugin.errors import PolicyError, nearest, printable
from plugin.policy.conditions import USUAL_WINDOWS
from plugin.policy.poseidon_acls import UnlikeError, effect_of
from plugin.policy.poseidon_files import KEYS
from plugin.policy.rule import REASON_MAX, RULES_MAX
from plugin.policy.rules import DAY, Match, Policy, Rule
from plugin.policy.safety import refusals
from plugin.settings.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.actions import Action
    from plugin.policy.poseidon_files import AclRule, AclsFile, Entry, Named, RulesFile
    from plugin.policy.rules import Mode
    from plugin.yaml_places import Word

DURATION = DAY
"""Of an isolation: Poseidon's has no end; ours begins anew as long as the rule applies."""
OS_UNTOLD = (
    "asks for the operating system, which nobody tells a running Halia yet: it applies to nobody"
)
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_MAX = 60
"""Letters of a rule's name, so that there is room for a number that makes it unique."""


class Left(NamedTuple):
    """A rule that no policy of ours can stand for."""

    place: str
    rule: str
    reason: str

    def __str__(self) -> str:
        """As problems are told."""
        return printable(f"{self.place}: rules.{self.rule}: {self.reason}")


class Imported(NamedTuple):
    """What became of Poseidon's rules."""

    policy: Policy
    left: tuple[Left, ...]
    """Rules that are not in the policy, and why."""
    notes: tuple[str, ...]
    """What is not quite as it was, each with its place."""


class _UnableError(Exception):
    """A rule cannot be had."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place, self.reason = place, reason


def import_policy(
    rules: RulesFile,
    acls: AclsFile | None = None,
    *,
    mode: Mode = "simulate",
    instead: Mapping[str, Action] | None = None,
) -> Imported:
    """Make a policy.

    Args:
        rules: ``rules.yaml``.
        acls: ``acls.yaml``; None: there is none, then each ACL has to be in ``instead``.
        mode: ``enforce`` what may be enforced; the rest is simulated all the same, with a note.
        instead: what to do in place of an ACL, by its name.

    Raises:
        PolicyError: all that is wrong in the files.
    """
    problems = rules.problems + (acls.problems if acls is not None else ())
    if problems:
        raise PolicyError(*problems)
    making = _Making(acls, mode, instead or {})
    for named in rules.rules:
        making.add(named)
    if len(making.rules) > RULES_MAX:
        raise PolicyError(f"{rules.source}: more than {RULES_MAX} rules")
    # The first that applies decides: so the hardest are first, else in the order of the file.
    found = sorted(making.rules, key=lambda rule: -KINDS.index(rule.action.kind))
    parts = rules.digest + (acls.digest if acls is not None else "")
    policy = Policy(
        rules=tuple(found), source=rules.source, digest=sha256(parts.encode()).hexdigest()
    )
    return Imported(policy, tuple(making.left), tuple(map(printable, making.notes)))


class _Making:
    """The rules so far."""

    def __init__(self, acls: AclsFile | None, mode: Mode, instead: Mapping[str, Action]) -> None:
        self.rules: list[Rule] = []
        self.left: list[Left] = []
        self.notes: list[str] = []
        self._acls, self._mode, self._instead = acls, mode, instead
        self._names: set[str] = set()

    def add(self, named: Named) -> None:
        """Add one rule, or say why not."""
        before = len(self.notes)
        try:
            match = self._match(named)
            action = self._action(named)
        except _UnableError as error:
            del self.notes[before:]
            self.left.append(Left(error.place, named.name.text, error.reason))
            return
        acls = ", ".join(acl.text for acl in named.acls)
        reason = printable(f"Poseidon's rule {named.name.text}, for ACLs {acls}")
        rule = Rule(
            name=self._name(named.name),
            place=named.name.place,
            match=match,
            action=action,
            mode=self._mode,
            duration=DURATION,
            grace=0.0,
            reason=reason[:REASON_MAX],
        )
        refused = list(refusals(rule))
        if refused:
            self._note(named.name, f"stays on trial: in mode enforce it {refused[0]}")
            rule = replace(rule, mode="simulate")
        self.rules.append(rule)

    def _note(self, where: Word, text: str) -> None:
        self.notes.append(f"{where.place}: rules.{where.text}: {text}")

    def _name(self, word: Word) -> str:
        """Give a rule a name that a policy can have, and no other rule has."""
        plain = _NOT_NAME.sub("-", word.text).strip("-_.")[:_NAME_MAX] or "rule"
        name, number = plain, 2
        while name in self._names:
            name, number = f"{plain}-{number}", number + 1
        self._names.add(name)
        if name != word.text:
            self._note(word, f"is called {name} here")
        return name

    def _match(self, named: Named) -> Match:
        """What the rule asks: all of its entries."""
        if not named.entries:
            raise _UnableError(named.name.place, "has no entries: it asks nothing and does nothing")
        for entry in named.entries:
            wrong = _wrong(entry)
            if wrong is not None:
                raise _UnableError(entry.place, wrong)
        role, os = self._value(named, "role"), self._value(named, "os")
        if os is not None:
            self._note(named.name, OS_UNTOLD)
        percents = [e.percent for e in named.entries if e.percent is not None and _is(e, "role")]
        for entry in named.entries:
            if entry.percent is not None and _is(entry, "os"):
                self._note(named.name, "min_confidence of an os says nothing: p0f tells none")
        return Match(
            roles=() if role is None else (role,),
            decisions=() if role is None else ("known",),
            min_confidence=max(percents) / 100.0 if percents else None,
            windows=None if role is None else USUAL_WINDOWS,
            os=() if os is None else (os,),
        )

    def _value(self, named: Named, key: str) -> str | None:
        """The value that the entries of a key agree on."""
        words = [entry.value for entry in named.entries if entry.value and _is(entry, key)]
        different = [word for word in words if word.text != words[0].text]
        if different:
            raise _UnableError(
                different[0].place,
                f"asks for {words[0].text} and for {different[0].text}: a device has one {key};"
                " make two rules of it",
            )
        return words[0].text if words else None

    def _action(self, named: Named) -> Action:
        """What its ACLs do."""
        if not named.acls:
            raise _UnableError(named.name.place, "names no ACLs: there is nothing to do")
        given = [self._instead[acl.text] for acl in named.acls if acl.text in self._instead]
        if given:
            others = [acl.text for acl in named.acls if acl.text not in self._instead]
            if others:
                self._note(named.name, f"what {', '.join(others)} does is passed over")
            return max(given, key=lambda action: KINDS.index(action.kind))
        known = self._acls.acls if self._acls is not None else {}
        rules: list[AclRule] = []
        for acl in named.acls:
            if acl.text not in known:
                raise _UnableError(acl.place, "; ".join(self._missing(acl.text)))
            rules += known[acl.text].rules
        meters = self._acls.meters if self._acls is not None else {}
        try:
            effect = effect_of(rules, meters)
        except UnlikeError as error:
            names = ", ".join(acl.text for acl in named.acls)
            raise _UnableError(
                named.acls[0].place, f"{error} ({names}; or say --instead ACL=ACTION)"
            ) from error
        for note in effect.notes:
            self._note(named.name, note)
        return effect.action

    def _missing(self, name: str) -> Iterator[str]:
        if self._acls is None:
            yield f"what the ACL {name} does is not known: give --acls FILE"
        else:
            known = self._acls.acls
            hint = nearest(name, known) if known else ""
            yield f"{self._acls.source} has no ACL {name}{hint}"
        yield "or say --instead ACL=ACTION"


def _is(entry: Entry, key: str) -> bool:
    return entry.key is not None and entry.key.text == key


def _wrong(entry: Entry) -> str | None:
    """Say why nobody can tell what an entry means."""
    if not entry.wrapped:
        return "an entry begins with rule:"
    if entry.key is None:
        return (
            "an entry without device_key never holds: such a rule is for orders by hand"
            " (halia isolate DEVICE --as ACTION)"
        )
    if entry.key.text not in KEYS:
        return f"no device has a {quoted(entry.key.text)}: os or role"
    if entry.value is None:
        return f"says no value for the {entry.key.text}"
    if entry.acls is None:
        return "an entry names the ACLs it is for: acls: []"
    return None

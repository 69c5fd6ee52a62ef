"""What Poseidon itself does wrong with its ``rules.yaml`` and ``acls.yaml``. Pure.

:mod:`poseidon_kinds` has the words of each kind of finding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import nearest, printable
from plugin.policy.poseidon_files import KEYS
from plugin.policy.poseidon_kinds import ALWAYS
from plugin.policy.poseidon_kinds import KINDS as FINDINGS
from plugin.settings.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plugin.policy.poseidon_files import Acl, AclsFile, Entry, Named, RulesFile
    from plugin.policy.poseidon_kinds import Effect

LABELS = (
    "Active Directory controller", "Administrator server", "Administrator workstation",
    "Business workstation", "Confluence server", "Developer workstation",
    "Distributed file share", "Exchange server", "GPU laptop", "GitHub server", "PKI server",
    "Printer",
)  # fmt: skip
"""Of the model that comes with NetworkML."""
_OWN = "poseidon"
_FILE = re.compile(r"[A-Za-z0-9._]+\.yaml")
_PLACE = re.compile(r"(.*?:[0-9]+:[0-9]+): (.*)", re.DOTALL)


class Finding(NamedTuple):
    """One thing that goes wrong. Its texts are printable, each in one line."""

    place: str
    """FILE:LINE:COLUMN."""
    kind: str
    effect: Effect
    rule: str | None
    """None: it is about the file."""
    text: str

    def __str__(self) -> str:
        """As one line."""
        about = "" if self.rule is None else f"rules.{self.rule}: "
        return f"{self.place}: {about}{self.text} [{self.effect}: {self.kind}]"


def lint(rules: RulesFile, acls: AclsFile | None = None) -> tuple[Finding, ...]:
    """Find what Poseidon does wrong.

    Args:
        rules: ``rules.yaml``.
        acls: ``acls.yaml``; None: it is not looked at.

    Returns:
        The findings by place, those of ``rules.yaml`` first.
    """
    found = [*_forms(rules.problems), *_includes(rules)]
    if any(named.acls for named in rules.rules):
        found += [_found(kind, rules.place) for kind in ALWAYS]
    for named in rules.rules:
        found += _rule(named)
        if acls is not None:
            found += _unknown(named, acls)
    found.sort(key=_position)
    if acls is not None:
        of_acls = [*_forms(acls.problems), *_open(acls.acls.items())]
        found += sorted(of_acls, key=_position)
    return tuple(found)


def _found(kind: str, place: str, rule: Named | None = None, **words: str) -> Finding:
    name = None if rule is None else printable(rule.name.text)
    effect, text = FINDINGS[kind]
    return Finding(printable(place), kind, effect, name, printable(text.format(**words)))


def _position(finding: Finding) -> tuple[int, int]:
    line, column = finding.place.rsplit(":", 2)[1:]
    return int(line), int(column)


def _forms(problems: Iterable[str]) -> Iterator[Finding]:
    for problem in problems:
        if (split := _PLACE.fullmatch(problem)) is not None:
            yield _found("form", split[1], problem=split[2])


def _includes(rules: RulesFile) -> Iterator[Finding]:
    for number, word in enumerate(rules.includes):
        name = word.text.rpartition("/")[2]
        if number:
            yield _found("two-includes", word.place)
        else:
            yield _found("stale-copy", word.place, name=name)
        if name.startswith(_OWN):
            yield _found("own-name", word.place)
        if not _FILE.fullmatch(name):
            yield _found("include-name", word.place, name=quoted(name))


def _rule(named: Named) -> Iterator[Finding]:
    if named.listed and not named.entries:
        yield _found("no-entries", named.name.place, named)
    for entry in named.entries:
        yield from _shape(named, entry)
        key = entry.key.text if entry.key else None
        if key is None:
            yield _found("no-key", entry.place, named)
        elif key not in KEYS:
            yield _found("unknown-key", entry.place, named, name=quoted(key))
        elif key == "os":
            yield _found("os-never", entry.place, named)
        else:
            yield from _role(named, entry)
        if key in KEYS and entry.percent_place:
            yield _found("confidence", entry.percent_place, named)
    for key, kind in (("os", "two-systems"), ("role", "two-roles")):
        yield from _both(named, key, kind)


def _shape(named: Named, entry: Entry) -> Iterator[Finding]:
    if not entry.wrapped:
        yield _found("no-rule", entry.place, named)
    elif entry.acls is None:
        yield _found("no-acls", entry.place, named)
    if not entry.acls_listed:
        yield _found("letters", entry.place, named)
    if entry.key is not None and entry.key.text in KEYS and entry.value is None:
        yield _found("no-value", entry.place, named)
    if entry.value is not None and not entry.plain_text:
        yield _found("not-text", entry.value.place, named)


def _role(named: Named, entry: Entry) -> Iterator[Finding]:
    yield _found("role-stops", entry.place, named)
    yield _found("likeliest-three", entry.place, named)
    value = entry.value
    if value is not None and entry.plain_text and value.text not in LABELS:
        hint = nearest(value.text, LABELS)
        near = hint if "did you mean" in hint else "; well if your own model has"
        yield _found("label", value.place, named, name=quoted(value.text), near=near)


def _both(named: Named, key: str, kind: str) -> Iterator[Finding]:
    words = [e.value for e in named.entries if e.value and e.key and e.key.text == key]
    for word in words:
        if word.text != words[0].text:
            first, second = quoted(words[0].text), quoted(word.text)
            yield _found(kind, word.place, named, first=first, second=second)
            return


def _unknown(named: Named, acls: AclsFile) -> Iterator[Finding]:
    for acl in named.acls:
        if acl.text not in acls.acls:
            name = quoted(acl.text)
            yield _found("unknown-acl", acl.place, named, name=name, file=acls.source)


def _open(acls: Iterable[tuple[str, Acl]]) -> Iterator[Finding]:
    for name, acl in acls:
        if not acl.rules:
            yield _found("empty-acl", acl.place, name=name)
        elif not acl.rules[-1].match and acl.rules[-1].actions.get("allow"):
            yield _found("allows-all", acl.rules[-1].place, name=name)

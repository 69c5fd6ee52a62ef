"""Poseidon's rules from files: as a policy of ours, and what Poseidon does wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import PolicyError
from plugin.offline.policy import read_known
from plugin.policy.poseidon_dialect import import_policy
from plugin.policy.poseidon_files import read_acls, read_rules
from plugin.policy.poseidon_lint import lint
from plugin.policy.written import policy_yaml
from plugin.yaml_places import read_limited

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from plugin.actions import Action
    from plugin.policy.poseidon_dialect import Imported
    from plugin.policy.poseidon_files import AclsFile, RulesFile
    from plugin.policy.poseidon_lint import Finding
    from plugin.policy.rules import Mode


class Written(NamedTuple):
    """A policy out of Poseidon's rules."""

    imported: Imported
    text: str
    """The policy's YAML."""
    warnings: tuple[str, ...]
    """What ``halia policy check`` would say of it."""


def import_files(
    rules: Path,
    acls: Path | None = None,
    *,
    mode: Mode = "simulate",
    instead: Mapping[str, Action] | None = None,
    data: Path | None = None,
) -> Written:
    """Make a policy.

    Args:
        rules: ``rules.yaml``.
        acls: ``acls.yaml``; None: the file that ``rules`` includes, where it stands beside it.
        mode: of all rules that may have it.
        instead: what to do in place of an ACL.
        data: the setting ``data``.

    Raises:
        PolicyError: a file cannot be read, or all that is wrong in them.
    """
    of_rules, of_acls = _load(rules, acls)
    imported = import_policy(of_rules, of_acls, mode=mode, instead=instead)
    text = policy_yaml(imported.policy, _header(imported, of_rules, of_acls))
    warnings = read_known(text, "the new policy", data).warnings
    return Written(imported, text, warnings)


def lint_files(rules: Path, acls: Path | None = None) -> tuple[Finding, ...]:
    """Find what Poseidon does wrong with these files; ``acls`` as in :func:`import_files`.

    Raises:
        PolicyError: a file cannot be read, or is no YAML.
    """
    return lint(*_load(rules, acls))


def _load(rules: Path, acls: Path | None) -> tuple[RulesFile, AclsFile | None]:
    kind = "file of rules"
    of_rules = read_rules(read_limited(rules, error=PolicyError, kind=kind), str(rules))
    file = acls if acls is not None else _beside(rules, of_rules)
    if file is None:
        return of_rules, None
    return of_rules, read_acls(read_limited(file, error=PolicyError, kind=kind), str(file))


def _beside(rules: Path, read: RulesFile) -> Path | None:
    """Find the one file that the rules include, as Poseidon does."""
    if len(read.includes) != 1:
        return None
    found = rules.parent / read.includes[0].text
    return found if found.is_file() else None


def _header(imported: Imported, rules: RulesFile, acls: AclsFile | None) -> Iterator[str]:
    """Say where the policy comes from, and what is not in it."""
    files = rules.source if acls is None else f"{rules.source} and {acls.source}"
    yield f"Made by halia policy import, out of {files}, rules of Poseidon's."
    yield "Try it (halia policy check, explain, simulate), name what is never to be isolated under"
    yield "protect:, and only then set mode: enforce, rule by rule. The hardest rules are first."
    if imported.left:
        yield ""
        yield "Not here, for there is nothing like it:"
        yield from (f"  {left}" for left in imported.left)
    if imported.notes:
        yield ""
        yield "Not quite the same:"
        yield from (f"  {note}" for note in imported.notes)

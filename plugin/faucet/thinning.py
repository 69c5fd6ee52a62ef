"""Our include without the rules of some cases, everything else as it stands. Pure.

The daemon renders the include anew from what it wants. Without it nobody knows all of that: where a
redirected device is, which services were left out. So rules are taken out, and the others stay as
they are, to the byte: the inverse of each isolation is its absence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.actions import COOKIES as ISOLATIONS
from plugin.faucet.hook import HEAD, OURS, PRIMING_MAC
from plugin.faucet.standing import MAC
from plugin.faucet.tree import Tree, UnreadableError, flow

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_RULE, _METERS = "    - ", "meters:"
_QUOTED = 60
_WATCHES = range(ISOLATIONS.stop, 0x10000)
"""Cookies of rules that only copy."""


def without(text: str, cookies: Container[int]) -> str:
    """Take out all rules with these cookies, and the meters that nobody uses then.

    Args:
        text: our include, as :func:`plugin.faucet.hook.render` writes it: a rule a line.
        cookies: of the cases.

    Raises:
        UnreadableError: it is not as we write it.
    """
    lines = text.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if line.rstrip() == _METERS), len(lines))
    kept: list[str] = []
    used: set[str] = set()
    for line in lines[:end]:
        rule = _rule(line)
        if rule.get("cookie") in cookies:
            continue
        kept.append(line)
        actions = rule.get("actions")
        used.add(str(actions.get("meter")) if isinstance(actions, dict) else "")
    meters = [line for line in lines[end + 1 :] if not used.isdisjoint(_keys(line))]
    return "".join([*kept, *([f"{_METERS}\n"] if meters else []), *meters])


def lined(text: str) -> str:
    """Give our include a rule a line again, as it was before faucetconfrpc wrote it in its form.

    Raises:
        UnreadableError: it is not what we write, in whatever form.
    """
    plain = Tree(text).plain
    acls, meters = plain.get("acls"), plain.get("meters") or {}
    if plain.keys() - {"acls", "meters"} or not isinstance(acls, dict):
        raise UnreadableError("not as Halia writes it: more than ACLs and meters, or none")
    lines = [*HEAD, "acls:"]
    for name, rules in acls.items():
        if not OURS.fullmatch(str(name)) or not isinstance(rules, list):
            raise UnreadableError(f"not as Halia writes it: {str(name)[:_QUOTED]}")
        lines += [f"  {flow(name)}:", *(f"{_RULE}{flow(rule)}" for rule in rules)]
    if meters:
        lines += [_METERS, *(f"  {flow(name)}: {flow(meter)}" for name, meter in meters.items())]
    return "".join(f"{line}\n" for line in lines)


def strangers(text: str) -> frozenset[str]:
    """Give the devices that such rules name: they may be cut off by them."""
    found = (named for _, rule in _strange(text) for named in _named(rule))
    return frozenset(one for one in found if MAC.fullmatch(one))


def strange(text: str, macs: frozenset[str] | None = None) -> tuple[str, ...]:
    """Give the rules that are none of ours: somebody wrote them into our include.

    Ours are those of a case, those that only copy, those that match nobody, and the last one of a
    list, which lets all through.

    Args:
        text: our include, a rule a line.
        macs: only those that name one of these devices; None: all.

    Raises:
        UnreadableError: it is not as we write it.
    """
    return tuple(
        line.strip()[:_QUOTED]
        for line, rule in _strange(text)
        if macs is None or not macs.isdisjoint(_named(rule))
    )


def _strange(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = text.splitlines()
    end = next((n for n, line in enumerate(lines) if line.rstrip() == _METERS), len(lines))
    for line in lines[:end]:
        rule = _rule(line)
        if rule and not _ours(rule):
            yield line, rule


def _named(rule: dict[str, Any]) -> set[str]:
    """What a rule matches, as MAC addresses are written here."""
    return {str(value).lower() for value in rule.values()}


def _ours(rule: dict[str, Any]) -> bool:
    cookie, actions = rule.get("cookie"), rule.get("actions")
    allows = (
        isinstance(actions, dict)
        and actions.get("allow") == 1
        and not actions.keys() - {"allow", "mirror"}
    )
    if cookie is not None:
        return cookie in ISOLATIONS or (cookie in _WATCHES and allows)
    matched = {key: value for key, value in rule.items() if key not in {"actions", "description"}}
    return PRIMING_MAC in matched.values() or (not matched and allows)


def _rule(line: str) -> dict[str, Any]:
    """The rule of a line; empty if it is a comment or a heading."""
    if line.startswith("#") or (line.rstrip().endswith(":") and not line.startswith(_RULE)):
        return {}
    if line.startswith(_RULE):
        found = Tree(line.removeprefix(_RULE)).plain.get("rule")
        if isinstance(found, dict):
            return found
    raise UnreadableError(f"not as Halia writes it: {line.strip()[:_QUOTED]}")


def _keys(line: str) -> set[str]:
    return set(map(str, Tree(line).plain))

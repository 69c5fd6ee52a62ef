"""Which isolations stand in a text of our include: the way back from rules to actions. Pure.

What is not exactly as we write it is given back as a block of that device: a stranger must not
become freer by being understood wrongly.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.actions import COOKIES, RATE_MAX, Action, Isolation
from plugin.faucet.coverage import rules_of
from plugin.faucet.hook import HOOK, REMED
from plugin.faucet.removal import is_ours
from plugin.faucet.services import parts, recognised
from plugin.faucet.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plugin.actions import Service
    from plugin.faucet.services import Match

MAC = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")
"""One device: multicast addresses are of none."""
QUARANTINE = "quarantine"
"""Tells a quarantine without services from a block; it stands in the rule's description."""
_METER = re.compile(r"halia_m([0-9]{1,5})_r([0-9]{1,9})")
_BESIDE = frozenset(("actions", "cookie", "description"))
_ENDS = ("dl_src", "dl_dst")
BLOCK = Action(kind="block")
KEPT = 4


class _Found(NamedTuple):
    """One rule of a file."""

    acl: str
    match: Match
    allow: Any
    about: Any
    more: dict[Any, Any]
    """Its other actions, without the mirror: where copies go changes nothing for the device."""


def meter(cookie: int, rate: int) -> tuple[str, dict[str, Any]]:
    """Give a limit's meter, by the name that its rule calls it: a new one for every rate."""
    band = {"type": "DROP", "rate": rate}
    entry = {"meter_id": cookie, "entry": {"flags": ["KBPS"], "bands": [band]}}
    return f"halia_m{cookie}_r{rate}", entry


@lru_cache(maxsize=KEPT)
def read(text: str) -> tuple[Isolation, ...]:
    """Give the isolations that stand in our include, in order of MAC.

    Place and addresses are not said there; ports that were moved stand in the root file. What the
    last texts said is kept: the file is looked at in every turn, and 200 devices take a second.

    Raises:
        UnreadableError: it is no YAML, or no mapping.
    """
    plain = Tree(text).plain
    hooks: set[str] = set()
    groups: dict[tuple[str, int], list[_Found]] = {}
    acls = plain.get("acls")
    for name, acl in acls.items() if isinstance(acls, dict) else ():
        if not is_ours(name) or not isinstance(acl, list | dict):
            continue
        if name.startswith(HOOK):
            hooks.add(name)
        for rule in _rules(acl):
            for mac in _devices(rule):
                groups.setdefault((mac, rule["cookie"]), []).append(_found(name, rule))
    meters = plain.get("meters")
    known = meters if isinstance(meters, dict) else {}
    return tuple(
        Isolation(cookie=cookie, mac=mac, action=_action(mac, cookie, rules, hooks, known))
        for (mac, cookie), rules in sorted(groups.items(), key=lambda item: item[0])
    )


def _rules(acl: list[Any] | dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Give the rules on isolations, whoever wrote them."""
    written = acl.get("rules") if isinstance(acl, dict) else acl
    if not isinstance(written, list):
        return
    for rule in rules_of(written):
        cookie = rule.get("cookie")
        if isinstance(cookie, int) and not isinstance(cookie, bool) and cookie in COOKIES:
            yield rule


def _devices(rule: Mapping[Any, Any]) -> set[str]:
    """Give the single devices that a rule names."""
    ends = (rule.get(key) for key in ("dl_src", "dl_dst", "eth_src", "eth_dst"))
    return {end.lower() for end in ends if isinstance(end, str) and MAC.fullmatch(end.lower())}


def _found(acl: str, rule: Mapping[Any, Any]) -> _Found:
    actions = rule.get("actions")
    more = dict(actions) if isinstance(actions, dict) else {"": actions}
    allow = more.pop("allow", 1 if "mirror" in more else 0)
    more.pop("mirror", None)
    match = tuple(
        (str(k), v if isinstance(v, int | str) else repr(v))
        for k, v in rule.items()
        if k not in _BESIDE
    )
    return _Found(acl, match, allow, rule.get("description", ""), more)


def _action(
    mac: str,
    cookie: int,
    rules: Sequence[_Found],
    hooks: set[str],
    meters: Mapping[Any, Any],
) -> Action:
    """Understand a device's rules, or take them for a block."""
    by_hook = {name: [r for r in rules if r.acl == name] for name in hooks}
    elsewhere = [r for r in rules if r.acl not in hooks]
    first, *others = [[r._replace(acl="") for r in found] for found in by_hook.values()] or [[]]
    if any(other != first for other in others):
        return BLOCK
    try:
        return _understood(mac, cookie, first, elsewhere, meters) or BLOCK
    except ValueError:  # an address that is none
        return BLOCK


def _understood(
    mac: str,
    cookie: int,
    rules: Sequence[_Found],
    elsewhere: Sequence[_Found],
    meters: Mapping[Any, Any],
) -> Action | None:
    if len(rules) == 1 and not elsewhere:
        return _limit(mac, cookie, rules[0], meters)
    rules = _in_one_order(rules)
    if not _is_quarantine(mac, rules):
        return None  # a block, or something that is taken for one
    *services, sends, _ = rules
    redirect = bool(sends.more)
    back = [r for r in elsewhere if r.acl.startswith(REMED) and _is_output(r)]
    if redirect != bool(elsewhere) or len(back) < len(elsewhere):
        return None
    allow = _services(mac, [r.match for r in services])
    return None if allow is None else Action(kind="quarantine", allow=allow, redirect=redirect)


def _in_one_order(rules: Sequence[_Found]) -> Sequence[_Found]:
    """Give services first, then both drops, where all of what it sends stands before the rest."""
    ends = [dict(rule.match).keys() & set(_ENDS) for rule in rules]
    sent = sum(end == {"dl_src"} for end in ends)
    if not 0 < sent < len(rules) or any(end != {"dl_src"} for end in ends[:sent]):
        return rules  # as earlier versions wrote it, or by another hand
    return [*rules[: sent - 1], *rules[sent:-1], rules[sent - 1], rules[-1]]


def _is_quarantine(mac: str, rules: Sequence[_Found]) -> bool:
    """Tell whether rules have a quarantine's form: what lets pass, then both drops and no more."""
    if len(rules) < len(_ENDS):
        return False
    *services, sends, receives = rules
    return (
        sends[1:4] == ((("dl_src", mac),), 0, QUARANTINE)
        and receives[1:] == ((("dl_dst", mac),), 0, QUARANTINE, {})
        and (not sends.more or _is_output(sends))
        and all(r.allow == 1 and not r.more and not r.about for r in services)
    )


def _is_output(rule: _Found) -> bool:
    output = rule.more.get("output")
    ports = output.get("ports") if isinstance(output, dict) and len(output) == 1 else None
    one = isinstance(ports, list) and len(ports) == 1 and isinstance(ports[0], int)
    return one and len(rule.more) == 1 and rule.allow == 0


def _services(mac: str, matches: Sequence[Match]) -> tuple[Service, ...] | None:
    """Give the services that these rules are of, whole parts of them and nothing else."""
    services, addresses = recognised(matches)
    known = set(matches)
    covered: set[Match] = set()
    for service in services:
        whole = [p for p in parts(mac, service, addresses) if known.issuperset(p.matches)]
        if not whole:
            return None
        covered.update(match for part in whole for match in part.matches)
    return services if covered == known else None


def _limit(mac: str, cookie: int, rule: _Found, meters: Mapping[Any, Any]) -> Action | None:
    if rule.match != (("dl_src", mac),) or rule.allow != 1 or set(rule.more) != {"meter"}:
        return None
    name = _METER.fullmatch(str(rule.more["meter"]))
    if name is None or int(name[1]) != cookie or not 1 <= int(name[2]) <= RATE_MAX:
        return None
    rate = int(name[2])
    word, entry = meter(cookie, rate)
    return Action(kind="limit", rate=rate) if meters.get(word) == entry else None

"""What of the hook stands in a faucet.yaml: covered ports, drift, who shadows whom. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.faucet import hook
from plugin.faucet.document import Interface, Situation, chain_of, read_situation, vid_of
from plugin.faucet.notes import KINDS, WORDS
from plugin.faucet.removal import is_ours
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NO_MATCH = frozenset(("actions", "cookie", "description"))


class PortCover(NamedTuple):
    """One entry of ``interfaces`` or ``interface_ranges``."""

    dp: str
    port: str
    """Its key there, and its name if it has another."""
    hooked: bool
    mirrored: bool
    chain: tuple[str | int, ...]
    why: str
    """Why it is not hooked; empty if it is."""
    numbers: tuple[int, ...] = ()
    """The ports that it stands for."""
    name: str | None = None
    watchable: bool = False
    """It ends in our tail, where a device may be watched without permitting anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What is installed, and what is wrong with it."""

    installed: bool
    ports: tuple[PortCover, ...]
    problems: tuple[str, ...]
    """Drift: what is not as an installation leaves it."""
    shadows: tuple[str, ...]
    """ACLs and rules that are never asked, since one before them takes everything."""
    notes: tuple[str, ...] = ()
    """What whoever reads the copies must know."""


def coverage(
    text: str,
    included: Mapping[str, str],
    ours: str | None,
    include: str,
    ignored_vlans: frozenset[int] = frozenset(),
) -> Coverage:
    """Tell what is installed.

    Args:
        text: the root faucet.yaml.
        included: texts of the operator's include files by path, in Faucet's order.
        ours: the text of our include file; None if it is not there.
        include: our include file's name.
        ignored_vlans: VLANs that the installation left unmirrored, as it was told.

    Raises:
        UnreadableError: the root file, or one of the operator's others, is no configuration.
    """
    tree = Tree(text)
    others = {path: Tree(content).plain for path, content in included.items()}
    situation = read_situation(tree, others)
    acls = dict(situation.acls)
    acls.update(_own_acls(ours))
    named = tree.plain.get("include-optional")
    listed = isinstance(named, list) and include in named
    ports = tuple(_cover(i, situation, acls, ignored_vlans) for i in situation.interfaces)
    installed = listed or any(p.hooked for p in ports) or any(map(is_ours, situation.acls))
    problems = list(_drift(situation, acls, ignored_vlans)) if installed else []
    if installed and not listed:
        problems.insert(0, f"include-optional does not name {include}: no isolation takes effect")
    elif installed and not any(a.startswith(hook.HOOK) for a in _own_acls(ours)):
        lost = "is not there" if ours is None else "does not define the hook, or is no YAML"
        problems.insert(
            0,
            f"{include} {lost}: Faucet goes on in silence, and frees whoever is"
            " isolated when it loads its files next",
        )
    shadows = [line for i in situation.interfaces for line in _shadows(i.label, i.chain, acls)]
    for key, conf in situation.vlans.items():
        for way in ("in", "out"):
            shadows += _shadows(f"VLAN {key}", chain_of(conf, way), acls)
    return Coverage(
        installed=installed,
        ports=ports,
        problems=tuple(problems),
        shadows=tuple(dict.fromkeys(shadows)),
        notes=(WORDS["port"],) if hook.PORT in situation.acls else (),
    )


def _own_acls(ours: str | None) -> dict[str, Any]:
    """Give the ACLs of our include as Faucet reads them: none of a file that it would skip."""
    try:
        found = Tree(ours).plain.get("acls") if ours is not None else None
    except UnreadableError:
        found = None
    return {k: v for k, v in found.items() if is_ours(k)} if isinstance(found, dict) else {}


def has_catch_all(acl: Any) -> bool:
    """Tell whether an ACL has a rule that matches everything: what follows is never asked."""
    return any(not set(rule) - _NO_MATCH for rule in rules_of(acl))


def rules_of(acl: Any) -> list[dict[Any, Any]]:
    """Give an ACL's rules in whichever of Faucet's forms they are written."""
    found = acl.get("rules", []) if isinstance(acl, dict) else acl
    listed = found if isinstance(found, list) else []
    rules = [r.get("rule", r) if isinstance(r, dict) else None for r in listed]
    return [r for r in rules if isinstance(r, dict)]


def _cover(
    one: Interface, situation: Situation, acls: Mapping[Any, Any], ignored: frozenset[int]
) -> PortCover:
    head = hook_of(one.chain)
    hooked = one.kind == "edge" and head is not None
    key = str(one.path[-1])
    if one.kind != "edge":
        why = KINDS[one.kind]
    elif hooked:
        why = ""
    elif any(is_ours(a) for a in one.chain):
        why = "the hook is not first"
    else:
        why = "no hook" if one.vlans or one.chain else "no VLAN of its own"
    port = key if one.name in {None, key} else f"{key} ({one.name})"
    return PortCover(
        dp=one.dp,
        port=port,
        hooked=hooked,
        mirrored=_mirrored(one, situation, acls, ignored),
        chain=one.chain,
        why=why,
        numbers=one.numbers,
        name=one.name,
        watchable=hooked and _is_tail(one.chain[-1]),
    )


def _is_tail(acl: str | int) -> bool:
    return is_ours(acl) and str(acl).startswith(hook.TAIL)


def hook_of(chain: Sequence[str | int]) -> str | None:
    """Give the hook's name if it stands where it must: first, or behind the remediation rules."""
    for acl in chain:
        if isinstance(acl, str) and acl.startswith(hook.HOOK):
            return acl
        if not (isinstance(acl, str) and acl.startswith(hook.REMED)):
            return None
    return None


def _mirrored(
    one: Interface, situation: Situation, acls: Mapping[Any, Any], ignored: frozenset[int]
) -> bool:
    """Tell whether all that enters here is mirrored: by its chain's end, or at all its VLANs.

    All but what is in ignored VLANs.
    """
    if one.kind != "edge":
        return False
    if any(_mirrors(acls.get(a)) for a in one.chain if is_ours(a)):
        return True
    if hook.PORT in acls and any(_mirrors_port(i, one) for i in situation.interfaces):
        return True
    vids: dict[str | int, str | int] = {vid: key for vid, key in situation.vids().items()}  # noqa: C416  # widens the key's type
    keys = [v if v in situation.vlans else vids.get(v) for v in one.vlans]
    found = [(k, situation.vlans.get(k, {})) if k is not None else ("", {}) for k in keys]
    confs = [conf for key, conf in found if vid_of(key, conf) not in ignored]
    return bool(confs) and all(
        any(_mirrors(acls.get(a)) for a in (*chain_of(c, "in"), *chain_of(c, "out")) if is_ours(a))
        for c in confs
    )


def _mirrors_port(collector: Interface, one: Interface) -> bool:
    ports = collector.conf.get("mirror")
    return (
        collector.dp == one.dp
        and isinstance(ports, list)
        and bool(one.numbers)
        and set(one.numbers) <= set(ports)
    )


def _mirrors(acl: Any) -> bool:
    """Tell whether an ACL's catch-all copies what it takes."""
    for rule in rules_of(acl):
        if not set(rule) - _NO_MATCH:
            actions = rule.get("actions")
            return isinstance(actions, dict) and "mirror" in actions
    return False


def _drift(situation: Situation, acls: Mapping[Any, Any], ignored: frozenset[int]) -> Iterator[str]:
    for one in situation.edges():
        yield from _port_drift(one, acls)
    for name, acl in acls.items():
        if isinstance(name, str) and name.startswith(hook.HOOK) and has_catch_all(acl):
            yield f"{name} has a rule for everything: your ACLs behind it are never asked"
    yield from _vlan_drift(situation, ignored)
    yield from _mirror_drift(situation, acls)


def _mirror_drift(situation: Situation, acls: Mapping[Any, Any]) -> Iterator[str]:
    if hook.PORT not in acls:
        return
    for one in situation.edges():
        if (one.vlans or one.chain) and not any(
            _mirrors_port(i, one) for i in situation.interfaces
        ):
            yield f"{one.label} is not mirrored: no collector of its datapath lists it"


def _port_drift(one: Interface, acls: Mapping[Any, Any]) -> Iterator[str]:
    ours = [a for a in one.chain if is_ours(a)]
    if not ours and (one.vlans or one.chain):
        yield f"{one.label} is not hooked: a device there cannot be isolated"
    elif ours and hook_of(one.chain) is None:
        yield f"{one.label}: {one.chain[0]} stands before the hook and may end the table"
    elif ours and one.chain[-1] == hook_of(one.chain):
        yield f"{one.label}: nothing follows the hook, so everything else is dropped"
    for acl in ours:
        if acl not in acls:
            yield f"{one.label}: {acl} is defined nowhere: Faucet refuses the file"


def _vlan_drift(situation: Situation, ignored: frozenset[int]) -> Iterator[str]:
    for way, ours in (("in", hook.VLAN), ("out", hook.OUT)):
        chains = {
            key: chain_of(conf, way)  # type: ignore[arg-type]  # the tuple's own words
            for key, conf in situation.vlans.items()
            if not conf.get("reserved_internal_vlan") and vid_of(key, conf) not in ignored
        }
        if not any(ours in chain for chain in chains.values()):
            continue
        for key, chain in chains.items():
            if ours not in chain:
                yield f"VLAN {key} is not mirrored: it lacks {ours}"
            elif chain != (ours,):
                yield f"VLAN {key}: {ours} and {', '.join(map(str, chain))} share one table"


def _shadows(label: str, chain: Sequence[str | int], acls: Mapping[Any, Any]) -> Iterator[str]:
    for place, name in enumerate(chain):
        rules = rules_of(acls.get(name))
        taking = next((n for n, rule in enumerate(rules) if not set(rule) - _NO_MATCH), None)
        if taking is None:
            continue
        if taking + 1 < len(rules):
            rest = len(rules) - taking - 1
            yield f"ACL {name}: rule {taking + 1} takes everything, {rest} behind it never asked"
        for later in chain[place + 1 :]:
            yield f"{label}: {name} takes everything, {later} is never asked"
        return

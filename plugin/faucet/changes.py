"""Where the hook goes in a faucet.yaml: collectors, the stage of the mirror, each change. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.faucet import hook
from plugin.faucet.document import WIDE_PRIMING, Interface, Situation, chain_of, vid_of
from plugin.faucet.edits import AddKeys, Change, Prepend, Widen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.faucet.tree import Tree

COMMENT = "halia: written by 'halia faucet install', taken out by 'halia faucet remove'"


def decide(situation: Situation, options: hook.Options) -> hook.Layout:
    """Choose the collectors and the stage at which all is mirrored."""
    found = {dp: _collector(situation, dp, options.collector) for dp in situation.dps}
    one_name = len(set(found.values())) <= 1
    targets = tuple(
        hook.Target(dp, port, "" if one_name else f"_{dp}") for dp, port in found.items()
    )
    wide = any(
        str(conf.get("hardware", "")).lower().startswith(WIDE_PRIMING)
        for conf in situation.dps.values()
    )
    mode = options.mode or _mode(situation, one_name=one_name)
    return hook.Layout(
        mode=mode,
        targets=targets,
        include=options.include,
        wide_priming=wide,
        ignored_vlans=options.ignored_vlans,
    )


def _mode(situation: Situation, *, one_name: bool) -> hook.Mode:
    """Place the mirror where the operator has no ACL (docs/faucet.md has the table)."""
    at_ports = any(i.chain for i in situation.edges())
    at_vlans = any(chain_of(v, "in") for v in situation.vlans.values())
    if not one_name:
        return "tail"  # a VLAN's ACL is one for all datapaths, and they have no common port
    if not at_vlans:
        return "vlan"
    return "out" if at_ports else "tail"


def _collector(situation: Situation, dp: str, asked: hook.Port | None) -> hook.Port | None:
    ports = [i for i in situation.interfaces if i.dp == dp and i.section == "interfaces"]
    if asked is not None:
        fits = [i for i in ports if str(asked) in {i.name, *map(str, i.numbers)}]
    else:
        fits = [i for i in ports if i.kind == "output_only" and not i.conf.get("mirror")]
    if len(fits) != 1:
        return None
    one = fits[0]
    if one.name is not None and not one.name.isdigit():
        return one.name
    return one.numbers[0] if one.numbers else None


def changes(
    tree: Tree, situation: Situation, options: hook.Options, layout: hook.Layout
) -> Iterator[Change]:
    """Give all that is to be put into a file that holds nothing of ours."""
    yield from _sections(tree, situation, options, layout)
    at_vlans, ignored = hook.vlan_acl(layout), layout.ignored_vlans
    if at_vlans is not None:
        for key, conf in situation.vlans.items():
            if not conf.get("reserved_internal_vlan") and vid_of(key, conf) not in ignored:
                yield _enter(("vlans", key), conf, at_vlans[0], [at_vlans[1]])
    if layout.mode == "port":
        yield from _port_mirrors(situation, layout)
    hooked = [i for i in situation.edges() if i.section == "interface_ranges" and in_range(i)]
    for one in situation.edges():
        yield from _hook_interface(one, hooked, options, layout)


def _sections(
    tree: Tree, situation: Situation, options: hook.Options, layout: hook.Layout
) -> Iterator[Change]:
    """Our include line, ACLs and VLAN: in the sections there are, else in new ones."""
    acls = hook.root_acls(layout, remediation=options.remediation is not None)
    quarantine = _quarantine(situation, options, layout)
    top: list[tuple[str, Any]] = []
    if "include-optional" in tree.plain:
        yield Prepend(("include-optional",), (layout.include,))
    else:
        top.append(("include-optional", [layout.include]))
    for section, entries in (("acls", acls), ("vlans", quarantine)):
        if not entries:
            continue
        if section in tree.plain:
            yield AddKeys((section,), tuple(entries.items()), COMMENT)
        else:
            top.append((section, entries))
    if top:
        yield AddKeys((), tuple(top), COMMENT)


def _port_mirrors(situation: Situation, layout: hook.Layout) -> Iterator[Change]:
    """Have each collector's interface mirror all edge ports of its datapath."""
    for one in situation.interfaces:
        target = hook.target(layout, one.dp)
        if not one.is_port(target.collector):
            continue
        edges = [i for i in situation.edges() if i.dp == one.dp and (i.vlans or i.chain)]
        ports = sorted({number for edge in edges for number in edge.numbers})
        if ports:
            yield AddKeys(one.path, (("mirror", ports),))


def in_range(one: Interface) -> bool:
    """Tell whether a range itself makes ports: only then it carries the chain for them."""
    return bool(one.vlans or one.chain)


def _hook_interface(
    one: Interface, hooked: list[Interface], options: hook.Options, layout: hook.Layout
) -> Iterator[Change]:
    remediation = one.answers_to(options.remediation)
    if one.section == "interface_ranges":
        if one not in hooked:
            return
    elif not remediation and not {"acls_in", "acl_in"} & set(one.own):
        above = (r for r in hooked if r.dp == one.dp and set(r.numbers) & set(one.numbers))
        if next(above, None) is not None:
            return  # the range hands its chain down
    ours = hook.chain(layout, one.dp, one.chain, remediation=remediation)
    before = ours[: len(ours) - len(one.chain)]
    own_chain = chain_of(one.own, "in")
    if own_chain or "acls_in" in one.own:
        yield _enter(one.path, one.own, "acls_in", before)
    else:
        yield AddKeys(one.path, (("acls_in", ours),))


def _enter(
    path: tuple[str | int, ...], conf: Mapping[str, Any], key: str, items: list[Any]
) -> Change:
    """Put ACLs at the head of a chain, whichever of the three ways it is written."""
    if isinstance(conf.get(key), list):
        return Prepend((*path, key), tuple(items))
    single = key.replace("acls_", "acl_")
    if conf.get(single) is not None:
        return Widen((*path, single), key, tuple(items))
    return AddKeys(path, ((key, items),))


def _quarantine(situation: Situation, options: hook.Options, layout: hook.Layout) -> dict[str, Any]:
    vid = options.quarantine
    if not vid or vid in situation.vids():
        return {}
    conf: dict[str, Any] = {"vid": vid}
    at_vlans = hook.vlan_acl(layout)
    if at_vlans is not None and vid not in layout.ignored_vlans:
        conf[at_vlans[0]] = [at_vlans[1]]
    return {hook.QUARANTINE: conf}

"""Why the hook may not be installed: every reason that the configuration itself shows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.faucet import hook
from plugin.faucet.document import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.faucet.document import Situation


def reasons_against(situation: Situation, options: hook.Options, layout: hook.Layout) -> list[str]:
    """Give all reasons, in the order of the file; none: it may be installed."""
    return [
        *_about_files(situation, options),
        *_about_datapaths(situation),
        *_about_ports(situation),
        *_about_ranges(situation),
        *_about_collectors(situation, options, layout),
        *_about_vlans(situation, options, layout),
        *_about_ignored(situation, options),
        *_about_remediation(situation, options),
    ]


def _about_files(situation: Situation, options: hook.Options) -> Iterator[str]:
    if not situation.dps:
        yield "no datapath (dps) is defined in this file"
    for section in ("dps", "vlans"):
        names = situation.elsewhere.get(section, ())
        if names:
            yield (
                f"{section} {', '.join(names)} stand in an include file: only the root file is"
                " edited; move them there"
            )
    taken = [str(n) for n in situation.acls if isinstance(n, str) and hook.OURS.fullmatch(n)]
    if taken:
        yield f"an include file defines {', '.join(taken)}: these names are Halia's"
    if "/" in options.include or not options.include.endswith((".yaml", ".yml")):
        yield f"{options.include}: the include must be a .yaml file beside faucet.yaml"


def _about_datapaths(situation: Situation) -> Iterator[str]:
    for name, conf in situation.dps.items():
        if conf.get("dp_acls"):
            yield f"{name} has dp_acls: Faucet allows no port ACLs beside them, so no hook"


def _about_ports(situation: Situation) -> Iterator[str]:
    for one in situation.edges():
        if "acls_in" in one.own and not isinstance(one.own["acls_in"], list):
            yield f"{one.label}: acls_in is no list"
        exact = [a for a in one.chain if _is_exact(situation.acls.get(a))]
        if exact:
            yield (
                f"{one.label}: ACL {exact[0]} is exact_match, which Faucet allows beside no other"
                " kind, so not beside the hook"
            )
        for acl in one.chain:
            if acl not in situation.acls:
                yield f"{one.label}: ACL {acl} is defined nowhere"


def _is_exact(acl: Any) -> bool:
    return isinstance(acl, dict) and bool(acl.get("exact_match"))


def _about_ranges(situation: Situation) -> Iterator[str]:
    """A range hands the hook down to every port in it; some kinds of port may not have it."""
    special = [i for i in situation.interfaces if i.kind not in {"edge", "stack", "coprocessor"}]
    for one in situation.edges():
        if one.section != "interface_ranges" or not (one.vlans or one.chain):
            continue
        for other in special:
            if other.dp == one.dp and set(other.numbers) & set(one.numbers):
                yield f"{one.label} holds {other.label}, which is {other.kind}: split the range"


def _about_collectors(
    situation: Situation, options: hook.Options, layout: hook.Layout
) -> Iterator[str]:
    if layout.mode == "none" and options.collector is None:
        return
    found = [t for t in layout.targets if t.collector is not None]
    if not found:
        asked = options.collector
        yield (
            "no port to mirror to: declare one with output_only: true, name it with --collector if"
            " there are several, or install with --mirror none"
            if asked is None
            else f"no datapath has a port {asked}"
        )
        return
    if layout.mode in {"vlan", "out"} and len({t.collector for t in layout.targets}) > 1:
        yield (
            f"--mirror {layout.mode} needs one collector port name on all datapaths:"
            " a VLAN's ACL is the same on each"
        )
    yield from _about_their_ports(situation, layout)


def _about_their_ports(situation: Situation, layout: hook.Layout) -> Iterator[str]:
    for one in situation.interfaces:
        if layout.mode == "port" and one.conf.get("mirror"):
            yield f"{one.label} is a port mirror of yours: --mirror port can be no second one"
        if not one.is_port(hook.target(layout, one.dp).collector):
            continue
        if one.kind not in {"output_only", "mirror"}:
            yield f"{one.label} is to be the collector but is not output_only: true"


def _about_ignored(situation: Situation, options: hook.Options) -> Iterator[str]:
    vids = {*situation.vids(), options.quarantine}
    for vid in sorted(options.ignored_vlans - vids):
        yield f"--ignore-vlan {vid}: vlans: declares no such VLAN"


def _about_vlans(situation: Situation, options: hook.Options, layout: hook.Layout) -> Iterator[str]:
    vids = situation.vids()
    vid = options.quarantine
    if options.quarantine_vid is None and vids.get(vid, hook.QUARANTINE) != hook.QUARANTINE:
        yield (
            f"VLAN {vid} is declared already ({vids[vid]}): say --quarantine-vid {vid} to"
            " quarantine there, or another number"
        )
    way = {"vlan": "in", "out": "out"}.get(layout.mode)
    if way is None:
        return
    for key, conf in situation.vlans.items():
        if chain_of(conf, "in" if way == "in" else "out"):
            yield (
                f"VLAN {key} has an ACL of yours in acls_{way}: a mirror before it would switch it"
                " off; choose another --mirror"
            )
    yield from _undeclared(situation, vids)


def _undeclared(situation: Situation, vids: dict[int, str | int]) -> Iterator[str]:
    seen: set[str | int] = set()
    for one in situation.edges():
        for vlan in one.vlans:
            if vlan not in situation.vlans and vlan not in vids and vlan not in seen:
                seen.add(vlan)
                yield f"{one.label} is in VLAN {vlan}, which vlans: does not declare"


def _about_remediation(situation: Situation, options: hook.Options) -> Iterator[str]:
    if options.remediation is None:
        return
    if not any(i.answers_to(options.remediation) for i in situation.edges()):
        yield (
            f"--remediation {options.remediation}: no such port with an entry of its own;"
            " give DP:PORT"
        )

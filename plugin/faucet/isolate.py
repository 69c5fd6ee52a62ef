"""From what is to be isolated to the rules of our include, and back. Pure.

A device is matched by its MAC, as sender and as receiver, at every hooked port: so it stays
isolated wherever it moves. Frames that are flooded (broadcast, multicast, unknown receiver) still
reach it; only another native VLAN stops these. docs/faucet.md has the rules of each action.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from plugin.actions import COOKIES, ISOLATING, RATE_MAX, Action, Isolation
from plugin.faucet.hook import HookRule, Stages
from plugin.faucet.permits import why_not
from plugin.faucet.quarantine import (
    Piece,
    RefusedError,
    chains_of,
    copies,
    drops,
    homes_of,
    port_of,
    quarantine,
)
from plugin.faucet.revlan import Revlan, revlans
from plugin.faucet.standing import MAC, meter, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from plugin.faucet.ground import Ground
    from plugin.faucet.quarantine import Chain, Homes
    from plugin.faucet.reach import Spot

__all__ = ("Laid", "lay", "merged", "read")

HOOK_MAX = 200
"""Devices in a hook. A rewrite costs all who pass it a gap that grows with the whole list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """The rules, and what of the wishes is not in them."""

    stages: Stages
    refused: Mapping[int, str] = field(default_factory=dict)
    """By cookie: why nothing is written for it."""
    left_out: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By cookie: services that are not allowed, and why; a redirect that cannot be done where the
    device is now, and is an ordinary quarantine until then; ACLs that a limit goes around."""
    revlans: tuple[Revlan, ...] = ()
    """Ports to be moved to another native VLAN: edits of the root file."""
    standing: tuple[Isolation, ...] = ()
    """What :func:`read` finds in the rendered file: without place and addresses, which it does not
    say, without what was left out, and without the moved ports, which stand in the root file."""


def lay(isolations: Sequence[Isolation], ground: Ground, spots: Iterable[Spot] = ()) -> Laid:
    """Give the rules of all isolations: the same input gives the same rules.

    Args:
        isolations: what is to stand, in any order.
        ground: what the operator's files say.
        spots: where devices are: a port with others is not moved to another VLAN, and only the
            ACLs between a quarantined device and its service are asked about that one.
    """
    spots = tuple(spots)
    homes = homes_of(spots)
    ordered = sorted(isolations, key=lambda i: (i.mac, i.cookie))
    refused = dict(_refused_at_once(ordered, ground))
    refused.update(_too_many(ordered, refused))
    chains = chains_of(ground)
    stages, left_out, standing = Stages(), {}, []
    ports = []
    for one in ordered:
        if one.cookie in refused:
            continue
        if one.action.kind == "revlan":
            ports.append(one)
            continue
        try:
            piece = _piece(one, ground, chains, homes)
        except RefusedError as error:
            refused[one.cookie] = str(error)
            continue
        stages = _joined(stages, piece.stages)
        standing.append(Isolation(cookie=one.cookie, mac=one.mac, action=piece.action))
        if piece.left_out:
            left_out[one.cookie] = piece.left_out
    moved, not_moved = revlans(ports, ground, spots)
    return Laid(
        stages=stages,
        refused={**refused, **not_moved},
        left_out=left_out,
        revlans=moved,
        standing=tuple(standing),
    )


def merged(a: Stages, b: Stages) -> Stages:
    """Join isolations with what the mirror watches, in either order.

    A watch that a rule of the hook forestalls is left out. What such a rule lets pass is then
    copied by the rule itself, for it never comes to the tail.
    """
    both = _joined(a, b)
    forestalled = {rule.match for rule in both.hook()}
    watched = {mac for rule in both.watches for mac in _macs(rule)}

    def seen(rules: tuple[HookRule, ...]) -> tuple[HookRule, ...]:
        return tuple(
            rule._replace(mirror=True)
            if both.everything or watched.intersection(_macs(rule))
            else rule
            for rule in rules
        )

    return replace(
        both,
        services=seen(both.services),
        limits=seen(both.limits),
        watches=tuple(rule for rule in both.watches if rule.match not in forestalled),
    )


def _joined(a: Stages, b: Stages) -> Stages:
    return Stages(
        blocks=a.blocks + b.blocks,
        services=a.services + b.services,
        drops=a.drops + b.drops,
        redirects=a.redirects + b.redirects,
        limits=a.limits + b.limits,
        watches=a.watches + b.watches,
        everything=a.everything or b.everything,
        remediation=a.remediation + b.remediation,
        meters=a.meters + b.meters,
    )


def _macs(rule: HookRule) -> tuple[str, ...]:
    return tuple(str(value) for name, value in rule.match if name in {"dl_src", "dl_dst"})


def _refused_at_once(ordered: Sequence[Isolation], ground: Ground) -> Iterator[tuple[int, str]]:
    """Refuse what no rule can be made of."""
    cookies, macs = Counter(i.cookie for i in ordered), Counter(i.mac for i in ordered)
    for one in ordered:
        if not ground.installed:
            yield one.cookie, "the hook is not installed: halia faucet install"
        elif one.action.kind not in ISOLATING:
            yield one.cookie, f"{one.action.kind} is no isolation"
        elif one.cookie not in COOKIES or cookies[one.cookie] > 1:
            yield one.cookie, f"cookie {one.cookie} cannot be its own"
        elif not MAC.fullmatch(one.mac):
            yield one.cookie, f"{one.mac!r} is no device's address"
        elif macs[one.mac] > 1:
            yield one.cookie, f"{one.mac} is to be isolated in two ways at once"


def _too_many(
    ordered: Sequence[Isolation], refused: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """Refuse the latest cases, so that nobody who stands is put out by who comes."""
    held = (i.cookie for i in ordered if i.cookie not in refused and i.action.kind != "revlan")
    for cookie in sorted(held)[HOOK_MAX:]:
        yield cookie, f"the hook holds {HOOK_MAX} devices already"


def _piece(one: Isolation, ground: Ground, chains: Sequence[Chain], homes: Homes) -> Piece:
    if one.action.kind == "block":
        return Piece(Stages(blocks=drops(one)), Action(kind="block"))
    if one.action.kind == "limit":
        return _limit(one, ground, chains)
    return quarantine(one, ground, chains, homes)


def _limit(one: Isolation, ground: Ground, chains: Sequence[Chain]) -> Piece:
    """A rule that lets pass at a rate: the port's ACLs behind it are not asked.

    So it is refused where the device is behind one. At other ports its address has no business;
    that the rule lets it pass there too is said.

    A meter whose name stays and whose rate changes would take its flows away: each rate has a name
    of its own.
    """
    rate, port = one.action.rate, port_of(one, ground)
    if rate is None or not 1 <= rate <= RATE_MAX:
        raise RefusedError("no rate that a meter takes")
    if port is None:
        raise RefusedError("it is not known where it is, so an ACL of yours may stand there")
    if port.acls:
        raise RefusedError(
            f"{port.label} has ACL {port.acls[0].name} of yours: a limit would let pass what it"
            " denies"
        )
    name, entry = meter(one.cookie, rate)
    rule = HookRule(
        (("dl_src", one.mac),),
        allow=True,
        mirror=copies(ground),
        cookie=one.cookie,
        more=(("meter", name),),
    )
    said = tuple(
        f"{chain.label}: your ACL {chain.acls[0].name} is not asked about what carries its address"
        for chain in chains
        if why_not(dict(rule.match), chain.acls)
    )
    stages = Stages(limits=(rule,), meters=((name, entry),))
    return Piece(stages, Action(kind="limit", rate=rate), said)

"""The rules of a quarantine: services pass, all else is dropped or sent to be remedied. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet.hook import HookRule, Stages
from plugin.faucet.permits import why_not
from plugin.faucet.services import own_addresses, parts, question
from plugin.faucet.standing import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from plugin.actions import Action, Isolation, Service
    from plugin.faucet.ground import Ground, GroundPort, OperatorAcl, PortKey
    from plugin.faucet.reach import Spot
    from plugin.faucet.services import Match

    Homes = Mapping[str, PortKey]
    """At which port each address is, of those that one device alone has."""


class RefusedError(Exception):
    """It cannot be done; the text says why."""


class Piece(NamedTuple):
    """The rules of one isolation."""

    stages: Stages
    action: Action
    """What of its action stands."""
    left_out: tuple[str, ...] = ()


class Chain(NamedTuple):
    """The operator's ACLs at one or more hooked ports."""

    label: str
    acls: tuple[OperatorAcl, ...]
    ports: frozenset[PortKey]


def drops(one: Isolation, about: str = "") -> tuple[HookRule, ...]:
    """Both ends. A drop ends the frame's way, so it makes the copy itself in every mode."""
    return tuple(
        HookRule(((end, one.mac),), allow=False, mirror=True, cookie=one.cookie, about=about)
        for end in ("dl_src", "dl_dst")
    )


def copies(ground: Ground) -> bool:
    """Tell whether a rule that lets pass makes the copy: where the tail does, which it forestalls.

    With the VLANs' hook the frame would be copied twice.
    """
    return ground.layout is not None and ground.layout.mode == "tail"


def chains_of(ground: Ground) -> tuple[Chain, ...]:
    """Give each different chain of the operator once, for all ports share the hook's rules."""
    found: dict[tuple[str, ...], Chain] = {}
    for port in ground.hooked():
        if port.acls:
            key = tuple(acl.name for acl in port.acls)
            first = found.get(key, Chain(port.label, port.acls, frozenset()))
            found[key] = first._replace(ports=first.ports | {port.key})
    return tuple(found.values())


def homes_of(spots: Iterable[Spot]) -> Homes:
    """Give the port of each address that only one device has."""
    found: dict[str, set[PortKey]] = {}
    for spot in spots:
        for address in spot.addresses:
            found.setdefault(address, set()).add(spot.place)
    return {address: next(iter(there)) for address, there in found.items() if len(there) == 1}


def quarantine(one: Isolation, ground: Ground, chains: Sequence[Chain], homes: Homes) -> Piece:
    """Give the rules of a quarantine.

    Args:
        one: it.
        ground: what the operator's files say.
        chains: all his ACLs at hooked ports.
        homes: at which port each address is.

    Raises:
        RefusedError: it asks for a redirect that the installation cannot do.
    """
    own = port_of(one, ground)
    services, allow, left_out = _services(one, own, _Ways(ground, chains, homes))
    stages = Stages(services=services)
    why = _why_not_redirected(one, own, ground) if one.action.redirect else ""
    redirect = one.action.redirect and not why
    if why:
        # A device that moved out of reach of the remediation port must not be free for it.
        left_out = (*left_out, f"redirect: {why}")
    action = replace(one.action, allow=allow, redirect=redirect)
    if not redirect:
        return Piece(replace(stages, drops=drops(one, QUARANTINE)), action, left_out)
    assert own is not None
    there, back = _redirect(one, own, ground)
    return Piece(replace(stages, redirects=there, remediation=back), action, left_out)


def port_of(one: Isolation, ground: Ground) -> GroundPort | None:
    """Give the port at which a device was heard last, if that is known."""
    return None if one.place is None else ground.ports.get((one.place.dp, one.place.port))


class _Ways(NamedTuple):
    """What a service's frames may meet."""

    ground: Ground
    chains: Sequence[Chain]
    homes: Homes

    def between(self, own: GroundPort | None, service: Service) -> tuple[Chain, Chain] | None:
        """The ACLs at the device's port and at its server's; None: it is not known which those are.

        Where both are on one switch their frames come in at no other port of it.
        """
        there = self.homes.get(service.address or "")
        port = None if there is None else self.ground.ports.get(there)
        if own is None or port is None or own.dp != port.dp or own.key == port.key:
            return None
        return _chain(own), _chain(port)


def _chain(port: GroundPort) -> Chain:
    return Chain(port.label, port.acls if port.hooked else (), frozenset((port.key,)))


def _services(
    one: Isolation, own: GroundPort | None, ways: _Ways
) -> tuple[tuple[HookRule, ...], tuple[Service, ...], tuple[str, ...]]:
    rules: dict[Match, HookRule] = {}
    allow, left_out = [], []
    mirror = copies(ways.ground)
    for service in dict.fromkeys(one.action.allow):
        stands = False
        try:
            found = parts(one.mac, service, one.addresses)
        except ValueError:
            left_out.append(f"{service.kind} {service.address}: no host's address")
            continue
        for part in found:
            why = _why_left_out(part.matches, own, service, ways)
            if why:
                left_out.append(f"{part.words}: {why}")
                continue
            stands = True
            for match in part.matches:
                rules[match] = HookRule(match, allow=True, mirror=mirror, cookie=one.cookie)
        if stands:
            allow.append(service)
    return tuple(rules.values()), tuple(allow), tuple(left_out)


def _why_left_out(
    matches: Iterable[Match], own: GroundPort | None, service: Service, ways: _Ways
) -> str:
    """Tell which ACL denies a part of a service.

    Where it is known at which ports both ends are, only the ACLs there are asked. Else what the
    device is sent does not come in where it is, and all else may come in anywhere.
    """
    between = ways.between(own, service)
    if between is not None:
        sends, receives = between
        return next(filter(None, (_denied(dict(m), sends, receives) for m in matches)), "")
    chains = ways.chains
    here = frozenset(() if own is None else (own.key,))
    first = () if own is None or not own.hooked else (Chain(own.label, own.acls, here),)
    for match in matches:
        fields = dict(match)
        # The device's own port is named first where several are in the way.
        there = chains if "dl_dst" in fields else (*first, *chains)
        for chain in there:
            why = why_not(fields, chain.acls)
            if why and not ("dl_dst" in fields and chain.ports == here):
                return f"{chain.label}: {why}"
    return ""


def _denied(fields: dict[str, str | int], sends: Chain, receives: Chain) -> str:
    chain = receives if "dl_dst" in fields else sends
    why = why_not(fields, chain.acls)
    return f"{chain.label}: {why}" if why else ""


def _why_not_redirected(one: Isolation, own: GroundPort | None, ground: Ground) -> str:
    """Tell why a device is not sent to the remediation port where it is now.

    Raises:
        RefusedError: nor could it be anywhere, as things are installed.
    """
    if not ground.remediation:
        raise RefusedError("no remediation port is installed: halia faucet install --remediation")
    if ground.layout is not None and len(ground.layout.targets) > 1:
        # All hooks have the same rules, and the port's number is another port at other switches.
        raise RefusedError("with several datapaths no rule can send to a port of one of them")
    if one.place is None or own is None:
        return "it is not known where the device is"
    there = ground.remediation.get(own.dp)
    if there is None:
        return f"the remediation port is on another switch than {own.label}"
    if there.key == own.key:
        return f"{own.label} is the remediation port itself"
    if own.native_vid is None or (own.moved is None and one.place.vid != own.native_vid):
        return f"the device speaks with a VLAN tag at {own.label}"
    return ""


def _redirect(
    one: Isolation, own: GroundPort, ground: Ground
) -> tuple[tuple[HookRule, ...], tuple[HookRule, ...]]:
    """Send what it sends to the remediation port, and what comes from there back to its port."""
    remediation = ground.remediation[own.dp]
    out, home = ((("output", {"ports": [p.number]}),) for p in (remediation, own))
    sends, receives = drops(one, QUARANTINE)
    back = [receives._replace(more=home, about="")]
    if not _meet(own, remediation, ground):
        # What is flooded there to find the device. It goes on to whom it may concern, too.
        back += [
            HookRule(question(a), allow=True, mirror=copies(ground), cookie=one.cookie, more=home)
            for a in own_addresses(one.addresses)
        ]
    return (sends._replace(more=out), receives), tuple(back)


def _meet(own: GroundPort, remediation: GroundPort, ground: Ground) -> bool:
    """Tell whether what is flooded at the remediation port comes to the device's port anyway."""

    def vids(*names: str | int | None) -> set[int]:
        return {vlan.vid for name in names if (vlan := ground.vlan(name)) is not None}

    now = own.native if own.moved is None else own.moved
    return not vids(now).isdisjoint(vids(remediation.native, *remediation.tagged))

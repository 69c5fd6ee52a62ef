"""Whether what is to be isolated is isolated, by the flows that were read from the switches. Pure.

Faucet's word that it has loaded a file is no proof: it has said so while a meter's flows were gone.
So every rule must be found at every hooked port, by cookie and match, doing what it should.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import COOKIES
from plugin.faucet.isolate import lay
from plugin.faucet.permits import ALIASES
from plugin.faucet.revlan import why_fixed
from plugin.faucet.standing import MAC

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from plugin.actions import Isolation
    from plugin.faucet.flows import Flow
    from plugin.faucet.ground import Ground, GroundPort, PortKey
    from plugin.faucet.hook import HookRule
    from plugin.faucet.reach import Spot

_ENDS = frozenset(("eth_src", "eth_dst"))
Key = frozenset[tuple[str, str | int]]
"""A match in OpenFlow's names and one spelling of each value, without the port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the switches say. Sets are of cookies."""

    proven: frozenset[int] = frozenset()
    unproven: Mapping[int, str] = field(default_factory=dict)
    """What is missing, and where; for people."""
    absent: frozenset[int] = frozenset()
    """Of those released: no switch that was read has a flow of it."""
    strangers: frozenset[int] = frozenset()
    """Isolations' cookies at a switch that were neither asked for nor released."""
    silent: tuple[str, ...] = ()
    """Datapaths with hooked ports whose flows were not read."""


class _Wanted(NamedTuple):
    """A flow that must be there."""

    key: Key
    device: tuple[str, str | int] | None
    """The field that names the device; None: it names a group."""
    allow: bool
    outputs: frozenset[int]
    """Ports that it must send to."""
    meter: int | None
    words: str
    """What it does, for people."""


class _Switch(NamedTuple):
    """One datapath's flows, so that they are found quickly."""

    ours: Mapping[tuple[int, int], Sequence[tuple[Key, Flow]]]
    """By port and cookie: flows of isolations in the table that every frame meets first."""
    passing: Mapping[tuple[int, tuple[str, str | int] | None], Sequence[Flow]]
    """By port, and by which end a device is: flows of isolations that let something pass."""
    others: Mapping[int | None, Sequence[Flow]]
    """By port (None: all ports): flows of that table that are no isolation's and let pass."""
    natives: Mapping[int, Sequence[Flow]]
    """By port: flows for frames without a tag that give them one."""
    cookies: frozenset[int]
    """Of isolations, in any table."""


def proof(
    isolations: Sequence[Isolation],
    ground: Ground,
    flows: Mapping[int, Sequence[Flow]],
    released: Collection[int] = (),
    spots: Iterable[Spot] = (),
) -> Proof:
    """Compare what is to stand with what stands.

    Args:
        isolations: what is wanted.
        ground: what the operator's files say now.
        flows: by datapath id, all flows that were read, of all tables; a datapath that did not
            answer is missing.
        released: cookies that are to be gone.
        spots: where devices are, as the rules were laid by.
    """
    known = {dp: _switch(flows[i], ground, dp) for dp, i in ground.dp_ids.items() if i in flows}
    laid = lay(isolations, ground, spots)
    wanted = _by_cookie(laid.stages.hook())
    remedies = _by_cookie(laid.stages.remediation)
    ports = tuple(ground.hooked())
    proven, unproven = set(), {}
    for one in isolations:
        if one.cookie in laid.refused:
            missing = [laid.refused[one.cookie]]
        elif one.action.kind == "revlan":
            missing = list(_moved(one, ground, known))
        else:
            rules = wanted[one.cookie], remedies[one.cookie]
            missing = [*_place(one, ground), *_missing(one.cookie, *rules, ports, ground, known)]
        if missing:
            unproven[one.cookie] = _words(missing)
        else:
            proven.add(one.cookie)
    there = frozenset(c for switch in known.values() for c in switch.cookies)
    asked = {i.cookie for i in isolations}
    return Proof(
        proven=frozenset(proven),
        unproven=unproven,
        absent=frozenset(released) - there - asked if known else frozenset(),
        strangers=there - asked - frozenset(released),
        silent=tuple(sorted({p.dp for p in ports} - set(known))),
    )


def astray(ground: Ground, flows: Mapping[int, Sequence[Flow]]) -> dict[PortKey, str]:
    """Say which ports are in another VLAN than the root file has for them: not moved back yet.

    Of a port that is down Faucet has no such flow: it is in no VLAN, so not in the wrong one.

    Args:
        ground: what the operator's files say now.
        flows: by datapath id, all flows that were read, of all tables.

    Returns:
        By port, in words.
    """
    known = {dp: _switch(flows[i], ground, dp) for dp, i in ground.dp_ids.items() if i in flows}
    found = {}
    for key, port in sorted(ground.ports.items()):
        vlan = ground.vlan(port.moved) if port.moved is not None else None
        vid = vlan.vid if vlan is not None else port.native_vid
        if port.dp not in known or why_fixed(port) or port.dot1x:
            continue
        others = {flow.vid for flow in known[port.dp].natives.get(port.number, ())} - {vid}
        if others:
            now = ", ".join(str(one) for one in sorted(o for o in others if o is not None))
            found[key] = f"{port.label}: its frames come into VLAN {now}, not {vid}"
    return found


def _words(missing: Sequence[str]) -> str:
    more = len(missing) - 1
    return missing[0] + (f" (and {more} more)" if more else "")


# What must be there


def _by_cookie(rules: Iterable[HookRule]) -> defaultdict[int, list[_Wanted]]:
    found: defaultdict[int, list[_Wanted]] = defaultdict(list)
    spelled: dict[tuple[str, str | int], tuple[str, str | int]] = {}
    for rule in rules:
        more = dict(rule.more)
        outputs = frozenset(more.get("output", {}).get("ports", ()))
        meter = rule.cookie if "meter" in more else None
        key = frozenset(_spelled(item, spelled) for item in rule.match)
        fields = dict(rule.match)
        end = "sends" if "dl_src" in fields else "receives"
        device = fields.get("dl_src", fields.get("dl_dst"))
        if outputs:
            what = f"redirects what {device} {end}"
        elif meter:
            what = f"limits what {device} {end}"
        else:
            what = f"{'allows a service that' if rule.allow else 'drops what'} {device} {end}"
        who = next(filter(_is_device, key), None)
        found[rule.cookie].append(_Wanted(key, who, rule.allow, outputs, meter, what))
    return found


def _spelled(
    item: tuple[str, str | int], known: dict[tuple[str, str | int], tuple[str, str | int]]
) -> tuple[str, str | int]:
    """Give a field of a match by its new name, an address without a mask that masks nothing."""
    found = known.get(item)
    if found is None:
        name, value = item
        found = known[item] = (ALIASES.get(name, name), _plain(value))
    return found


def _plain(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    address, _, mask = value.lower().partition("/")
    try:
        one = ipaddress.ip_address(address)
        full = (str(one.max_prefixlen), str(type(one)((1 << one.max_prefixlen) - 1)))
        return str(one) if not mask or mask in full else f"{one}/{mask}"
    except ValueError:
        return value.lower()


# What is there


def _switch(flows: Sequence[Flow], ground: Ground, dp: str) -> _Switch:
    """Sort a datapath's flows. Every frame begins in the lowest table."""
    first = min((f.table for f in flows), default=0)
    collector = {ground.collectors[dp]} if dp in ground.collectors else set()
    ours: defaultdict[tuple[int, int], list[tuple[Key, Flow]]] = defaultdict(list)
    passing: defaultdict[tuple[int, tuple[str, str | int] | None], list[Flow]] = defaultdict(list)
    others: defaultdict[int | None, list[Flow]] = defaultdict(list)
    natives: defaultdict[int, list[Flow]] = defaultdict(list)
    spelled: dict[tuple[str, str | int], tuple[str, str | int]] = {}
    for flow in flows:
        port = flow.in_port
        if flow.table > first:
            if port is not None and flow.match.get("vlan_vid") == 0 and flow.vid is not None:
                natives[port].append(flow)
        elif flow.cookie in COOKIES and port is not None:
            items = (item for item in flow.match.items() if item[0] != "in_port")
            key = frozenset(_spelled(item, spelled) for item in items)
            ours[port, flow.cookie].append((key, flow))
            if flow.goto is not None or not collector.issuperset(flow.outputs):
                for item in filter(_is_device, key):
                    passing[port, item].append(flow)
        elif flow.goto is not None or not collector.issuperset(flow.outputs):
            others[port].append(flow)
    cookies = frozenset(f.cookie for f in flows if f.cookie in COOKIES)
    return _Switch(ours, passing, others, natives, cookies)


def _is_device(item: tuple[str, str | int]) -> bool:
    """Tell whether a field names a device as an end; a group is nobody."""
    return item[0] in _ENDS and _is_one(str(item[1]))


@lru_cache(maxsize=1024)
def _is_one(mac: str) -> bool:
    return MAC.fullmatch(mac) is not None


def _place(one: Isolation, ground: Ground) -> Iterator[str]:
    """A device at a port without the hook is not isolated, whatever stands at the others."""
    if one.place is None:
        return
    port = ground.ports.get((one.place.dp, one.place.port))
    if port is None:
        yield f"it is at {one.place.dp} port {one.place.port}, which is not in faucet.yaml"
    elif not port.hooked:
        yield f"it is at {port.label}, which is not hooked"


def _missing(
    cookie: int,
    wanted: Sequence[_Wanted],
    remedies: Sequence[_Wanted],
    ports: Sequence[GroundPort],
    ground: Ground,
    known: Mapping[str, _Switch],
) -> Iterator[str]:
    """Say what is not as it should be, port by port."""
    silent: set[str] = set()
    for port in ports:
        switch = known.get(port.dp)
        if switch is None:
            if port.dp not in silent:
                silent.add(port.dp)
                yield f"{port.dp} does not tell its flows"
            continue
        must = (*remedies, *wanted) if port.remediation else wanted
        collector = ground.collectors.get(port.dp)
        yield from _at_port(port, cookie, must, switch, collector)


def _at_port(
    port: GroundPort,
    cookie: int,
    must: Sequence[_Wanted],
    switch: _Switch,
    collector: int | None,
) -> Iterator[str]:
    # The remediation ACL stands before the hook and may match the same: the higher flow is its own.
    by_key: defaultdict[Key, list[Flow]] = defaultdict(list)
    for key, flow in sorted(switch.ours.get((port.number, cookie), ()), key=_upside_down):
        by_key[key].append(flow)
    for one in must:
        there = by_key[one.key]
        if not there:
            yield f"{port.label}: no flow that {one.words}"
            continue
        flow = there.pop(0)
        if why := _not_so(one, flow, collector):
            yield f"{port.label}: the flow that {one.words} {why}"
        else:
            yield from _of_another(port, cookie, one, flow, switch)
            if not one.allow:
                yield from _above(port, one, flow, switch)
    for flow in (flow for rest in by_key.values() for flow in rest):
        if flow.goto is not None or not {collector}.issuperset(flow.outputs):
            yield f"{port.label}: a flow of an earlier rule still lets it through"


def _upside_down(item: tuple[Key, Flow]) -> int:
    return -item[1].priority


def _not_so(one: _Wanted, flow: Flow, collector: int | None) -> str:
    outputs = {port for port in flow.outputs if port != collector}
    if not one.allow and flow.goto is not None:
        return "lets it go on"
    if one.allow and flow.goto is None:
        return "ends its way"
    if outputs != one.outputs:
        return "sends it to other ports"
    return "" if flow.meter == one.meter else "has not its meter"


def _of_another(
    port: GroundPort, cookie: int, one: _Wanted, flow: Flow, switch: _Switch
) -> Iterator[str]:
    """A flow of another isolation of the same device that is asked before and lets it pass.

    There is one isolation of a device at a time: it is of an earlier one, and not gone yet.
    """
    for stale in switch.passing.get((port.number, one.device), ()):
        if stale.cookie != cookie and stale.priority > flow.priority:
            yield f"{port.label}: a flow of an earlier isolation still lets it through"
            return


def _above(port: GroundPort, one: _Wanted, flow: Flow, switch: _Switch) -> Iterator[str]:
    """A flow of somebody else's that is asked before a drop and may let the same frames pass."""
    for place in (port.number, None):
        for other in switch.others.get(place, ()):
            if other.priority > flow.priority and _may_meet(one.key, other):
                yield f"{port.label}: a flow above lets pass what should be dropped"
                return


def _may_meet(key: Key, other: Flow) -> bool:
    """Tell whether a frame can match both, by the plain values of fields that both have."""
    mine = dict(key)
    for name, value in other.match.items():
        there = mine.get(name)
        if there is not None and "/" not in str(value) and there != _plain(value):
            return False
    return True


def _moved(one: Isolation, ground: Ground, known: Mapping[str, _Switch]) -> Iterator[str]:
    """Say whether the switch puts the frames of the device's port into the VLAN."""
    assert one.place is not None  # else it was refused
    port = ground.ports[one.place.dp, one.place.port]
    vlan, switch = ground.vlan(one.action.vlan), known.get(port.dp)
    assert vlan is not None
    if switch is None:
        yield f"{port.dp} does not tell its flows"
        return
    vids = {flow.vid for flow in switch.natives.get(port.number, ())}
    if vids != {vlan.vid}:
        now = ", ".join(str(vid) for vid in sorted(v for v in vids if v is not None))
        yield f"{port.label}: its frames come into {f'VLAN {now}' if now else 'no VLAN'}"

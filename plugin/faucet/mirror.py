"""What is mirrored now: everything, or devices in turn if the mirror port cannot carry all. Pure.

Everything is mirrored by rules that the installation set once; there is nothing to plan then but to
say whom they do not reach. With a budget, and installed with ``--mirror none``, devices are watched
one group after another by rules in our include: :mod:`plugin.faucet.turns` says whose turn it is.
docs/faucet.md tells both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet import hook
from plugin.faucet.load import Loads, counted
from plugin.faucet.turns import Estimate, Turns, Watch, finished, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from plugin.faucet.flows import PortCounters
    from plugin.faucet.reach import Reach, Spot

EASE_LEAST = 1 / 16
EASE_SECONDS = 600.0
"""So long without a drop at the mirror port, and the whole budget is used again."""
_BUDGET = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmMgG]?)")
_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9}
CALM = 0.8
"""All is mirrored once it needs no more than this part of the budget; until it needs all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorSettings:
    """What the operator decides (settings ``mirror.*``)."""

    budget: float | None = None
    """Bits per second that copies may need, over all mirror ports; None: no limit."""
    window: float = 900.0
    """Seconds of one watch."""
    ignore_vlans: frozenset[int] = frozenset()
    ignore_ports: frozenset[str] = frozenset()
    """``DP:PORT``, by name or number."""


class Mirrored(NamedTuple):
    """A device whose frames are copied now."""

    mac: str
    until: float | None
    """When its watch ends; None: it has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorState:
    """What the plan remembers. Only :func:`count` and :func:`plan` make new ones."""

    turns: Turns = field(default_factory=Turns)
    everything: bool = False
    loads: Loads = field(default_factory=Loads)
    ease: float = 1.0
    """The part of the budget that is used: less after the mirror port dropped frames."""
    eased: float | None = None
    """When it was last changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorPlan:
    """What is mirrored, and what is not."""

    mirrored: tuple[Mirrored, ...]
    """In order of MAC."""
    uncovered: Mapping[str, str]
    """By MAC: why a device is not mirrored and will not be."""
    waiting: frozenset[str]
    """Devices whose turn will come."""
    ignored: frozenset[str]
    """Devices that the operator told to leave alone: not captured, not judged."""
    problems: tuple[str, ...]
    """What of the settings or the installation is in the way."""
    stages: hook.Stages
    """What our include must hold: its watches, or its mirror of everything."""
    load: float | None
    """Bits per second that the copies are estimated to need; None without a budget."""


def parse_budget(text: str) -> float:
    """Read bits per second: ``800M``, ``1.5G``, ``64k``, ``1000``; K, M, G are thousands.

    Raises:
        ValueError: it is none, or not more than nothing.
    """
    found = _BUDGET.fullmatch(text.strip())
    if found is None or not (rate := float(found[1]) * _UNITS[found[2].upper()]):
        raise ValueError(f"{text!r} is no rate in bits per second, such as 800M")
    return rate


def begin(ended: Mapping[str, float] | None = None) -> MirrorState:
    """Begin, knowing when devices were last watched: a restart takes no one's turn away."""
    return MirrorState(turns=Turns(ended=dict(ended or {})))


def count(
    state: MirrorState, reach: Reach, dp: str, counters: Iterable[PortCounters], now: float
) -> MirrorState:
    """Take a datapath's port counters, as the probe reads them.

    Frames dropped at the mirror port halve what is used of the budget; it comes back slowly.
    """
    loads = counted(state.loads, dp, counters, now)
    collector = (dp, reach.collectors.get(dp, 0))
    if loads.samples.get(collector) == state.loads.samples.get(collector):
        return replace(state, loads=loads)
    passed = 0.0 if state.eased is None else max(0.0, now - state.eased)
    if collector in loads.dropping:
        ease = max(EASE_LEAST, state.ease / 2)
    else:
        ease = min(1.0, state.ease + passed / EASE_SECONDS)
    return replace(state, loads=loads, ease=ease, eased=now)


def plan(
    state: MirrorState, reach: Reach, spots: Sequence[Spot], settings: MirrorSettings, now: float
) -> tuple[MirrorState, MirrorPlan]:
    """Say what is mirrored from now on: the same input gives the same plan.

    Args:
        state: what the last call gave.
        reach: what is installed.
        spots: all devices, each once.
        settings: what the operator decides.
        now: seconds; never less than before.
    """
    ignored = frozenset(s.mac for s in spots if _is_ignored(s, reach, settings))
    rest = sorted(s for s in spots if s.mac not in ignored)
    turning = reach.mode == "none" and settings.budget is not None
    why = reach.why_not_watched if turning else reach.why_not_mirrored
    uncovered = {s.mac: reason for s in rest if (reason := why(s))}
    seen = [s for s in rest if s.mac not in uncovered]
    all_of_them = MirrorPlan(
        mirrored=tuple(Mirrored(s.mac, None) for s in seen),
        uncovered=uncovered,
        waiting=frozenset(),
        ignored=ignored,
        problems=tuple(_problems(reach, settings)),
        stages=hook.NOTHING,
        load=None,
    )
    if not turning or settings.budget is None:
        turns = finished(state.turns, (), now)
        return replace(state, turns=turns, everything=False), all_of_them
    allowed = settings.budget * state.ease
    whole = _whole_load(state.loads, reach, seen)
    if whole is not None and whole <= allowed * (1.0 if state.everything else CALM):
        turns = finished(state.turns, (s.mac for s in seen), now)
        found = replace(all_of_them, stages=hook.Stages(everything=True), load=whole)
        return replace(state, turns=turns, everything=True), found
    estimate = Estimate({s.mac: s.place for s in seen}, state.loads.rates, allowed)
    large = {s.mac: _too_large(s, estimate) for s in seen if estimate.alone(s.mac) > allowed}
    fitting = [s for s in seen if s.mac not in large]
    turns, load = take_turns(state.turns, fitting, estimate, settings.window, now)
    watched = frozenset(w.mac for w in turns.watches)
    found = replace(
        all_of_them,
        mirrored=tuple(Mirrored(w.mac, w.until) for w in turns.watches),
        uncovered=uncovered | large,
        waiting=frozenset(s.mac for s in fitting) - watched,
        stages=hook.Stages(watches=_rules(turns.watches)),
        load=load,
    )
    return replace(state, turns=turns, everything=False), found


def _too_large(spot: Spot, estimate: Estimate) -> str:
    return (
        f"{spot.dp} port {spot.port} carries {_bits(estimate.alone(spot.mac))}, and"
        f" {_bits(estimate.allowed)} is all that may be mirrored"
    )


def _rules(watches: Iterable[Watch]) -> tuple[hook.HookRule, ...]:
    """Give the rules in order of cookie, so that equal watches are equal bytes."""
    ordered = sorted(watches, key=lambda w: w.cookie)
    return tuple(rule for w in ordered for rule in hook.watch(w.mac, w.cookie))


def _is_ignored(spot: Spot, reach: Reach, settings: MirrorSettings) -> bool:
    if spot.vid in settings.ignore_vlans or spot.vid in reach.ignored_vlans:
        return True
    return bool(settings.ignore_ports) and not settings.ignore_ports.isdisjoint(
        reach.names(spot.place)
    )


def _whole_load(loads: Loads, reach: Reach, seen: Sequence[Spot]) -> float | None:
    """Give what copies of all that enters watchable ports need; None: a port is not measured."""
    if not seen or any(s.place not in loads.rates for s in seen):
        return None
    places = [place for place, cover in reach.ports.items() if cover.watchable]
    return sum(loads.rates[place].received for place in places if place in loads.rates)


def _problems(reach: Reach, settings: MirrorSettings) -> Iterable[str]:
    if reach.mode is None:
        yield "the hook is not installed: halia faucet install"
        return
    if reach.mode in {"vlan", "out"}:
        for vid in sorted(settings.ignore_vlans - reach.ignored_vlans):
            yield (
                f"VLAN {vid} is to be ignored, but the installation did not leave it out: halia"
                f" faucet install --ignore-vlan {vid}"
            )
    if reach.mode == "port":
        yield "Faucet's port mirror copies frames twice: set capture.drop_repeats"
    if reach.mode == "none" and settings.budget is None:
        yield (
            "installed with --mirror none: nothing is mirrored; set mirror.budget to watch devices"
            " in turn, or install with another --mirror"
        )
    elif reach.mode != "none" and settings.budget is not None:
        yield (
            f"mirror.budget is set, but everything is mirrored (--mirror {reach.mode}) and nothing"
            " can be left out in turn: halia faucet install --mirror none"
        )
    elif reach.mode == "none" and (blind := reach.blind()):
        yield f"frames that enter at {', '.join(blind)} are not copied, for your ACLs end there"


def _bits(rate: float) -> str:
    for unit, size in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if rate >= size:
            return f"{rate / size:.3g} {unit}"
    return f"{rate:.0f} bit/s"

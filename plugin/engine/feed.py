"""Faucet's feed as the engine sees it: is it there, what was missed, what is to be asked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin import events as faucet
from plugin.engine import commands as do

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.engine.commands import Command
    from plugin.faucet.prometheus import Snapshot
    from plugin.registry import Registry

ASK_AGAIN = 5.0
"""Seconds after which Faucet's page is asked again, when it did not answer."""
DOWN_AFTER = 10.0
"""Seconds without the feed, or a switch, after which that is an alarm: a restart takes some."""


class FeedState(NamedTuple):
    """What is known of the feed."""

    open: bool = False
    closed_at: float | None = None
    """Since when it is away; None before the first try and while it is there."""
    down_told: bool = False
    events: int = 0
    gaps: int = 0
    missed: int = 0
    garbage: int = 0
    restarts: int = 0
    asking: bool = False
    """The page is being read."""
    ask_at: float | None = None
    """When to ask it again."""
    refused: str | None = None
    """Why Faucet refused the configuration it was given last; None: it did not."""
    down_switches: tuple[tuple[str, float], ...] = ()
    """Names of switches that left, and since when."""
    down_switches_told: frozenset[str] = frozenset()


def step(
    state: FeedState, event: Any, now: float, *, page: bool
) -> tuple[FeedState, list[Command]]:
    """Take one item of the feed.

    Args:
        state: Before.
        event: A FeedItem.
        now: The time.
        page: Whether there is a page to ask.
    """
    match event:
        case faucet.FeedOpened():
            back: list[Command] = (
                [do.Alarm("feed_up", None, f"{event.source}: Faucet's events come again")]
                if state.down_told
                else []
            )
            state, asked = _ask(state._replace(open=True, closed_at=None, down_told=False), page)
            return state, [*back, *asked]
        case faucet.FeedClosed():
            closed = now if state.closed_at is None else state.closed_at
            return state._replace(open=False, closed_at=closed), []
        case faucet.FeedGap():
            text = f"{event.missed} events of Faucet's were lost before event {event.before}"
            state = state._replace(gaps=state.gaps + 1, missed=state.missed + event.missed)
            state, asked = _ask(state, page)
            how = "its page is asked instead" if page else "and there is no page to ask instead"
            return state, [do.Alarm("feed_gap", None, f"{text}; {how}"), *asked]
        case faucet.FaucetRestarted():
            return _ask(state._replace(restarts=state.restarts + 1), page)
        case faucet.Garbage():
            return state._replace(garbage=state.garbage + 1), []
    return _about_faucet(state._replace(events=state.events + 1), event, now)


def tick(state: FeedState, now: float) -> tuple[FeedState, list[Command]]:
    """Let time pass."""
    if state.ask_at is not None and now >= state.ask_at and not state.asking:
        return state._replace(asking=True, ask_at=None), [do.Resync()]
    away = state.closed_at is not None and now - state.closed_at >= DOWN_AFTER
    if away and not state.down_told:
        text = "Faucet's events do not come: devices that come or move now are not noticed"
        return state._replace(down_told=True), [do.Alarm("feed_down", None, text)]
    for name, since in state.down_switches:
        if now - since >= DOWN_AFTER and name not in state.down_switches_told:
            told = state.down_switches_told | {name}
            text = f"switch {name} has left Faucet"
            return state._replace(down_switches_told=told), [do.Alarm("switch_down", None, text)]
    return state, []


def as_events(
    snapshot: Snapshot, registry: Registry, now: float
) -> Iterator[faucet.DeviceLearned | faucet.DeviceExpired]:
    """What Faucet's page tells, as the events that were missed.

    The page does not say when a device was heard of: one that is where it was keeps its time.
    """
    there = set()
    for one in snapshot.learned:
        known = registry.get(one.mac)
        here = (one.dp_name, one.port, one.vid)
        there.add((one.mac, here))
        yield faucet.DeviceLearned(
            time=known.last_seen if known is not None and known.location == here else now,
            dp_id=one.dp_id,
            dp_name=one.dp_name,
            event_id=0,
            port=one.port,
            previous_port=None,
            vid=one.vid,
            mac=one.mac,
            peer_mac=None,
            eth_type=None,
            address=None,
            peer_address=None,
            stack=None,
        )
    for device in list(registry):
        if device.learned and (device.mac, tuple(device.location)) not in there:
            yield faucet.DeviceExpired(
                time=now,
                dp_id=0,
                dp_name=device.location.dp_name,
                event_id=0,
                port=device.location.port,
                vid=device.location.vid,
                mac=device.mac,
            )


def _ask(state: FeedState, page: bool) -> tuple[FeedState, list[Command]]:
    if not page or state.asking:
        return state, []
    return state._replace(asking=True, ask_at=None), [do.Resync()]


def _about_faucet(state: FeedState, event: Any, now: float) -> tuple[FeedState, list[Command]]:
    match event:
        case faucet.ConfigRefused():
            text = f"Faucet refused its configuration and keeps the old one: {event.error}"
            return state._replace(refused=event.error), [do.Alarm("config_refused", None, text)]
        case faucet.ConfigLoaded():
            return state._replace(refused=None), []
        case faucet.DatapathChanged(dp_name=name):
            down = dict(state.down_switches)
            if event.reason == "disconnect":
                down.setdefault(name, now)  # a restart takes a second: told when it lasts
                return state._replace(down_switches=tuple(down.items())), []
            down.pop(name, None)
            told = state.down_switches_told
            state = state._replace(
                down_switches=tuple(down.items()), down_switches_told=told - {name}
            )
            if name not in told:
                return state, []
            return state, [do.Alarm("switch_up", None, f"switch {name} is at Faucet again")]
    return state, []

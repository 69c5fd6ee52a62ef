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

STEADY = 3.0
"""Seconds after which an open feed is taken to stay so: Faucet turns away a second reader."""
ASK_AGAIN = 5.0
"""Seconds after which Faucet's page is asked again, when it did not answer."""
DOWN_AFTER = 10.0
"""Seconds without the feed, or a switch, after which that is an alarm: a restart takes some."""


_AWAY = "Faucet's events do not come: devices that come or move now are not noticed"
_TURNED_AWAY = (
    "; Faucet still holds another reader, maybe one that has gone: it finds out at its next event"
    " (FAUCET_EVENT_SOCK_HEARTBEAT makes that soon)"
)


class FeedState(NamedTuple):
    """What is known of the feed."""

    open: bool = False
    opened_at: float | None = None
    """When it was connected last."""
    away_since: float | None = None
    """Since when nothing can come; None while something can."""
    turned_away: bool = False
    """It was connected and ended at once, without an event."""
    reason: str | None = None
    """Why it is not open; None: it is, or nobody said."""
    down_told: bool = False
    page_problem: str | None = None
    """Why Faucet's page could not be read; None: it could, or was not asked."""
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
            return _ask(state._replace(open=True, opened_at=now, reason=None), page)
        case faucet.FeedClosed():
            since = now if state.away_since is None else state.away_since
            at_once = state.opened_at is not None and now - state.opened_at < STEADY
            state = state._replace(open=False, away_since=since, turned_away=at_once)
            return state._replace(reason=event.reason), []
        case faucet.FeedGap():
            return _gap(state, event, page=page)
        case faucet.FaucetRestarted():
            return _ask(state._replace(restarts=state.restarts + 1), page)
        case faucet.Garbage():
            return state._replace(garbage=state.garbage + 1), []
    state, back = _there(state._replace(events=state.events + 1))
    state, told = _about_faucet(state, event, now)
    return state, [*back, *told]


def tick(state: FeedState, now: float, *, feed: bool = True) -> tuple[FeedState, list[Command]]:
    """Let time pass.

    Args:
        state: Before.
        now: The time.
        feed: Whether there is to be a feed at all.
    """
    if state.ask_at is not None and now >= state.ask_at and not state.asking:
        return state._replace(asking=True, ask_at=None), [do.Resync()]
    if state.open and state.opened_at is not None and now - state.opened_at >= STEADY:
        state, back = _there(state)
        if back:
            return state, back
    elif feed and not state.open and state.away_since is None:
        state = state._replace(away_since=now)  # it was never there
    away = feed and state.away_since is not None and now - state.away_since >= DOWN_AFTER
    if away and not state.down_told:
        why = "" if state.reason is None else f" ({state.reason})"
        text = _AWAY + (_TURNED_AWAY if state.turned_away else why)
        return state._replace(down_told=True), [do.Alarm("feed_down", None, text)]
    return _switches(state, now)


def _switches(state: FeedState, now: float) -> tuple[FeedState, list[Command]]:
    """Tell of a switch that is away for long, one at a time."""
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


def _there(state: FeedState) -> tuple[FeedState, list[Command]]:
    """The feed is there: it brought an event, or was not closed for some seconds."""
    told = state.down_told
    state = state._replace(away_since=None, turned_away=False, down_told=False)
    return state, [do.Alarm("feed_up", None, "Faucet's events come again")] if told else []


def _gap(state: FeedState, event: faucet.FeedGap, *, page: bool) -> tuple[FeedState, list[Command]]:
    """Events are missing; what was before we came is no loss, only to be asked for."""
    if not state.events:
        return _ask(state, page)
    text = f"{event.missed} events of Faucet's were lost before event {event.before}"
    state = state._replace(gaps=state.gaps + 1, missed=state.missed + event.missed)
    state, asked = _ask(state, page)
    how = "its page is asked instead" if page else "and there is no page to ask instead"
    return state, [do.Alarm("feed_gap", None, f"{text}; {how}"), *asked]


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

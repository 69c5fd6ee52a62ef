"""Events are frozen records that compare by what they say."""

from __future__ import annotations

import dataclasses

import pytest

from plugin import events as e


def test_events_are_frozen_and_compare_by_value() -> None:
    one = e.Heartbeat(time=1.0, dp_id=0, dp_name="0", event_id=3)
    assert one == e.Heartbeat(time=1.0, dp_id=0, dp_name="0", event_id=3)
    assert one != e.Heartbeat(time=1.0, dp_id=0, dp_name="0", event_id=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.event_id = 4  # type: ignore[misc]  # this is what is refused


def test_every_kind_of_line_is_a_faucet_event() -> None:
    lines = [c for c in vars(e).values() if isinstance(c, type) and c.__module__ == e.__name__]
    about_the_feed = {e.FeedOpened, e.FeedClosed, e.FeedGap, e.FaucetRestarted, e.Garbage}
    parts = {e.LoadedFile, e.FaucetEvent}
    rest = set(lines) - about_the_feed - parts
    assert rest
    assert all(issubclass(kind, e.FaucetEvent) for kind in rest)

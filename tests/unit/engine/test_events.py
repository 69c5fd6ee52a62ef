"""The engine takes every event there is: none falls through to Faucet's feed unseen."""

from __future__ import annotations

from typing import get_args

import pytest

from plugin.engine import Engine
from plugin.engine import events as ev
from plugin.events import FeedItem

OURS = tuple(kind for kind in get_args(ev.Event) if kind not in get_args(FeedItem))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_event_of_ours_has_its_step(kind: type) -> None:
    assert kind in Engine()._steps


def test_an_event_about_nobody_in_particular_needs_no_device() -> None:
    assert ev.Noticed("overload", "busy").mac is None
    assert not ev.Unjudged("one.pcap", None, "no capture").quiet

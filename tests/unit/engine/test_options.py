"""What the engine goes by when nobody says otherwise."""

from __future__ import annotations

import dataclasses

import pytest

from plugin.engine.options import Options
from plugin.registry import Limits


def test_all_is_looked_at_and_faucet_is_there() -> None:
    given = Options()
    assert (given.feed, given.page, given.limits) == (True, True, Limits())
    assert not given.ignore_vlans
    assert not given.ignore_ports


def test_nobody_changes_them() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().page = False  # type: ignore[misc]  # that is the test

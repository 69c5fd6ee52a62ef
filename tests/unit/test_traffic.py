"""Events are plain records that carry their time."""

from __future__ import annotations

from typing import get_args

import pytest

from plugin import traffic


@pytest.mark.parametrize("kind", get_args(traffic.Event))
def test_every_event_has_a_time_first(kind: type) -> None:
    assert getattr(kind, "_fields")[0] == "time"  # noqa: B009 - the kinds are NamedTuples

from __future__ import annotations

import socket

import pytest

from plugin.errors import LabError
from plugin.lab.rehearsal.clock import Clock


def test_time_goes_on_by_what_is_waited_for_and_nobody_waits() -> None:
    with Clock() as clock:
        assert clock.select(3600.0) == []
        assert clock.select(-1.0) == []
        assert clock.now == 3600.0


def test_what_is_ready_costs_no_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Clock() as clock:
        clock.register(ours, 1)
        theirs.send(b"x")
        assert [key.fileobj for key, _ in clock.select(10.0)] == [ours]
        assert clock.now == 0.0


def test_nothing_to_do_for_ever_is_said() -> None:
    with Clock() as clock, pytest.raises(LabError, match="nobody has anything to do"):
        clock.select(None)

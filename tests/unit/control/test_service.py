"""Requests joined with what the app brings."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.control.protocol import ASKS, Request
from plugin.control.service import Service, alarm_event, answers, device_event
from tests.services import GHOST, LAPTOP, NOW, PRINTER, STATUS, Office


def asked(name: str, **arguments: Any) -> list[Any]:
    service: Service = Office()
    return list(answers(service)(Request(ask=name, arguments=arguments), None))


def test_each_ask() -> None:
    assert asked("status") == [STATUS]
    assert [d["mac"] for d in asked("devices")] == [PRINTER, LAPTOP, GHOST]
    (one,) = asked("device", key="fe80::2")
    assert one["mac"] == LAPTOP
    assert one["history"]
    assert asked("device", key="10.9.9.9") == []


def test_a_watch_begins_with_what_is() -> None:
    *devices, last = asked("watch")
    assert [d["device"]["mac"] for d in devices] == [PRINTER, LAPTOP, GHOST]
    assert {d["event"] for d in devices} == {"device"}
    assert last == {"event": "current", "devices": 3}


@pytest.mark.parametrize("name", ASKS)
def test_every_ask_is_answered(name: str) -> None:
    arguments = dict.fromkeys(ASKS[name].arguments, PRINTER)
    assert asked(name, **arguments)


def test_events() -> None:
    assert device_event({"mac": PRINTER}) == {"event": "device", "device": {"mac": PRINTER}}
    alarm = alarm_event(NOW, "disk", None, "the disk is full")
    assert alarm["event"] == "alarm"
    assert (alarm["alarm"], alarm["mac"], alarm["text"]) == ("disk", None, "the disk is full")

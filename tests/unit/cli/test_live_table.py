"""The live table, drawn into a text."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("rich", reason="rich (extra live) is not installed")

from rich.console import Console

from plugin.cli.device_rows import Filter
from plugin.cli.live_table import ALARMS, LiveTable, show
from plugin.control.service import alarm_event, decision_event, device_event
from plugin.policy.decision import decision_document
from tests.cases import step
from tests.services import LAPTOP, NOW, PRINTER, device, office


def drawn(table: LiveTable, rows_max: int = 20) -> str:
    out = io.StringIO()
    Console(file=out, width=150, color_system=None).print(table.drawn(rows_max))
    return out.getvalue()


def filled(wanted: Filter | None = None) -> LiveTable:
    table = LiveTable(wanted or Filter(), "state")
    for one in office():
        table.take(device_event(one))
    table.take({"event": "current", "devices": 3})
    return table


def test_devices_stand_in_order_and_once() -> None:
    table = filled()
    table.take(device_event(device(PRINTER, state="gone")))
    head, first, *_, last = drawn(table).splitlines()
    assert head.split()[0] == "device"
    assert first.startswith(LAPTOP)
    assert last.startswith(PRINTER)
    assert drawn(table).count(PRINTER) == 1


def test_one_that_is_not_wanted_any_more_goes() -> None:
    table = filled(Filter(anomalous=True))
    assert LAPTOP in drawn(table)
    assert PRINTER not in drawn(table)
    table.take(device_event(device(LAPTOP)))
    assert LAPTOP not in drawn(table)


def test_decisions_stand_there_too() -> None:
    table = filled()
    table.take(decision_event(decision_document(step(reason="\x1b[2J[red]scan"))))
    text = " ".join(drawn(table).split())
    assert "decision 02:00:00:00:00:0a: case 7, quarantine is in force" in text
    assert "\x1b" not in text


def test_what_has_no_room_is_counted() -> None:
    assert "... and 2 more" in drawn(filled(), 1)
    assert "more" not in drawn(filled(), 3)


def test_the_last_alarms_stand_below() -> None:
    table = filled()
    for number in range(ALARMS + 1):
        table.take(alarm_event(NOW, "disk", None, f"number {number} \x1b[2J[red]"))
    text = drawn(table)
    assert "number 0" not in text
    assert f"alarm disk: number {ALARMS} \\x1b[2J[red]" in text


def test_it_ends_with_its_events(capsys: pytest.CaptureFixture[str]) -> None:
    show([device_event(one) for one in office()], Filter(), "port")
    assert PRINTER in capsys.readouterr().out


def test_addresses_are_whole_on_a_narrow_terminal() -> None:
    out = io.StringIO()
    Console(file=out, width=70, color_system=None).print(filled().drawn(20))
    text = out.getvalue()
    for one in office():
        assert one["mac"] in text
    assert "10.0.0.12" in text

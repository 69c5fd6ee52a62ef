"""The table of devices as it changes, drawn in place by rich (extra ``[live]``)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from plugin.cli import asking
from plugin.cli.device_rows import HEADER, KEPT, alarm_line, decision_line, ordered, row
from plugin.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plugin.cli.device_rows import Filter

DRAWN_A_SECOND = 2
ALARMS = 5
"""The last ones stand below the table."""


class LiveTable:
    """Devices, decisions and alarms so far, as rich draws them; from its own thread."""

    def __init__(self, wanted: Filter, sort: str) -> None:
        """Begin with none.

        Args:
            wanted: which devices are drawn; one that is not any more goes.
            sort: by what.
        """
        self._wanted, self._sort = wanted, sort
        self._lock = threading.Lock()
        self._devices: dict[str, Mapping[str, Any]] = {}
        self._alarms: list[str] = []

    def take(self, event: Mapping[str, Any]) -> None:
        """Note an event."""
        with self._lock:
            if event["event"] == "device":
                device = event["device"]
                self._devices.pop(device["mac"], None)
                if self._wanted.wants(device):
                    self._devices[device["mac"]] = device
            elif event["event"] == "alarm":
                self._alarms = [*self._alarms, printable(alarm_line(event))][-ALARMS:]
            elif event["event"] == "decision":
                line = printable(decision_line(event["decision"]))
                self._alarms = [*self._alarms, line][-ALARMS:]

    def drawn(self, rows_max: int) -> Group:
        """The table; what has no room on the screen is counted.

        Args:
            rows_max: devices that are shown at most.
        """
        with self._lock:
            devices, alarms = list(self._devices.values()), list(self._alarms)
        now = asking.now()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, name in enumerate(HEADER):
            table.add_column(name, no_wrap=number < KEPT, overflow="fold")
        for device in ordered(devices, self._sort)[:rows_max]:
            table.add_row(*(Text(printable(c.text), style=c.style) for c in row(device, now)))
        more = len(devices) - rows_max
        notes = [Text(f"... and {more} more", style="dim")] if more > 0 else []
        return Group(table, *notes, *(Text(one, style="red") for one in alarms))


def show(events: Iterable[Mapping[str, Any]], wanted: Filter, sort: str) -> None:
    """Draw until the events end, or Ctrl-C."""
    console = Console()
    table = LiveTable(wanted, sort)

    def draw() -> Group:
        return table.drawn(max(1, console.size.height - ALARMS - 3))

    with Live(get_renderable=draw, console=console, refresh_per_second=DRAWN_A_SECOND):
        for event in events:
            table.take(event)

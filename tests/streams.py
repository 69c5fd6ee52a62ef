"""A capture judged as the live stream is: a chunk of packets at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from plugin.capture.scan import Scan
from plugin.capture.source import open_source
from plugin.core.layout import MAC, PACKET, SESSION
from plugin.ml.behaviour import Behaviours
from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.behaviours import behaviours_in
from plugin.records import mac_text
from plugin.sessions.live import LiveSessions

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.traffic import Event

Named = Counter[tuple[str, str]]
"""How often each device was named for each behaviour."""


def streamed(path: Path, parameters: Parameters | None = None, most: int = 1 << 40) -> Named:
    """What the live stream's events tell, at most so many packets at a time."""
    names: list[str] = []
    scan, behaviours = Scan(packets=True), Behaviours(parameters or Parameters())
    live = LiveSessions(lambda index: names[index])
    found: Named = Counter()
    with open_source(path) as source:
        for chunk in scan.read(source):
            names += [mac_text(row[0]) for row in MAC.struct.iter_unpack(scan.macs(len(names)))]
            rows = np.frombuffer(chunk.packets, PACKET.dtype())
            events: list[Event] = []
            for begin in range(0, len(rows), most):
                events += live.packets(rows[begin : begin + most])
            events += live.sessions(np.frombuffer(chunk.sessions, SESSION.dtype()))
            for event in events:
                found.update((one.mac, one.finding.name) for one in behaviours.step(event))
    return found


def afterwards(path: Path, parameters: Parameters | None = None) -> Named:
    """What is found in the whole capture."""
    found = behaviours_in(path, parameters or Parameters())
    return Counter((one.mac, one.finding.name) for one in found)

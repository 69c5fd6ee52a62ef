"""Whom the shipped suspicion accuses in a capture: for the tables of hours and pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plugin.ml.devices import addresses_of, devices_of
from plugin.ml.store import load_suspicion
from plugin.ml.verdict import says_yes
from plugin.offline.suspicion import SHIPPED, Suspicions

if TYPE_CHECKING:
    from plugin.ml.behaviour.finding import Finding
    from plugin.records import Capture

MODEL = Path(__file__).resolve().parents[2] / "models" / SHIPPED


def accused(capture: Capture) -> list[tuple[str | None, Finding]]:
    """The MAC of each device that is accused (None: it goes by its address), and of what.

    Args:
        capture: read with ``watched=True``.
    """
    devices = devices_of(capture)
    looking = Suspicions(capture, devices, addresses_of(capture, devices), load_suspicion(MODEL))
    told = ((mac, looking.of(k)) for k, mac in enumerate(devices.macs))
    return [(mac, one) for mac, one in told if one is not None and says_yes(one)]

"""Suspicion about the devices of a capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.store import find_optional, load_suspicion
from plugin.ml.suspicion import Suspicion, finding
from plugin.offline.evidence import evidence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.devices import Addresses, Devices
    from plugin.records import Capture

SHIPPED = "suspicion"
"""The model that comes with Halia."""


def load_suspicions(name: str, folders: Iterable[Path]) -> Suspicion | None:
    """The model of a name or directory; of the shipped one None if none came along.

    Raises:
        ModelError: there is none, or it is refused.
    """
    place = find_optional(name, SHIPPED, folders)
    return None if place is None else load_suspicion(place)


class Suspicions:
    """Says of each device of a capture what its signs come to.

    Args:
        capture: read with ``watched=True``; of another nothing is said.
        devices: all of its devices.
        addresses: theirs; of those that stand for others nothing is said.
        model: floors and threshold; None: nothing looks.
    """

    def __init__(
        self,
        capture: Capture,
        devices: Devices,
        addresses: Addresses,
        model: Suspicion | None,
    ) -> None:
        self._model = model if capture.watched is not None else None
        if self._model is None:
            return
        window = self._model.manifest.window_seconds
        found = evidence(capture, devices, window, foreign=addresses.foreign)
        found = found.without(addresses.relays)
        self._values = found.values
        self._begins = np.searchsorted(found.device, np.arange(len(devices) + 1))

    def of(self, k: int) -> Finding | None:
        """What is to be said of device ``k``; None: nothing looked, or there was nothing."""
        if self._model is None:
            return None
        return finding(self._model, self._values[self._begins[k] : self._begins[k + 1]])

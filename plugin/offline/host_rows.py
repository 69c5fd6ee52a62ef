"""Rows of ``halia-host`` and ``halia-host-sent`` of a capture's devices, computed once for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.devices import chosen_of
from plugin.ml.features import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from plugin.ml.devices import Devices
    from plugin.ml.matrix import Matrix
    from plugin.records import Capture


class HostRows:
    """The rows of a capture, kept for whoever asks next: models of roles, then that of normal.

    Args:
        capture: read with ``packets=True`` if any of these sets is asked for.
        devices: all of its devices.
        names: the sets that will be asked for; others than ``HOST`` are passed over.
    """

    def __init__(self, capture: Capture, devices: Devices, names: Iterable[str]) -> None:
        self._capture, self._devices = capture, devices
        self._names = tuple(dict.fromkeys(name for name in names if name in HOST))
        self._chosen: NDArray[np.int64] = np.empty(0, np.int64)
        self._rows: dict[str, Matrix] = {}

    def of(self, name: str, chosen: NDArray[np.int64]) -> Matrix:
        """(n_chosen, n_columns) a row of each device over the whole capture.

        Args:
            name: one of ``names``.
            chosen: positions of the devices, ascending. Of those asked for last, or some of them,
                nothing is computed again.
        """
        place = np.searchsorted(self._chosen, chosen)
        inside = place < len(self._chosen)
        if not self._rows or not inside.all() or not (self._chosen[place] == chosen).all():
            self._chosen, self._rows = chosen, self._computed(chosen)
            return self._rows[name]
        return self._rows[name].rows(place)

    def _computed(self, chosen: NDArray[np.int64]) -> dict[str, Matrix]:
        from plugin.ml.features import host, host_owners

        packets, sessions = self._capture.packets, self._capture.sessions
        assert packets is not None
        some = chosen_of(self._devices, chosen)
        owners = host_owners.by_devices(packets, sessions, some, len(self._capture.macs))
        found = host.sets_of_owners(packets, sessions, owners, len(some), self._names)
        return dict(zip(self._names, found, strict=True))
